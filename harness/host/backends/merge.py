"""``harness merge``: merges the artifacts of several runs, of one machine or many, into one report.

Owns how a run is read back from its folder, and how the merged reports are written and printed. ``report.backends.merge`` decides
which runs belong together.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import ExitCode, UsageError, worst
from harness.host.config.options import Config
from harness.host.run.environment import Environment, read_environment
from harness.protocol import codec
from harness.report.artifacts import DIFFERENCES, JOURNAL, JUNIT, SUMMARY, TRACE, Artifacts, condensed
from harness.report.backends import merged_reports, merged_summary
from harness.report.backends.merge import Merged, Run, merge, missing_of
from harness.report.formats import junit, summary, trace
from harness.report.journal import read_journal
from harness.report.model import ledger
from harness.report.model.run_report import RunReport
from harness.report.model.verdict import WORDS, Cause, Verdict, verdict, with_unwritten
from harness.report.terminal.console import Console

_DEEPEST = 2
"""The depth below a given folder at which runs are looked for: one artifact's folder, one backend's folder in it."""
_HINT = "Merge with the version of the harness that made the runs."


def run_merge(config: Config, folders: Sequence[str], expect: str | None) -> ExitCode:
    """Merge the runs in *folders* into ``config.artifacts``, print the summary, and return the worst of their exit
    codes.

    *expect* is the output of ``harness matrix --json``, or the path of a file with it. Raises ``UsageError`` for folders
    or files that cannot be read, and for runs that do not belong together.
    """
    expected = read_expected(expect) if expect else None
    environment = read_environment(config, os.environ)
    places = find_runs([environment.cwd / folder for folder in folders])
    if any(place.resolve() == config.artifacts.resolve() for place in places):
        raise UsageError(
            f"{config.artifacts} holds a run of its own, which the merged reports would replace.",
            hint="Name another folder with --artifacts DIR.",
        )
    runs = [read_run(place, config.artifacts) for place in places]
    merged = merge(runs, missing_of(runs, expected) if expected is not None else ())
    with (
        Artifacts.open(config.artifacts, has_journal=False, spares_runs=True) as artifacts,
        contextlib.closing(Console(environment.out, environment.console_options(config), runs=())) as console,
    ):
        return write(merged, artifacts, environment, console, strict=config.junit_strict)


def write(
    merged: Merged, artifacts: Artifacts, environment: Environment, console: Console, *, strict: bool
) -> ExitCode:
    """Write the merged reports and print the summary; the exit code is never green when a report could not be written."""
    markdown = merged_summary.markdown(merged)
    artifacts.keep(DIFFERENCES, lambda: markdown)
    artifacts.keep(JUNIT, lambda: junit.build_all(merged_reports.parts(merged), merged.total_s, strict=strict))
    artifacts.keep(TRACE, lambda: trace.build([(run.name, run.report) for _, run in merged.runs]))
    if environment.step_summary is not None:
        artifacts.append_step_summary(environment.step_summary, markdown)
    known = replace(merged, verdict=with_unwritten(merged.verdict, artifacts.problems))
    artifacts.keep(SUMMARY, lambda: merged_reports.build(known))
    merged = replace(merged, verdict=with_unwritten(merged.verdict, artifacts.problems))
    paths = condensed(environment.relative(artifacts.root), artifacts.paths)
    problems, is_quiet = artifacts.problems, console.options.quiet
    console.finish(merged_summary.lines(merged, artifacts=paths, unwritten=problems, is_quiet=is_quiet))
    console.close()
    return merged.verdict.exit_code


def find_runs(folders: Iterable[Path]) -> list[Path]:
    """The folders of runs in *folders*: each itself, or those below it, in order of their names. Raises ``UsageError``."""
    found: dict[Path, None] = {}
    for folder in folders:
        if not (below := _runs_in(folder, _DEEPEST)):
            raise UsageError(
                f"There is no {JOURNAL} in {folder}, nor in the folders in it.",
                hint="Name the artifacts folders of runs, as --artifacts had them, or the folder that these are in.",
            )
        found.update(dict.fromkeys(below))
    return list(found)


def _runs_in(folder: Path, deepest: int) -> list[Path]:
    if (folder / JOURNAL).is_file():
        return [folder.resolve()]
    folders = sorted(filter(Path.is_dir, folder.iterdir())) if deepest and folder.is_dir() else []
    return [found for below in folders for found in _runs_in(below, deepest - 1)]


def read_run(folder: Path, seen_from: Path) -> Run:
    """The run whose artifacts are in *folder*. Raises ``UsageError`` for artifacts of another version, and without a run."""
    code = _recorded_code(folder / SUMMARY)
    try:
        report = ledger.fold(read_journal(folder / JOURNAL))
    except (OSError, codec.CodecError) as error:
        raise unreadable(folder, error) from error
    return run_of(report, code, folder, seen_from)


def run_of(report: RunReport, code: ExitCode, folder: Path, seen_from: Path) -> Run:
    """The run with *report* and exit *code*, whose artifacts are in *folder*.

    Raises ``UsageError`` for a report that does not say which backend it is of.
    """
    if report.asked is None:
        raise UsageError(
            f"{folder / JOURNAL} does not say which backend it is of: another version of the harness wrote it.",
            hint=_HINT,
        )
    found = verdict(report, fail_on_flaky=report.asked.fail_on_flaky)
    return Run(report, with_exit_code(found, code), f"{os.path.relpath(folder, seen_from)}/")


def unreadable(folder: Path, error: Exception) -> UsageError:
    """The error for a journal in *folder* that cannot be read."""
    text = f"{folder / JOURNAL} cannot be read: it is damaged, or another version of the harness wrote it."
    return UsageError(text, _HINT, str(error))


def with_exit_code(found: Verdict, code: ExitCode) -> Verdict:
    """*found*, or a verdict from the run's exit *code* where that is worse: the journal does not record every error."""
    if worst(found.exit_code, code) == found.exit_code:
        return found
    cause = Cause("ExitStatus", f"the run ended with exit code {int(code)}, which its journal does not explain")
    return Verdict(WORDS[code], code, cause)


def read_expected(text: str) -> list[str]:
    """The names of the jobs in the output of ``harness matrix --json``. Raises ``UsageError`` for any other text."""
    try:
        raw = text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")
        return [str(job["name"]) for job in json.loads(raw)["include"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"--expect: {text[:100]!r} is not what harness matrix --json prints.",
            hint="Give its output, or the path of a file with it.",
            evidence=f"{type(error).__name__}: {error}",
        ) from error


def _recorded_code(path: Path) -> ExitCode:
    """The exit code in ``summary.json``; green if the file is missing: then the verdict comes from the run's journal alone."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, code = content["version"], ExitCode(content["exit_code"])
    except FileNotFoundError:
        return ExitCode.GREEN
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read.", "It must be the file that the run wrote.", str(error)) from error
    if version != summary.VERSION:
        raise UsageError(f"{path} is of version {version}, this is {summary.VERSION}.", _HINT)
    return code
