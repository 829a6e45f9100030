"""Whether a JUnit file is of our dialect, and whether real parsers agree on what it says.

``check`` reads a file with three parsers that dashboards are made of and with plain XML, holds it against Jenkins' junit-10
schema, and raises ``AssertionError`` with everything that is wrong. For files of tests: golden ones and those of real runs.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import junitparser.xunit2
import test_results_parser
from junit2htmlreport import parser as junit2html
from lxml import etree

SCHEMA = Path(__file__).with_name("junit-10.xsd")
RESULTS = ("failure", "error", "skipped")
ORDER = (
    *("properties", "failure", "rerunFailure", "flakyFailure", "skipped", "error"),
    *("rerunError", "flakyError", "system-out", "system-err"),
)
ROOT_ATTRIBUTES = {"name", "tests", "failures", "errors", "time"}
SUITE_ATTRIBUTES = {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "file"}
CASE_ATTRIBUTES = {"classname", "name", "time", "file", "line"}
EXTENSIONS = ("file", "line")
ATTRIBUTE_BYTES = 1000
TEXT_BYTES = 10_000_000
SECONDS = re.compile(r"\d+\.\d{3}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Counts(NamedTuple):
    """The counts that a parser reads from a file."""

    total: int
    passed: int
    bad: int
    skipped: int


def check(path: Path, *, strict: bool = False, recorded: Collection[str] = ()) -> Counts:
    """The cases of the file at *path*; *strict* allows no extension of the schema. Raises ``AssertionError``.

    *recorded* are attributes that a test has added to its own case.
    """
    raw = path.read_bytes()
    root = etree.fromstring(raw)
    for case in root.iter("testcase"):
        for name in set(recorded) & set(case.attrib):
            del case.attrib[name]
    problems = [*_of_bytes(raw), *_of_root(root)]
    for suite in root:
        problems += _of_suite(suite)
    for case in root.iter("testcase"):
        problems += _of_case(case)
    problems += _of_names(root)
    counts = _by_elements(root)
    for parser, read in (
        ("junitparser", _by_junitparser),
        ("test-results-parser", _by_codecov),
        ("junit2html", _by_junit2html),
    ):
        other = read(path)
        if other != counts:
            problems.append(f"{parser} disagrees: {other}, and not {counts}")
    problems += _of_schema(root, strict)
    assert not problems, "\n".join([f"{path}:", *problems[:50]])
    return counts


def _of_bytes(raw: bytes) -> Iterator[str]:
    if b"<![CDATA[" in raw:
        yield "CDATA"
    if not raw.startswith(b"<?xml "):
        yield "no XML declaration"


def _of_root(root: Any) -> Iterator[str]:
    if root.tag != "testsuites":
        yield f"the root is <{root.tag}>"
    if set(root.attrib) != ROOT_ATTRIBUTES:
        yield f"attributes of the root: {sorted(root.attrib)}"
    if not SECONDS.fullmatch(root.get("time", "")):
        yield f"time of the root: {root.get('time')!r}"
    cases = list(root.iter("testcase"))
    for key, wanted in (
        ("tests", len(cases)),
        ("failures", sum(case.find("failure") is not None for case in cases)),
        ("errors", sum(case.find("error") is not None for case in cases)),
    ):
        if root.get(key) != str(wanted):
            yield f"{key} of the root is {root.get(key)}, cases say {wanted}"


def _of_suite(suite: Any) -> Iterator[str]:
    name = suite.get("name")
    if suite.tag != "testsuite":
        yield f"<{suite.tag}> below the root"
    if set(suite.attrib) - SUITE_ATTRIBUTES or not SUITE_ATTRIBUTES - {"file"} <= set(suite.attrib):
        yield f"{name}: attributes {sorted(suite.attrib)}"
    if any(child.tag not in ("properties", "testcase") for child in suite):
        yield f"{name}: children {sorted({child.tag for child in suite})}"
    if not TIMESTAMP.fullmatch(suite.get("timestamp", "")):
        yield f"{name}: timestamp {suite.get('timestamp')!r}"
    if not SECONDS.fullmatch(suite.get("time", "")):
        yield f"{name}: time {suite.get('time')!r}"
    cases = suite.findall("testcase")
    found = Counter(child.tag for case in cases for child in case)
    wanted = (len(cases), found["failure"], found["error"], found["skipped"])
    if tuple(int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")) != wanted:
        yield f"{name}: totals are not {wanted}"


def _of_case(case: Any) -> Iterator[str]:
    name = f"{case.get('classname')}.{case.get('name')}"
    if not case.get("classname") or not case.get("name"):
        yield f"{name}: no class or no name"
    if set(case.attrib) - CASE_ATTRIBUTES:
        yield f"{name}: attributes {sorted(case.attrib)}"
    if not SECONDS.fullmatch(case.get("time", "")):
        yield f"{name}: time {case.get('time')!r}"
    tags = [child.tag for child in case]
    if tags != sorted(tags, key=ORDER.index):
        yield f"{name}: children in the order {tags}"
    if sum(tag in RESULTS for tag in tags) > 1:
        yield f"{name}: more than one result element"
    for element in case.iter():
        if element.tag in RESULTS and not (element.text or "").strip():
            yield f"{name}: <{element.tag}> without text"
        if element.tag in RESULTS and not (element.get("message") and element.get("type")):
            yield f"{name}: <{element.tag}> without message or type"
        if len((element.text or "").encode()) > TEXT_BYTES:
            yield f"{name}: <{element.tag}> of more than 10 MB"
        for value in (element.text or "", *element.attrib.values()):
            if UNFIT.search(value):
                yield f"{name}: control characters in <{element.tag}>"
        for key, value in element.attrib.items():
            if len(value.encode()) > ATTRIBUTE_BYTES:
                yield f"{name}: {key} of <{element.tag}> has more than 1000 bytes"


def _of_names(root: Any) -> Iterator[str]:
    suites = Counter(suite.get("name") for suite in root)
    yield from (f"{number} suites called {name}" for name, number in suites.items() if number > 1)
    cases = Counter((case.get("classname"), case.get("name")) for case in root.iter("testcase"))
    yield from (f"{number} cases called {'.'.join(name)}" for name, number in cases.items() if number > 1)


def _of_schema(root: Any, strict: bool) -> Iterator[str]:
    if not strict:
        for case in root.iter("testcase"):
            for key in EXTENSIONS:
                case.attrib.pop(key, None)
            for properties in case.findall("properties"):
                case.remove(properties)
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    if not schema.validate(root.getroottree()):
        yield from (f"junit-10: {error}" for error in schema.error_log)


def _by_elements(root: Any) -> Counts:
    kinds = Counter(
        next((child.tag for child in case if child.tag in RESULTS), "passed") for case in root.iter("testcase")
    )
    return Counts(kinds.total(), kinds["passed"], kinds["failure"] + kinds["error"], kinds["skipped"])


def _by_junitparser(path: Path) -> Counts:
    cases = [case for suite in junitparser.xunit2.JUnitXml.fromfile(str(path)) for case in suite]
    return Counts(
        len(cases),
        sum(case.is_passed for case in cases),
        sum(case.is_failure or case.is_error for case in cases),
        sum(case.is_skipped for case in cases),
    )


def _by_codecov(path: Path) -> Counts:
    runs = test_results_parser.parse_junit_xml(path.read_bytes()).testruns
    outcomes = Counter(str(run.outcome).rpartition(".")[2].lower() for run in runs)
    return Counts(len(runs), outcomes["pass"], outcomes["failure"] + outcomes["error"], outcomes["skip"])


def _by_junit2html(path: Path) -> Counts:
    cases = [
        case for suite in junit2html.Junit(str(path)).suites for each in suite.classes.values() for case in each.cases
    ]
    return Counts(
        len(cases),
        sum(not (case.failed() or case.skipped) for case in cases),
        sum(bool(case.failed()) for case in cases),
        sum(bool(case.skipped) for case in cases),
    )


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(argument, check(Path(argument)))
