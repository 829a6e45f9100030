"""A failed doctest, as the standard library describes it and as a report shows it."""

import doctest

from harness.protocol.results import Failure
from harness.runner.failures import FailureDescriber
from harness.runner.legacy.doctest_failures import with_examples

DOCSTRING = """
>>> 1 + 1
3
>>> print("a" + chr(10) + "b")
a
c
>>> 1 / 0
0
"""


def failure_of(docstring: str) -> Failure:
    """The failure of a doctest in the file ``/project/zoo.py``."""
    test = doctest.DocTestParser().get_doctest(docstring, {"__name__": "zoo"}, "zoo.count", "/project/zoo.py", 10)
    try:
        doctest.DocTestCase(test).runTest()
    except AssertionError as error:
        return FailureDescriber("/project").describe((type(error), error, error.__traceback__), "failure")
    raise AssertionError("it passed")


def shown(docstring: str) -> Failure:
    return with_examples(failure_of(docstring), FailureDescriber("/project").relative)


def test_the_message_is_the_failed_examples() -> None:
    first, second, third = shown(DOCSTRING).message.split("\n\n")
    assert first == "Failed example:\n    1 + 1\nExpected:\n    3\nGot:\n    2"
    assert second.startswith("Failed example:\n    print(")
    assert third.endswith("ZeroDivisionError: division by zero")


def test_the_place_is_the_first_failed_example() -> None:
    failure = shown(DOCSTRING)
    assert [(frame.file, frame.line, frame.function) for frame in failure.frames] == [("zoo.py", 12, "zoo.count")]
    frames = [line.text for line in failure.brief if line.kind == "frame"]
    assert frames == ["zoo.py:12: 1 + 1", 'zoo.py:14: print("a" + chr(10) + "b")', "zoo.py:17: 1 / 0"]
    assert failure.traceback.startswith("zoo.py:12\nFailed example:\n    1 + 1\n")


def test_another_failure_stays_as_it_is() -> None:
    other = Failure("failure", "AssertionError", "1 != 2", "Traceback ...")
    assert with_examples(other, str) is other
