from pathlib import Path

import pytest

from tests.junit_check import Counts, check

GOOD = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="harness" tests="3" failures="1" errors="0" time="1.000">
  <testsuite name="a.B" tests="3" failures="1" errors="0" skipped="1" time="1.000"
    hostname="h" timestamp="2026-01-01T00:00:00" file="a.py">
    <testcase classname="a.B" name="one" time="0.500" file="a.py" line="3" />
    <testcase classname="a.B" name="two"
      time="0.500"><failure type="E" message="E: x">text</failure><system-out>o</system-out></testcase>
    <testcase classname="a.B" name="three" time="0.000"><skipped type="skip" message="why">why</skipped></testcase>
  </testsuite>
</testsuites>
"""


def test_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(GOOD)
    assert check(path) == Counts(3, 1, 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('tests="3" failures="1" errors="0" time', 'tests="4" failures="1" errors="0" time', "tests of the root"),
        ('skipped="1"', 'skipped="2"', "totals are not"),
        ('name="one" time="0.500"', 'name="one" time="1e-05"', "time '1e-05'"),
        ('name="one" time="0.500"', 'name="one"', "time None"),
        ('name="one" time="0.500"', 'name="two" time="0.500"', "2 cases called a.B.two"),
        (">text</failure>", "/>", "<failure> without text"),
        ('message="why">why', ">why", "without message or type"),
        (">text</failure>", ">text</failure><skipped type='s' message='m'>t</skipped>", "more than one result"),
        (
            '<failure type="E" message="E: x">text</failure><system-out>o</system-out>',
            '<system-out>o</system-out><failure type="E" message="E: x">text</failure>',
            "children in the order",
        ),
        (">o<", "><![CDATA[o]]><", "CDATA"),
        (">o<", ">\x85<", "control characters"),
        ('line="3"', 'status="run"', "attributes"),
        ('message="why"', f'message="{"x" * 1001}"', "more than 1000 bytes"),
        ('timestamp="2026-01-01T00:00:00"', 'timestamp="2026-01-01T00:00:00Z"', "timestamp"),
        ('hostname="h"', 'hostname="h" disabled="0"', "junit-10"),
    ],
)
def test_bad_files(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert GOOD.count(old) == 1
    path = tmp_path / "junit.xml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(AssertionError, match=problem):
        check(path)


def test_strict_knows_no_extensions(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(GOOD)
    with pytest.raises(AssertionError, match="junit-10"):
        check(path, strict=True)
