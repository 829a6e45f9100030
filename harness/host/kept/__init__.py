"""Servers that are kept for work on this machine: ``harness up``, ``harness shell``, ``harness down``"""
