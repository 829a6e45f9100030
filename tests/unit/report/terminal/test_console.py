import io
import os
import re
from pathlib import Path

import pyte
import pytest
from rich.text import Text

from harness.protocol.events import AttemptStarted, Notice, PhaseStarted, RunPlanned
from harness.protocol.results import Outcome
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from harness.report.terminal import console as console_module
from harness.report.terminal.console import Console
from harness.report.terminal.final_summary import final_summary
from harness.report.terminal.style import ConsoleOptions
from tests.golden.backends import ADDS, BAD, on_mysql, on_postgres
from tests.golden.journals import JOURNALS, STATEMENTS, Journal, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")
RUNS = ("postgres-17", "sqlite")


def play(console: Console, journal: Journal, run: str = "") -> None:
    for envelope in journal.envelopes:
        console.handle(envelope, run)


def finish(console: Console, journal: Journal) -> None:
    report = ledger.fold(journal.envelopes)
    lines = final_summary(report, verdict(report), console.options, artifacts=["junit.xml"], rerun="harness ci x")
    console.finish(lines)
    console.close()


def show(journal: Journal, options: ConsoleOptions | None = None) -> str:
    """A whole run of *journal* on a console without a terminal, with its summary."""
    out = io.StringIO()
    console = Console(out, options or ConsoleOptions())
    play(console, journal)
    finish(console, journal)
    return out.getvalue()


def progress_lines(journal: Journal) -> list[str]:
    return [line for line in show(journal).splitlines() if line.startswith(" progress")]


class TestPlain:
    def test_progress_comes_every_ten_seconds_of_tests(self) -> None:
        tests = [planned(f"test_{n}") for n in range(10)]
        journal = Journal().plan(*tests)
        for test in tests:
            journal.attempt(test, Outcome.PASSED, 4.0)
        assert progress_lines(journal) == [
            " progress 2 of 10 tests, 12s",
            " progress 5 of 10 tests, 24s",
            " progress 8 of 10 tests, 37s",
        ]

    def test_progress_comes_every_five_seconds_of_a_phase(self) -> None:
        journal = Journal().runner(RunPlanned((ONE,), 1), PhaseStarted("template"))
        for _ in range(3):
            journal.at += 6
            journal.runner(Notice("x", "y"))
        assert progress_lines(journal) == [
            " progress template 6s",
            " progress template 12s",
            " progress template 18s",
        ]

    def test_quiet_prints_the_result_alone(self) -> None:
        (line,) = show(JOURNALS["green"](), ConsoleOptions(quiet=True)).splitlines()
        assert line.startswith("PASSED      4 tests")
        red = show(JOURNALS["outcomes"](), ConsoleOptions(quiet=True)).splitlines()
        assert red[0] == ""
        assert red[1].startswith("ERROR catalog")
        assert not [line for line in red if line.startswith(("time ", " progress", "slowest"))]
        assert red[-1].startswith("again ")

    def test_colour_comes_only_when_asked_for(self) -> None:
        journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED)
        assert "\x1b[1;31mFAIL \x1b[0m" in show(journal, ConsoleOptions(colour=True))
        assert "\x1b" not in show(journal)

    def test_reads_no_environment_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = show(JOURNALS["outcomes"](), ConsoleOptions(colour=True))
        for name, value in {"NO_COLOR": "1", "COLUMNS": "20", "TERM": "dumb", "FORCE_COLOR": "0"}.items():
            monkeypatch.setenv(name, value)
        assert show(JOURNALS["outcomes"](), ConsoleOptions(colour=True)) == before

    @pytest.mark.parametrize(("number", "most"), [(1, 18), (40, 157)])
    def test_a_red_run_is_short(self, number: int, most: int) -> None:
        """The limits are a third of the lines that it took to print each failure three times."""
        tests = [planned(f"test_{n:02}") for n in range(number)]
        journal = Journal().servers().plan(*tests)
        for test in tests:
            journal.attempt(test, Outcome.FAILED, failures=(failure("13 != 12"),), sql=STATEMENTS)
        report = ledger.fold(journal.end(failures=number).envelopes)
        out = io.StringIO()
        console = Console(out, ConsoleOptions())
        play(console, journal)
        paths = {test.id: f".harness/sql/{test.id}.sql" for test in tests}
        lines = final_summary(
            report, verdict(report), console.options, artifacts=["x"], rerun="x", replay="x", sql_paths=paths
        )
        console.finish(lines)
        assert len(out.getvalue().splitlines()) <= most
        assert all(test.id in out.getvalue() for test in tests)


class TestOutput:
    def test_a_closed_pipe_does_not_end_the_run(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w", buffering=1) as out:
            console = Console(out, ConsoleOptions())
            play(console, JOURNALS["outcomes"]())
            finish(console, JOURNALS["outcomes"]())
            with Path(os.devnull).open("wb") as null:
                os.dup2(null.fileno(), writing)  # Python's buffer may still hold text

    @pytest.mark.parametrize("is_live", [False, True])
    def test_a_terminal_without_unicode_gets_ascii(self, is_live: bool, tmp_path: Path) -> None:
        path = tmp_path / "out.txt"
        with path.open("w", encoding="ascii") as out:
            console = Console(out, ConsoleOptions(), is_live=is_live)
            play(console, JOURNALS["hostile"]())
            finish(console, JOURNALS["hostile"]())
        assert "          | ##[error]injected" in path.read_text(encoding="ascii")


def commands(log: str) -> list[str]:
    """The commands that GitHub's runner would find in *log*: at a line's start, or ``##[`` anywhere, unless stopped."""
    found, token = [], None
    for line in re.split(r"\r\n|\n|\r", log):
        command = re.match(r"\s*::([\w-]+)(?: [^:]*)?::(.*)", line) or re.search(r"##\[([\w-]+)[^\]]*\](.*)", line)
        if command is None:
            continue
        if token is not None:
            token = None if command[1] == token else token
        elif command[1] == "stop-commands":
            token = command[2]
        else:
            found.append(line)
    return found


class TestGuard:
    def test_text_of_a_test_is_no_command(self) -> None:
        printed = show(JOURNALS["hostile"](), ConsoleOptions(guard="T0KEN", debug_sql=True, verbosity=2))
        assert printed.startswith("::stop-commands::T0KEN\n")
        assert printed.endswith("\n::T0KEN::\n")
        assert commands(printed) == []
        assert commands(printed.removeprefix("::stop-commands::T0KEN\n")) != []  # only the guard prevents them

    def test_commands_are_resumed_once(self) -> None:
        out = io.StringIO()
        console = Console(out, ConsoleOptions(guard="b52f1c"), RUNS)
        play(console, Journal().host(Notice("x", "::error::no")), "sqlite")
        console.finish([Text("done")])
        console.close()
        console.close()
        lines = out.getvalue().splitlines()
        assert (lines[0], lines[-1]) == ("::stop-commands::b52f1c", "::b52f1c::")
        assert lines.count("::b52f1c::") == 1


class TestSeveralRuns:
    def test_each_line_begins_with_its_run(self) -> None:
        out = io.StringIO()
        console = Console(out, ConsoleOptions(), RUNS)
        play(console, on_postgres(), "postgres-17")
        play(console, on_mysql(), "sqlite")
        lines = out.getvalue().splitlines()
        assert {line[:12].strip() for line in lines} == set(RUNS)
        assert any(line.startswith("postgres-17      plan 9 tests on 2 workers") for line in lines)
        assert any(line.startswith("sqlite           plan ") for line in lines)

    def test_a_line_of_the_command_names_no_run(self) -> None:
        out = io.StringIO()
        Console(out, ConsoleOptions(), RUNS).say("runner: pip installs")
        assert out.getvalue().strip() == "runner: pip installs"

    def test_each_has_progress_lines(self) -> None:
        out = io.StringIO()
        console = Console(out, ConsoleOptions(), RUNS)
        journal = Journal().plan(ADDS, BAD)
        journal.at += 11
        play(console, journal.attempt(ADDS, Outcome.PASSED), "sqlite")
        assert [line.split() for line in out.getvalue().splitlines() if "progress" in line] == [
            ["sqlite", "progress", "0", "of", "2", "tests,", "14s"]
        ]


class Terminal(io.StringIO):
    """A terminal of 100 by 40; ``lines`` has its screen and the lines that scrolled away."""

    def __init__(self) -> None:
        super().__init__()
        self.screen = pyte.HistoryScreen(100, 40, history=2000)
        self.stream = pyte.Stream(self.screen)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    @property
    def lines(self) -> list[str]:
        above = ["".join(row[x].data for x in range(100)).rstrip() for row in self.screen.history.top]
        shown = [*above, *(line.rstrip() for line in self.screen.display)]
        return [line for line in shown if line]


class TestLive:
    def test_the_display_stands_below_the_lines(self) -> None:
        out, now = Terminal(), 100.0
        console = Console(out, ConsoleOptions(colour=True), is_live=True, clock=lambda: now)
        play(console, Journal().plan(ONE, TWO).runner(AttemptStarted(ONE.id), slot=1))
        now += 12.5
        assert console._live is not None
        console._live.refresh()
        shown = out.lines
        console.close()
        assert shown[0].startswith("     plan 2 tests")
        assert shown[-2].endswith("0:15")
        assert shown[-1].endswith(f"12.5s {ONE.id}")

    def test_the_summary_replaces_the_display(self) -> None:
        out = Terminal()
        console = Console(out, ConsoleOptions(colour=True), is_live=True)
        play(console, JOURNALS["failfast"]())
        finish(console, JOURNALS["failfast"]())
        assert not [line for line in out.lines if "━" in line]
        assert out.lines[-1] == "again       harness ci x"
        plain = "".join(show(JOURNALS["failfast"](), ConsoleOptions(width=100)).split())
        assert "".join("".join(out.lines).split()) == plain

    def test_events_do_not_draw(self, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = 0

        def count(*_: object) -> Text:
            nonlocal drawn
            drawn += 1
            return Text()

        monkeypatch.setattr(console_module, "render", count)
        console = Console(Terminal(), ConsoleOptions(), is_live=True)
        events = Journal().runner(RunPlanned((ONE,), 1)).attempt(ONE, Outcome.PASSED).envelopes
        for _ in range(500):
            for envelope in events[1:]:
                console.handle(envelope)
        console.close()
        assert drawn < 100
