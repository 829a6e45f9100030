"""Commands for GitHub's runner: annotations, and the commands that stop and resume commands. Pure.

Owns their escaping and limits. No text of a test can become a command here.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator

from harness.protocol.results import Outcome
from harness.report.model.phrases import case_headline, case_location, excerpt, is_of_project, label
from harness.report.model.replicas.lag_check import FoundBug
from harness.report.model.run_report import Case, RunReport
from harness.report.model.text import keep_ends, one_line, plural, visible
from harness.report.model.verdict import LATE_READS, Verdict

ANNOTATIONS = 10
"""Annotations of one kind in one step; GitHub drops the others."""
MESSAGE_CHARACTERS = 4096
TITLE_CHARACTERS = 200


def annotate(report: RunReport, verdict: Verdict, *, prefix: str = "") -> list[str]:
    """Workflow commands, a line each: at most ten errors and ten warnings; if there are more, the tenth says how many.

    *prefix* is the project's folder relative to the repository's root.
    """
    not_run = [case for case in report.red if case.outcome is Outcome.NOT_RUN]
    if any(cause.kind == "NotRun" for cause in verdict.causes):
        not_run = []
    late = [_of_late_read("error" if report.fails_on_lag else "warning", bug, prefix) for bug in report.late_reads]
    late_errors, late_warnings = (late, []) if report.fails_on_lag else ([], late)
    # each of its reads is an error of its own
    causes = [cause for cause in verdict.causes if cause.kind != LATE_READS]
    errors = itertools.chain(
        (_command("error", cause.kind, cause.text) for cause in causes),
        late_errors,
        (_of_case("error", case, prefix) for case in report.failures),
        (
            _command("error", f"{plural(len(not_run), 'test')} not run", f"{case.test.id}: {case.reason}")
            for case in not_run[:1]
        ),
    )
    warnings = itertools.chain(late_warnings, (_of_case("warning", case, prefix) for case in report.flaky))
    number = len(causes) + len(late_errors) + len(report.failures) + bool(not_run)
    return [*_at_most("error", errors, number), *_at_most("warning", warnings, len(late_warnings) + len(report.flaky))]


def stop_commands(token: str) -> str:
    """The line that stops workflow commands in what is printed after it. *token* must be random, so that no test can print it."""
    return f"::stop-commands::{token}\n"


def resume_commands(token: str) -> str:
    """The line that ends the effect of ``stop_commands``."""
    return f"::{token}::\n"


def guarded(text: str, token: str) -> str:
    """*text* between the lines that stop and resume commands, so that nothing in it is a command."""
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{stop_commands(token)}{text}{end}{resume_commands(token)}"


def _of_case(kind: str, case: Case, prefix: str) -> str:
    file, number = case_location(case)
    path = posixpath.join(prefix, file) if file and not file.startswith(("/", "<")) else ""
    lines = [case_headline(case), "", *(line.text for line in excerpt(case, case.red_attempts[-1]))]
    return _command(kind, f"{label(case)} {case.test.id}", "\n".join(lines), path, number)


def _of_late_read(kind: str, bug: FoundBug, prefix: str) -> str:
    """The annotation of a read that missed a write, at its line."""
    frame = bug.first.read.frame
    path = posixpath.join(prefix, frame.file) if frame and is_of_project(frame.file) else ""
    title = f"read-after-write bug in {plural(len(bug.tests), 'test')}"
    return _command(kind, title, f"{bug.text}\ntests    {bug.named()}", path, frame.line if frame else 0)


def _at_most(kind: str, commands: Iterator[str], number: int) -> Iterator[str]:
    """The first ten of a *number* of *commands*; the others are not made."""
    if number <= ANNOTATIONS:
        return commands
    more = f"+{number - ANNOTATIONS + 1} more, see the summary"
    return itertools.chain(itertools.islice(commands, ANNOTATIONS - 1), [_command(kind, "harness", more)])


def _command(kind: str, title: str, message: str, file: str = "", line: int = 0) -> str:
    properties = [f"file={_property(file)}"] if file else []
    properties += [f"line={line}"] if file and line > 0 else []
    properties.append(f"title={_property(one_line(title, TITLE_CHARACTERS))}")
    text = keep_ends(visible(message).strip(), MESSAGE_CHARACTERS - 200)[:MESSAGE_CHARACTERS]
    return f"::{kind} {','.join(properties)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
