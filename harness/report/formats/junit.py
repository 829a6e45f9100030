"""JUnit XML from a ``RunReport``, in the one dialect that dashboards agree on (``docs/reference/artifacts.md``).

Owns which element each outcome becomes. Pure: builds bytes, writes nothing. junit-xml's ``TestCase`` and ``TestSuite``
are the model; what its document lacks or gets wrong (a time of 0, the type of a skip, flaky and rerun elements, the
properties of a case, the order of children) is corrected in the tree.
"""

from __future__ import annotations

import functools
import hashlib
import math
import posixpath
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import junit_xml

from harness.protocol import naming
from harness.protocol.events import Outcome
from harness.report.model.phrases import case_headline, detail, headline, summarise
from harness.report.model.run_report import Attempt, Case, RunReport
from harness.report.model.text import cut_bytes, keep_ends, one_line, visible
from harness.report.model.verdict import Cause, Verdict

ATTRIBUTE_BYTES = 1000
STREAM_BYTES = 100_000
TOTAL_BYTES = 20_000_000
"""Approximate limit for all tracebacks and output: one dashboard takes files of 30 MB."""
LEAST_BYTES = 300
"""Lowest limit of one text in bytes, however many texts there are."""
HARNESS_CASE = ("harness", "run")
"""Class and name of the case with the reason for a red run that no test explains."""

_CHILD_ORDER = (
    "properties",
    "failure",
    "rerunFailure",
    "flakyFailure",
    "skipped",
    "error",
    "rerunError",
    "flakyError",
    "system-out",
    "system-err",
)
_FAILURES = (Outcome.FAILED, Outcome.XPASSED)
_FIXED_TYPES = {
    Outcome.CRASHED: "WorkerCrash",
    Outcome.TIMED_OUT: "TestTimeout",
    Outcome.XPASSED: "UnexpectedSuccess",
}


@dataclass(frozen=True, slots=True)
class Result:
    """A result element: ``tag`` is ``failure``, ``error`` or ``skipped``."""

    tag: str
    type: str
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One run in the file. *label* goes before its classes, if several runs have the same ones.

    *prefix* is the project's folder relative to the repository's root, *folder* that of the run's artifacts relative to
    the file; each ends with a slash unless it is empty.
    """

    report: RunReport
    verdict: Verdict
    label: str = ""
    prefix: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class _Options:
    prefix: str
    strict: bool
    hostname: str
    text_bytes: int
    label: str = ""
    folder: str = ""


def build(
    report: RunReport, verdict: Verdict, *, prefix: str = "", strict: bool = False, hostname: str = "localhost"
) -> bytes:
    """The JUnit file of *report*.

    *prefix* is the project's folder relative to the repository's root, so that ``file`` is too. *strict* leaves out
    what the junit-10 schema does not allow: ``file`` and ``line`` of a case, and its properties.
    """
    return build_all([Part(report, verdict, prefix=prefix)], report.total_s, strict=strict, hostname=hostname)


def build_all(parts: Sequence[Part], total_s: float, *, strict: bool = False, hostname: str = "localhost") -> bytes:
    """One JUnit file of several runs, which took *total_s* seconds together."""
    root = ET.Element("testsuites", {"name": "harness"})
    names = _Names()
    text_bytes = _text_bytes(part.report for part in parts)
    for part in parts:
        options = _Options(part.prefix, strict, hostname, text_bytes, part.label, part.folder)
        root.extend(_suites(part, names, options))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", _seconds(total_s))
    ET.indent(root)
    body: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _suites(part: Part, names: _Names, options: _Options) -> Iterator[ET.Element]:
    suites = _by_class(part.report, options)
    is_red = False
    for classname, cases in suites.items():
        suite = _suite(part.report, classname, cases, names, options)
        is_red = is_red or suite.get("failures") != "0" or suite.get("errors") != "0"
        yield suite
    if (cause := _missing_cause(part.report, part.verdict, is_red)) is not None:
        yield _harness_suite(part, cause, set(suites), names, options)


def result_of(case: Case) -> Result | None:
    """The one result element of *case*; ``None`` for a test that passed, at the first attempt or later."""
    outcome = case.outcome
    if outcome is Outcome.PASSED:
        return None
    if outcome is Outcome.SKIPPED:
        reason = visible(case.reason).strip() or "skipped, no reason given"
        return Result("skipped", "skip", reason, reason)
    if outcome is Outcome.XFAILED:
        failures = case.attempts[-1].failures if case.attempts else ()
        said = summarise(failures[0]) if failures else one_line(case.reason) or "no reason given"
        text = detail(case.attempts[-1]) if failures else said
        return Result("skipped", "expectedFailure", f"expected failure: {said}", text)
    if outcome is Outcome.NOT_RUN:
        return Result("skipped", "not-run", case_headline(case), visible(case.reason).strip() or "not run")
    red = case.red_attempts
    return result_of_attempt(red[0] if red else Attempt(1, outcome, 0.0, reason=case.reason))


def result_of_attempt(attempt: Attempt) -> Result:
    """The ``failure`` or ``error`` element of a red attempt."""
    tag = "failure" if attempt.outcome in _FAILURES else "error"
    return Result(tag, _type_of(attempt), headline(attempt), detail(attempt))


def _type_of(attempt: Attempt) -> str:
    fixed = _FIXED_TYPES.get(attempt.outcome)
    if fixed is not None:
        return fixed
    if any(failure.subtest for failure in attempt.failures):
        return "SubTestFailures"
    return attempt.failures[0].type if attempt.failures and attempt.failures[0].type else "UnknownFailure"


def _missing_cause(report: RunReport, verdict: Verdict, is_red: bool) -> Cause | None:
    """The cause that the file must include so that no dashboard shows a red run as green; ``None`` if its tests suffice."""
    is_told = is_red and not report.aborts and report.is_finished and not verdict.lost
    if verdict.exit_code == 0 or is_told:
        return None
    return verdict.cause or Cause("HarnessError", f"the run {verdict.word}, exit code {int(verdict.exit_code)}")


def _by_class(report: RunReport, options: _Options) -> dict[str, list[Case]]:
    """The cases by the class that their suite is named after, in the order of the first case of each class."""
    suites: dict[str, list[Case]] = {}
    for case in report.cases:
        suites.setdefault(_classname(case, options), []).append(case)
    return suites


def _classname(case: Case, options: _Options) -> str:
    classname = case.test.classname or case.test.id.rpartition(".")[0]
    return _attribute(_labelled(classname or "tests", options), "tests")


def _labelled(classname: str, options: _Options) -> str:
    """*classname* with the run's label as outermost package: parsers tell cases apart by class and name, and group by package."""
    return f"{options.label}.{classname}" if options.label else classname


def _suite(report: RunReport, classname: str, cases: list[Case], names: _Names, options: _Options) -> ET.Element:
    results = [result_of(case) for case in cases]
    models = [_model(case, result, classname, names, options) for case, result in zip(cases, results, strict=True)]
    started = [case.started_at for case in cases if case.started_at is not None]
    files = [case.test.file for case in cases if case.test.file]
    suite = junit_xml.TestSuite(
        classname,
        models,
        hostname=options.hostname,
        timestamp=_timestamp(min(started, default=report.started_at)),
        properties=_properties(report),
        file=_file(files[0], options) if files else None,
    ).build_xml_doc()
    elements = suite.findall("testcase")
    for element, case, result in zip(elements, cases, results, strict=True):
        _mend(element, case, result, options)
    return _sealed(suite, elements)


def _harness_suite(part: Part, cause: Cause, taken: set[str], names: _Names, options: _Options) -> ET.Element:
    classname, name = HARNESS_CASE
    classname = _labelled(classname, options)
    while classname in taken:  # a project may have a module of that name
        classname = f"{classname} (run)"
    model = junit_xml.TestCase(names.unique(classname, name), classname)
    text = _text(cause.text, options)
    model.add_error_info(_attribute(cause.message, cause.kind), text, cause.kind)
    if part.verdict.lost:
        model.stderr = _text("\n\n".join(lost.text for lost in part.verdict.lost), options)
    suite = junit_xml.TestSuite(
        classname, [model], hostname=options.hostname, timestamp=_timestamp(part.report.started_at)
    ).build_xml_doc()
    case = suite.find("testcase")
    case.set("time", _seconds(0.0))
    return _sealed(suite, [case])


def _sealed(suite: ET.Element, cases: list[ET.Element]) -> ET.Element:
    """*suite* with the totals of its *cases*, and without the attribute that the schema does not allow."""
    del suite.attrib["disabled"]
    results = Counter(child.tag for case in cases for child in case if child.tag in ("failure", "error", "skipped"))
    suite.set("failures", str(results["failure"]))
    suite.set("errors", str(results["error"]))
    suite.set("skipped", str(results["skipped"]))
    suite.set("time", _seconds(sum(float(case.get("time", "0")) for case in cases)))
    return suite


def _model(case: Case, result: Result | None, classname: str, names: _Names, options: _Options) -> junit_xml.TestCase:
    name = names.unique(classname, _attribute(case.test.name or case.test.id, "test"))
    has_file = bool(case.test.file) and not options.strict
    model = junit_xml.TestCase(
        name,
        classname,
        file=_file(case.test.file, options) if has_file else None,
        line=case.test.line if has_file and case.test.line > 0 else None,
    )
    if result is None:
        return model
    type_, message, text = _attribute(result.type, result.tag), _message(result), _text(result.text, options)
    if result.tag == "skipped":
        model.add_skipped_info(message, text)
        return model
    if result.tag == "failure":
        model.add_failure_info(message, text, type_)
    else:
        model.add_error_info(message, text, type_)
    model.stdout, model.stderr = _output(case, options)
    return model


def _mend(element: ET.Element, case: Case, result: Result | None, options: _Options) -> None:
    """Correct in junit-xml's *element* what its model cannot express."""
    element.set("time", _seconds(case.duration))
    if result is None and len(case.attempts) < 2:
        return  # the most common case
    if result is not None and result.tag == "skipped":
        element.find("skipped").set("type", result.type)  # type: ignore[union-attr]  # the model put it there
    if len(case.attempts) > 1 and not options.strict:
        properties = ET.SubElement(element, "properties")
        ET.SubElement(properties, "property", {"name": "attempts", "value": str(len(case.attempts))})
    element.extend(_other_attempts(case, result, options))
    if len(element) > 1:
        element[:] = sorted(element, key=lambda child: _CHILD_ORDER.index(child.tag))


def _other_attempts(case: Case, result: Result | None, options: _Options) -> Iterator[ET.Element]:
    """The red attempts besides the result element: flaky ones, or the reruns after the first."""
    red = case.red_attempts
    if result is not None and result.tag != "skipped":
        red, word = red[1:], "rerun"
    else:
        word = "flaky"
    for attempt in red:
        other = result_of_attempt(attempt)
        attributes = {"type": _attribute(other.type, other.tag), "message": _message(other)}
        child = ET.Element(word + other.tag.capitalize(), attributes)
        ET.SubElement(child, "stackTrace").text = _text(other.text, options)
        for tag, output in (("system-out", attempt.stdout), ("system-err", attempt.stderr)):
            if output.strip():
                ET.SubElement(child, tag).text = _text(output, options)
        yield child


def _output(case: Case, options: _Options) -> tuple[str, str]:
    """The first red attempt's stdout and stderr; the path of the test's SQL file comes first in stdout."""
    red = case.red_attempts
    if not red:
        return "", ""
    stdout, stderr = (_text(output, options) if output.strip() else "" for output in (red[0].stdout, red[0].stderr))
    if any(attempt.sql for attempt in red):
        stdout = f"[[ATTACHMENT|{options.folder}{naming.sql_file(case.test.id)}]]\n{stdout}"
    return stdout, stderr


def _properties(report: RunReport) -> dict[str, str]:
    """The environment of the run; the same for each suite, as the format has no place above them."""
    servers = "; ".join(f"{s.server}: {s.engine} {s.version} {s.role}" for s in report.servers)
    pairs = {
        "python": report.python,
        "django": report.django,
        "servers": servers,
        "seed": "" if report.seed is None else str(report.seed),
    }
    return {name: _attribute(value, "-") for name, value in pairs.items() if value}


class _Names:
    """Makes each pair of class and name unique in its file, as parsers count by them."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def unique(self, classname: str, name: str) -> str:
        candidate, number = name, 2
        while (classname, candidate) in self._taken:
            candidate, number = f"{name} ({number})", number + 1
        self._taken.add((classname, candidate))
        return candidate


@functools.lru_cache(maxsize=256)  # the names of a class and of a file come once for each of their tests
def _attribute(value: str, default: str) -> str:
    """*value* as an attribute: on one line, never empty, of at most 1000 bytes; values that are cut stay different."""
    line = " ".join(visible(value).split())
    if len(line) * 4 <= ATTRIBUTE_BYTES or len(line.encode()) <= ATTRIBUTE_BYTES:
        return line or default
    digest = hashlib.sha256(line.encode()).hexdigest()[:8]
    return f"{cut_bytes(line, ATTRIBUTE_BYTES - 20)} ~{digest}"


def _message(result: Result) -> str:
    return _attribute(result.message, _attribute(result.type, result.tag))


def _text(text: str, options: _Options) -> str:
    """*text* as an element's text, never blank: some parsers ignore a result without text."""
    return keep_ends(visible(text), options.text_bytes) if text.strip() else "-"


def _text_bytes(reports: Iterable[RunReport]) -> int:
    """The bytes allowed for each text, so that dashboards accept the size of the file."""
    cases = (case for report in reports for case in report.cases if len(case.attempts) > 1 or case.is_red)
    texts = 3 * sum(len(case.red_attempts) for case in cases)
    return max(LEAST_BYTES, min(STREAM_BYTES, TOTAL_BYTES // max(texts, 1)))


def _file(file: str, options: _Options) -> str:
    return _attribute(posixpath.join(options.prefix, file), "-")


def _seconds(value: float) -> str:
    """*value* with three decimals, without exponent or sign; 0 if it is negative or not finite."""
    return f"{value:.3f}" if math.isfinite(value) and value > 0 else "0.000"


def _timestamp(at: float) -> str:
    """Naive UTC in seconds; the epoch where *at* is out of range."""
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
