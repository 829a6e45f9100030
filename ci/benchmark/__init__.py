"""What ``ci/bench`` measures: each figure compares two things that are run in turn, see docs/reference/benchmark.md.

``figures`` (what a figure is) and ``report`` (table and JSON) are pure; ``race`` runs two sides in turn; ``ground`` has what
they run on; the other modules are a figure or two each. Uses the harness as any program could, and is used by none.
"""
