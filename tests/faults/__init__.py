"""Injects each fault that a run can meet into real runs, and compares what came of it: ``python -m tests.faults``.

Every fault is a real one: real signals, real crashes, real servers that die. A scene is one or more runs of ``harness ci`` on
``tests/projects/faults``; it gives a row for each of its faults.
"""
