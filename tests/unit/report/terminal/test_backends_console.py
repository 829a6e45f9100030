"""What is shown while several backends are tested."""

import io

from rich.text import Text

from harness.protocol.events import Notice, Outcome, PhaseStarted
from harness.report.terminal.backends_console import BackendsConsole
from harness.report.terminal.style import ConsoleOptions
from tests.golden.backends import ADDS, BAD, on_mysql, on_postgres
from tests.golden.journals import Journal, failure

LABELS = ("postgres-17", "sqlite")


def console(out: io.StringIO, is_live: bool = False, **options: object) -> BackendsConsole:
    return BackendsConsole(out, ConsoleOptions(**options), LABELS, is_live=is_live, clock=lambda: 0.0)  # type: ignore[arg-type]


def play(shown: BackendsConsole, label: str, journal: Journal) -> None:
    for envelope in journal.envelopes:
        shown.handle(label, envelope)


def test_each_line_names_its_backend() -> None:
    out = io.StringIO()
    shown = console(out)
    play(shown, "postgres-17", on_postgres())
    play(shown, "sqlite", on_mysql())
    shown.close()
    lines = out.getvalue().splitlines()
    assert lines
    assert {line[:12].strip() for line in lines} == {"postgres-17", "sqlite"}
    assert any(line.startswith("postgres-17      plan 9 tests on 2 workers") for line in lines)
    assert any(line.startswith("sqlite           plan ") for line in lines)


def test_a_message_of_the_command_itself_names_none() -> None:
    out = io.StringIO()
    shown = console(out)
    shown.say("", "runner: pip installs")
    shown.close()
    assert out.getvalue().strip() == "runner: pip installs"


def test_progress_comes_now_and_then_for_each() -> None:
    out = io.StringIO()
    shown = console(out)
    journal = Journal().plan(ADDS, BAD)
    journal.at += 11
    play(shown, "sqlite", journal.attempt(ADDS, Outcome.PASSED))
    shown.close()
    assert [line.split() for line in out.getvalue().splitlines() if "progress" in line] == [
        ["sqlite", "progress", "0", "of", "2", "tests,", "14s"]
    ]


def test_under_github_nothing_that_a_test_says_is_a_command() -> None:
    out = io.StringIO()
    shown = console(out, guard="b52f1c")
    play(shown, "sqlite", Journal().host(Notice("x", "::error::no")))
    shown.finish([Text("done")])
    shown.close()
    shown.close()
    lines = out.getvalue().splitlines()
    assert lines[0] == "::stop-commands::b52f1c"
    assert lines[-1] == "::b52f1c::"
    assert lines.count("::b52f1c::") == 1


def test_the_live_display_has_a_row_for_each() -> None:
    out = io.StringIO()
    shown = console(out, is_live=True, width=100)
    assert shown._live is not None
    play(shown, "postgres-17", Journal().plan(ADDS, BAD).attempt(ADDS, Outcome.FAILED, failures=(failure("no"),)))
    shown._live.refresh()
    text = out.getvalue()
    assert "1/2" in text
    assert "1 red" in text
    assert "waiting" in text  # the other one has not begun
    shown.end("postgres-17", Text("failed"), [])
    play(shown, "sqlite", Journal().inside(PhaseStarted("setup")))
    out.truncate(0)
    shown._live.refresh()
    assert "failed" in out.getvalue()
    assert "setup" in out.getvalue()
    shown.close()
