"""Commands for GitHub's runner: annotations, and the commands that stop and resume commands.

Owns their escaping and limits. Pure: a console prints them. No text of a test can become a command here.
"""

from __future__ import annotations

import posixpath

from harness.protocol.events import Outcome
from harness.report.model import excerpt
from harness.report.model.phrases import case_headline, headline, label, location
from harness.report.model.run_report import Case, RunReport
from harness.report.model.text import keep_ends, one_line, plural, visible
from harness.report.model.verdict import Verdict

ANNOTATIONS = 10
"""Annotations of one kind in one step; GitHub drops the others."""
MESSAGE_CHARACTERS = 4096
TITLE_CHARACTERS = 200


def annotate(report: RunReport, verdict: Verdict, *, prefix: str = "") -> list[str]:
    """Workflow commands, a line each: at most ten errors and ten warnings; if there are more, the tenth says how many.

    *prefix* is the project's folder relative to the repository's root.
    """
    errors = []
    if verdict.cause is not None:
        errors += [_command("error", "", 0, cause.kind, cause.text) for cause in (verdict.cause, *verdict.others)]
    failures = report.failures
    errors += [_of_case("error", case, prefix) for case in failures[: ANNOTATIONS + 1]]
    not_run = [case for case in report.red if case.outcome is Outcome.NOT_RUN]
    if not_run and not (verdict.cause and verdict.cause.kind == "NotRun"):
        title = f"{plural(len(not_run), 'test')} not run"
        errors.append(_command("error", "", 0, title, f"{not_run[0].test.id}: {not_run[0].reason}"))
    left_out = max(len(failures) - ANNOTATIONS - 1, 0)
    warnings = [_of_case("warning", case, prefix) for case in report.flaky]
    return [*_at_most("error", errors, left_out), *_at_most("warning", warnings, 0)]


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
    file, number = location(case)
    attempts = case.red_attempts
    text = case_headline(case) if kind == "error" or not attempts else headline(attempts[-1])
    if attempts:
        text += "\n\n" + "\n".join(line.text for line in excerpt.lines(case, attempts[-1]))
    path = posixpath.join(prefix, file) if file and not file.startswith(("/", "<")) else ""
    return _command(kind, path, number, f"{label(case)} {case.test.id}", text)


def _at_most(kind: str, commands: list[str], left_out: int) -> list[str]:
    """*commands*, ten at most; *left_out* counts further ones that were not made."""
    if len(commands) + left_out <= ANNOTATIONS:
        return commands
    more = len(commands) + left_out - (ANNOTATIONS - 1)
    return [*commands[: ANNOTATIONS - 1], _command(kind, "", 0, "harness", f"+{more} more, see the summary")]


def _command(kind: str, file: str, line: int, title: str, message: str) -> str:
    properties = []
    if file:
        properties.append(f"file={_property(file)}")
        if line > 0:
            properties.append(f"line={line}")
    properties.append(f"title={_property(one_line(title, TITLE_CHARACTERS))}")
    text = keep_ends(visible(message).strip(), MESSAGE_CHARACTERS - 200)[:MESSAGE_CHARACTERS]
    return f"::{kind} {','.join(properties)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
