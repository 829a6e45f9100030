"""JUnit XML from a ``RunReport``, in the one dialect that dashboards agree on (``docs/reference/artifacts.md``).

``model.elements`` has which element each outcome becomes. Pure: builds bytes, writes nothing. junit-xml builds the tree;
``_Writer`` corrects what it lacks or gets wrong: times of 0, the type of a skip, flaky and rerun elements, a case's properties,
the order of children.
"""

from __future__ import annotations

import functools
import hashlib
import math
import posixpath
import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import junit_xml

from harness.protocol import naming
from harness.protocol.results import Outcome
from harness.report.model.elements import Result, late_text, result_of, result_of_attempt
from harness.report.model.replicas.lag_check import FoundBug
from harness.report.model.run_report import Attempt, Case, RunReport
from harness.report.model.text import STREAM_BYTES, cut_bytes, joined, keep_ends, visible
from harness.report.model.verdict import Cause, Verdict

ATTRIBUTE_BYTES = 1000
TOTAL_BYTES = 20_000_000
"""Approximate limit for all tracebacks and output: one dashboard takes files of 30 MB."""
LEAST_BYTES = 300
"""Lowest limit of one text in bytes, however many texts there are."""
HARNESS_CASE = ("harness", "run")
"""Class and name of the case with the reason for a red run that no test explains."""

_CHILD_ORDER = ("properties", "failure", "skipped", "error", "system-out", "system-err")
"""The order of a case's children; ``rerun`` and ``flaky`` elements follow the element of the same kind."""
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_OWN_ATTRIBUTES = frozenset({"name", "classname", "time"})


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


def build(report: RunReport, verdict: Verdict, *, prefix: str = "", strict: bool = False) -> bytes:
    """The JUnit file of *report*.

    *prefix* is the project's folder relative to the repository's root, so that ``file`` is too. *strict* leaves out
    what the junit-10 schema does not allow: ``file`` and ``line`` of a case, and its properties.
    """
    return build_all([Part(report, verdict, prefix=prefix)], report.total_s, strict=strict)


def build_all(parts: Sequence[Part], total_s: float, *, strict: bool = False) -> bytes:
    """One JUnit file of several runs, which took *total_s* seconds together."""
    root = ET.Element("testsuites", {"name": "harness"})
    taken: set[tuple[str, str]] = set()
    text_bytes = _text_bytes(part.report for part in parts)
    suites = [suite for part in parts for suite in _writer(part, strict, text_bytes, taken).suites()]
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.element.get(key, "0")) for suite in suites)))
    root.set("time", _seconds(total_s))
    body = _text_of(root, 0, [_text_of(suite.element, 1, suite.cases) for suite in suites])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


@dataclass(frozen=True, slots=True)
class _Suite:
    """A suite's element without its cases, and the text of each of these."""

    element: ET.Element
    cases: list[str]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Builds the suites of one run. ``taken`` has the class and name of every case in the file: parsers count by them.

    ``late`` has the reads that missed a write by their tests, ``failing`` those of them that make the run red.
    """

    part: Part
    strict: bool
    text_bytes: int
    taken: set[tuple[str, str]]
    late: Mapping[str, FoundBug]
    failing: Mapping[str, FoundBug]

    def suites(self) -> Iterator[_Suite]:
        """A suite for each class, in the order of the first case of each; then that of the cause, if the file needs it."""
        classes: dict[str, list[Case]] = {}
        for case in self.part.report.cases:
            classname = case.test.classname or naming.class_and_name(case.test.id)[0]
            classes.setdefault(_attribute(self._labelled(classname or "tests"), "tests"), []).append(case)
        is_red = False
        for classname, cases in classes.items():
            suite = self._suite(classname, cases)
            is_red = is_red or suite.element.get("failures") != "0" or suite.element.get("errors") != "0"
            yield suite
        if (cause := self._missing_cause(is_red)) is not None:
            yield self._cause_suite(cause, set(classes))

    def _labelled(self, classname: str) -> str:
        """*classname* with the run's label as outermost package: parsers tell cases apart by class and name."""
        return f"{self.part.label}.{classname}" if self.part.label else classname

    def _missing_cause(self, is_red: bool) -> Cause | None:
        """The cause that the file must include so that no dashboard shows a red run as green; ``None`` if its tests suffice."""
        report, verdict = self.part.report, self.part.verdict
        is_explained = is_red and not report.aborts and report.is_finished and not verdict.lost
        if verdict.exit_code == 0 or is_explained:
            return None
        return verdict.cause or Cause("HarnessError", f"the run {verdict.word}, exit code {int(verdict.exit_code)}")

    def _suite(self, classname: str, cases: Sequence[Case]) -> _Suite:
        models: list[junit_xml.TestCase] = []
        others: list[tuple[Case, Result | None]] = []
        texts: list[str] = []
        times = [_seconds(case.duration) for case in cases]
        for case, time in zip(cases, times, strict=True):
            if _is_plain(case) and case.test.id not in self.late:
                texts.append(self._plain(case, classname, time))
            else:
                others.append((case, result_of(case, self.failing.get(case.test.id))))
                models.append(self._model(*others[-1], classname))
                texts.append("")
        started = [at for case in cases if (at := case.started_at) is not None]
        files = [case.test.file for case in cases if case.test.file]
        suite = _tree(
            classname,
            models,
            min(started, default=self.part.report.started_at),
            times,
            properties=_properties(self.part.report),
            file=self._file(files[0]) if files else None,
        )
        elements = _taken_out(suite)
        for element, (case, result) in zip(elements, others, strict=True):
            element.set("time", _seconds(case.duration))
            self._correct(element, case, result)
        left = iter(elements)
        return _Suite(suite, [text or _text_of(next(left), 2) for text in texts])

    def _cause_suite(self, cause: Cause, classes: Collection[str]) -> _Suite:
        classname, name = HARNESS_CASE
        classname = self._labelled(classname)
        while classname in classes:  # a project may have a module of that name
            classname = f"{classname} (run)"
        model = junit_xml.TestCase(self._unique(classname, name), classname)
        model.add_error_info(_attribute(cause.message, cause.kind), self._text(cause.text), cause.kind)
        if lost := self.part.verdict.lost:
            model.stderr = self._text("\n\n".join(each.text for each in lost))
        time = _seconds(0.0)
        suite = _tree(classname, [model], self.part.report.started_at, [time])
        (element,) = _taken_out(suite)
        element.set("time", time)
        return _Suite(suite, [_text_of(element, 2)])

    def _plain(self, case: Case, classname: str, time: str) -> str:
        """The text of a test that passed, as most do: junit-xml's elements take ten times as long."""
        test = case.test
        name = self._unique(classname, _attribute(test.name or test.id, "test"))
        place = f' file="{_escaped(self._file(test.file))}"' if test.file and not self.strict else ""
        if place and test.line > 0:
            place += f' line="{test.line}"'
        return f'<testcase name="{_escaped(name)}" classname="{_escaped(classname)}"{place} time="{time}" />'

    def _model(self, case: Case, result: Result | None, classname: str) -> junit_xml.TestCase:
        name = self._unique(classname, _attribute(case.test.name or case.test.id, "test"))
        model = junit_xml.TestCase(name, classname)
        if case.test.file and not self.strict:
            model.file, model.line = self._file(case.test.file), max(case.test.line, 0) or None
        late = self.late.get(case.test.id)
        if result is None:
            if late is not None:
                model.stdout = self._text(late_text(late))
            return model
        type_, message, text = _attribute(result.type, result.tag), _message(result), self._text(result.text)
        if result.tag == "skipped":
            model.add_skipped_info(message, text)
            return model
        if result.tag == "failure":
            model.add_failure_info(message, text, type_)
        else:
            model.add_error_info(message, text, type_)
        red = case.red_attempts
        if late is not None:  # its failure says it all
            return model
        model.stdout, model.stderr = (self._text(out) if out.strip() else "" for out in _streams(red[0]))
        if any(attempt.sql for attempt in red):
            model.stdout = f"[[ATTACHMENT|{self.part.folder}{naming.sql_file(case.test.id)}]]\n{model.stdout}"
        return model

    def _unique(self, classname: str, name: str) -> str:
        candidate, number = name, 2
        while (classname, candidate) in self.taken:
            candidate, number = f"{name} ({number})", number + 1
        self.taken.add((classname, candidate))
        return candidate

    def _correct(self, element: ET.Element, case: Case, result: Result | None) -> None:
        """Add to junit-xml's *element* what its model cannot express."""
        if result is not None and result.tag == "skipped":
            element.find("skipped").set("type", result.type)  # type: ignore[union-attr]  # the model put it there
        if not self.strict:
            self._add_recorded(element, case)
        element.extend(self._other_attempts(case, result))
        element[:] = sorted(element, key=_child_place)

    def _add_recorded(self, element: ET.Element, case: Case) -> None:
        """Add what the test has recorded, and the number of its attempts if there are several."""
        pairs = [(each.name, each.value) for each in case.properties]
        if len(case.attempts) > 1:
            pairs.append(("attempts", str(len(case.attempts))))
        if (late := self.late.get(case.test.id)) is not None:
            pairs.append(("read_after_write", late.title))
        if pairs:
            properties = ET.SubElement(element, "properties")
            for name, value in pairs:
                ET.SubElement(properties, "property", {"name": _attribute(name, "-"), "value": _attribute(value, "-")})
        for each in case.attributes:
            if _ATTRIBUTE_NAME.fullmatch(each.name) and each.name not in _OWN_ATTRIBUTES:
                element.set(each.name, _attribute(each.value, "-"))

    def _other_attempts(self, case: Case, result: Result | None) -> Iterator[ET.Element]:
        """The red attempts besides the result element: flaky ones, or the reruns after the first."""
        is_rerun = case.is_red and result is not None and result.tag != "skipped"
        for attempt in case.red_attempts[is_rerun:]:
            other = result_of_attempt(attempt)
            attributes = {"type": _attribute(other.type, other.tag), "message": _message(other)}
            child = ET.Element(("rerun" if is_rerun else "flaky") + other.tag.capitalize(), attributes)
            ET.SubElement(child, "stackTrace").text = self._text(other.text)
            for tag, output in zip(("system-out", "system-err"), _streams(attempt), strict=True):
                if output.strip():
                    ET.SubElement(child, tag).text = self._text(output)
            yield child

    def _text(self, text: str) -> str:
        """*text* as an element's text, never blank: some parsers ignore a result without text."""
        return keep_ends(visible(text), self.text_bytes) if text.strip() else "-"

    def _file(self, file: str) -> str:
        return _file_attribute(self.part.prefix, file)


def _writer(part: Part, strict: bool, text_bytes: int, taken: set[tuple[str, str]]) -> _Writer:
    check = part.report.lag_check
    return _Writer(part, strict, text_bytes, taken, check.buggy if check else {}, check.failing if check else {})


def _tree(
    name: str, models: list[junit_xml.TestCase], started_at: float, times: Sequence[str], **more: Any
) -> ET.Element:
    """junit-xml's tree of a suite with the cases *models*, and without the attribute that the schema does not allow.

    *times* are the seconds of each of its cases, more than *models* if the text of others is made without it.
    """
    timestamp = _timestamp(started_at)
    suite: ET.Element = junit_xml.TestSuite(name, models, "localhost", timestamp=timestamp, **more).build_xml_doc()
    del suite.attrib["disabled"]
    suite.set("tests", str(len(times)))
    suite.set("time", _seconds(sum(map(float, times))))
    return suite


def _taken_out(suite: ET.Element) -> list[ET.Element]:
    """The cases of *suite*, which has none then."""
    cases = suite.findall("testcase")
    for case in cases:
        suite.remove(case)
    return cases


def _text_of(element: ET.Element, level: int, children: Sequence[str] = ()) -> str:
    """The text of *element* at this *level* of the file, with the texts of more *children* after its own."""
    ET.indent(element, level=level)
    text: str = ET.tostring(element, encoding="unicode")
    if not children:
        return text
    indent, end = "\n" + "  " * level, f"</{element.tag}>"
    head = text.removesuffix(indent + end) if len(element) else text.removesuffix(" />") + ">"
    return "".join([head, *(f"{indent}  {child}" for child in children), indent, end])


def _is_plain(case: Case) -> bool:
    """Whether *case* passed at once, and has recorded nothing."""
    return case.outcome is Outcome.PASSED and len(case.attempts) < 2 and not (case.properties or case.attributes)


@functools.lru_cache(maxsize=256)
def _escaped(value: str) -> str:
    """*value*, which is on one line, within the quotes of an attribute."""
    return escape(value, {'"': "&quot;"})


def _streams(attempt: Attempt) -> tuple[str, str]:
    """The texts of ``system-out`` and ``system-err``: JUnit has no element for log records, which follow the second."""
    if not attempt.log.strip():
        return attempt.stdout, attempt.stderr
    return attempt.stdout, "\n".join(filter(None, [attempt.stderr.rstrip("\n"), "--- log ---", attempt.log]))


def _child_place(child: ET.Element) -> int:
    return _CHILD_ORDER.index(child.tag.removeprefix("rerun").removeprefix("flaky").lower())


def _properties(report: RunReport) -> dict[str, str]:
    """The environment of the run; the same for each suite, as the format has no place above them."""
    servers = "; ".join(f"{s.server}: {s.engine} {s.version} {s.role}" for s in report.servers)
    pairs = {
        "python": report.python,
        "django": report.django,
        "framework": (report.framework.version or report.framework.framework) if report.framework else "",
        "servers": servers,
        "seed": "" if report.seed is None else str(report.seed),
    }
    found = {name: _attribute(value, "-") for name, value in pairs.items() if value}
    return found | {_attribute(name, "-"): _attribute(value, "-") for name, value in report.properties.items()}


@functools.lru_cache(maxsize=256)  # the names of a class and of a file come once for each of their tests
def _attribute(value: str, default: str) -> str:
    """*value* as an attribute: on one line, never empty, of at most 1000 bytes; values that are cut stay different."""
    line = joined(value)
    if len(line) * 4 <= ATTRIBUTE_BYTES or len(line.encode()) <= ATTRIBUTE_BYTES:
        return line or default
    digest = hashlib.sha256(line.encode()).hexdigest()[:8]
    return f"{cut_bytes(line, ATTRIBUTE_BYTES - 20)} ~{digest}"


@functools.lru_cache(maxsize=256)
def _file_attribute(prefix: str, file: str) -> str:
    return _attribute(posixpath.join(prefix, file), "-")


def _message(result: Result) -> str:
    return _attribute(result.message, _attribute(result.type, result.tag))


def _text_bytes(reports: Iterable[RunReport]) -> int:
    """The bytes allowed for each text, so that dashboards accept the size of the file."""
    texts = sum(
        3 * sum(len(case.red_attempts) for case in report.cases)
        + (len(report.lag_check.buggy) if report.lag_check else 0)
        for report in reports
    )
    return max(LEAST_BYTES, min(STREAM_BYTES, TOTAL_BYTES // max(texts, 1)))


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
