"""The descendants and children of processes, in a process tree written by hand."""

from harness.runner.processes.tree import Process, below, children_of

TREE = {
    pid: Process(parent, is_zombie=False)
    for pid, parent in {1: 0, 10: 1, 11: 10, 12: 11, 13: 10, 20: 1, 21: 20}.items()
}


def test_descendants_are_found_at_any_depth() -> None:
    assert below([10], TREE) == {11, 12, 13}
    assert below([11, 20], TREE) == {12, 21}
    assert below([99], TREE) == set()


def test_a_circle_of_parents_has_an_end() -> None:
    """A snapshot takes time, and a process id may be reused meanwhile."""
    circle = {1: Process(2, is_zombie=False), 2: Process(1, is_zombie=False)}
    assert below([1], circle) == {1, 2}


def test_children_are_those_directly_below() -> None:
    assert children_of(10, TREE) == {11, 13}
