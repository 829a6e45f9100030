import io
import os
import re
from pathlib import Path

import pyte
import pytest

from harness.protocol.events import (
    AttemptFinished,
    AttemptSlow,
    AttemptStarted,
    Notice,
    Outcome,
    PhaseFinished,
    PhaseProgressed,
    PhaseStarted,
    RetryCalledOff,
    RunPlanned,
    WorkerLost,
)
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from harness.report.terminal.console import Console, LiveConsole, PlainConsole, phases_line
from harness.report.terminal.progress import Progress
from harness.report.terminal.style import ConsoleOptions, clip_start, encodable
from tests.golden.journals import JOURNALS, STATEMENTS, Journal, failure, planned

ONE, TWO = planned("test_one"), planned("test_two")


def play(console: Console, journal: Journal) -> None:
    for envelope in journal.envelopes:
        console.handle(envelope)


def finish(console: Console, journal: Journal) -> None:
    report = ledger.fold(journal.envelopes)
    console.finish(report, verdict(report), artifacts=[".harness/junit.xml"], rerun="harness ci x")
    console.close()


def plain(journal: Journal, options: ConsoleOptions | None = None) -> list[str]:
    out = io.StringIO()
    console = PlainConsole(out, options or ConsoleOptions())
    play(console, journal)
    console.close()
    return out.getvalue().split("\n")


# progress


def test_a_test_that_passes_is_worth_no_line() -> None:
    progress = Progress(ConsoleOptions())
    journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED)
    told = [progress.take(envelope) for envelope in journal.envelopes]
    assert told[-2:] == [[], []]
    assert (progress.done, progress.planned, progress.red) == (1, 1, 0)


def test_seats() -> None:
    progress = Progress(ConsoleOptions())
    journal = Journal().plan(ONE, TWO)
    journal.inside(AttemptStarted(ONE.id), slot=1).inside(AttemptStarted(TWO.id), AttemptSlow(TWO.id, 1, 30.0), slot=2)
    for envelope in journal.envelopes:
        progress.take(envelope)
    assert {slot: (test.id, test.is_slow) for slot, test in progress.running.items()} == {
        1: (ONE.id, False),
        2: (TWO.id, True),
    }
    for envelope in Journal().inside(WorkerLost(1, None, "SIGKILL", TWO.id), slot=2).envelopes:
        progress.take(envelope)
    assert list(progress.running) == [1]


def test_a_long_phase_says_what_it_is_at() -> None:
    journal = Journal().inside(RunPlanned((ONE,), 1), PhaseStarted("template"))
    journal.at += 10
    journal.inside(PhaseProgressed("template", "default: migration shop.0003_x", 3, 210))
    out = io.StringIO()
    console = PlainConsole(out, ConsoleOptions())
    for envelope in journal.envelopes:
        console.handle(envelope)
    assert out.getvalue().splitlines()[-1].split(None, 1) == [
        "progress",
        "template 10s (default: migration shop.0003_x, 3 of 210)",
    ]
    progress = Progress(ConsoleOptions())
    for envelope in journal.envelopes:
        progress.take(envelope)
    assert "s (default: migration shop.0003_x, 3 of 210)" in phases_line(progress, journal.at).plain
    for envelope in journal.inside(PhaseFinished("template", 12.0)).envelopes:
        progress.take(envelope)
    assert progress.steps == {}


def test_counters() -> None:
    progress = Progress(ConsoleOptions())
    for envelope in JOURNALS["outcomes"]().envelopes:
        progress.take(envelope)
    report = ledger.fold(JOURNALS["outcomes"]().envelopes)
    assert (progress.done, progress.planned) == (14, 14)
    assert (progress.red, progress.flaky) == (report.counts().red, 1)
    assert progress.standing() == "11 red, 1 flaky, 1 skipped"


# plain


def test_a_failure_is_counted_as_it_comes_and_told_in_the_summary() -> None:
    journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED, failures=(failure("13 != 12\nmore"),))
    assert not [line for line in plain(journal) if ONE.id in line]
    assert plain(journal, ConsoleOptions(verbosity=2))[-3:] == [
        f"     FAIL {ONE.id}  0.020s",
        f"          AssertionError: 13 != 12 ({ONE.file}:41)",
        "",
    ]
    journal.attempt(TWO, Outcome.PASSED, 10.0)
    assert plain(journal)[-2] == f" progress 2 of 2 tests, 1 red, 14s, the last: {ONE.id}"


def test_a_retry_that_was_called_off_is_counted() -> None:
    progress = Progress(ConsoleOptions())
    journal = Journal().plan(ONE, TWO).attempt(ONE, Outcome.FAILED, final=False).attempt(TWO, Outcome.PASSED)
    for envelope in journal.envelopes:
        progress.take(envelope)
    assert (progress.done, progress.red) == (1, 0)
    for envelope in Journal().inside(RetryCalledOff(ONE.id, Outcome.FAILED)).envelopes:
        progress.take(envelope)
    assert (progress.done, progress.red) == (2, 1)


def test_nothing_is_said_of_tests_before_they_can_run() -> None:
    journal = Journal().inside(RunPlanned((ONE,), 1), PhaseStarted("template"))
    for _ in range(3):
        journal.at += 6
        journal.inside(Notice("x", "y"))
    assert [line for line in plain(journal) if "progress" in line] == [
        " progress template 6s",
        " progress template 12s",
        " progress template 18s",
    ]
    assert "of 1 tests" not in phases_line_of(journal)


def phases_line_of(journal: Journal) -> str:
    progress = Progress(ConsoleOptions())
    for envelope in journal.envelopes:
        progress.take(envelope)
    return phases_line(progress, journal.at).plain


def test_a_quiet_run_prints_what_it_came_to_and_nothing_else() -> None:
    def shown(journal: Journal) -> list[str]:
        out = io.StringIO()
        console = PlainConsole(out, ConsoleOptions(quiet=True))
        play(console, journal)
        finish(console, journal)
        return out.getvalue().splitlines()

    (line,) = shown(JOURNALS["green"]())
    assert line.startswith("PASSED      4 tests")
    red = shown(JOURNALS["outcomes"]())
    assert red[0] == ""
    assert red[1].startswith("ERROR catalog")
    assert not [line for line in red if line.startswith(("time ", " progress", "slowest"))]
    assert red[-1].startswith("again ")


def test_output_of_a_test_that_passes_is_under_its_name_unless_buffered() -> None:
    journal = Journal().plan(ONE).attempt(ONE, Outcome.PASSED, stdout="a\nb\n", stderr="c\n")
    assert plain(journal)[-5:-1] == [f"   output {ONE.id}", "          │ a", "          │ b", "          │ c"]
    assert f"   output {ONE.id}" not in plain(journal, ConsoleOptions(buffer=True))


def test_verbosity() -> None:
    journal = Journal().servers().plan(ONE).attempt(ONE, Outcome.PASSED).inside(Notice("x", "know this"))
    assert not [line for line in plain(journal) if line.startswith("     PASS")]
    assert [line for line in plain(journal, ConsoleOptions(verbosity=2)) if line.startswith("     PASS")]
    assert plain(journal, ConsoleOptions(verbosity=0)) == ["   notice know this", ""]


def test_progress_comes_every_ten_seconds_of_the_run() -> None:
    tests = [planned(f"test_{n}") for n in range(10)]
    journal = Journal().plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.PASSED, 4.0)
    told = [line for line in plain(journal) if line.startswith(" progress")]
    assert told == [
        " progress 2 of 10 tests, 12s",
        " progress 5 of 10 tests, 24s",
        " progress 8 of 10 tests, 37s",
    ]


def test_colour() -> None:
    out = io.StringIO()
    console = PlainConsole(out, ConsoleOptions(colour=True))
    play(console, Journal().plan(ONE).attempt(ONE, Outcome.FAILED))
    finish(console, Journal().plan(ONE).attempt(ONE, Outcome.FAILED))
    assert "\x1b[1;31mFAIL \x1b[0m" in out.getvalue()
    assert "\x1b" not in "".join(plain(Journal().plan(ONE).attempt(ONE, Outcome.FAILED)))


def test_the_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = JOURNALS["outcomes"]()

    def show() -> str:
        out = io.StringIO()
        console = PlainConsole(out, ConsoleOptions(colour=True))
        play(console, journal)
        finish(console, journal)
        return out.getvalue()

    before = show()
    for name, value in {"NO_COLOR": "1", "COLUMNS": "20", "TERM": "dumb", "FORCE_COLOR": "0"}.items():
        monkeypatch.setenv(name, value)
    assert show() == before


def test_a_closed_pipe_ends_the_console_and_not_the_run() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as out:
        console = PlainConsole(out, ConsoleOptions())
        play(console, JOURNALS["outcomes"]())
        finish(console, JOURNALS["outcomes"]())
        with Path(os.devnull).open("wb") as null:
            os.dup2(null.fileno(), writing)  # what is left in Python's buffer may go there


@pytest.mark.parametrize("make", [PlainConsole, LiveConsole])
def test_a_terminal_that_knows_no_unicode(make: type[PlainConsole] | type[LiveConsole], tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with path.open("w", encoding="ascii") as out:
        console = make(out, ConsoleOptions())
        play(console, JOURNALS["hostile"]())
        finish(console, JOURNALS["hostile"]())
    text = path.read_text(encoding="ascii")
    assert "          | ##[error]injected" in text


def test_encodable() -> None:
    assert encodable("─│… é 😀", "utf-8") == "─│… é 😀"
    assert encodable("─│… é 😀", "latin-1") == "-|... é \\U0001f600"


def test_clip_start_keeps_the_end() -> None:
    assert clip_start("shop.tests.test_x", 10) == "…ts.test_x"
    assert clip_start("short", 10) == "short"


# GitHub Actions


def test_nothing_that_a_test_says_is_a_command() -> None:
    out = io.StringIO()
    console = PlainConsole(out, ConsoleOptions(guard="T0KEN", debug_sql=True, verbosity=2))
    play(console, JOURNALS["hostile"]())
    finish(console, JOURNALS["hostile"]())
    told = out.getvalue()
    assert told.startswith("::stop-commands::T0KEN\n")
    assert told.endswith("\n::T0KEN::\n")
    assert commands(told) == []
    assert commands(told.removeprefix("::stop-commands::T0KEN\n")) != []  # the guard is what holds them


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


# live


class Terminal(io.StringIO):
    """What a terminal of 100 by 40 shows of what is written to it."""

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
        return [*above, *(line.rstrip() for line in self.screen.display)]


def test_the_display_shows_what_runs() -> None:
    out, now = Terminal(), 100.0
    console = LiveConsole(out, ConsoleOptions(colour=True), clock=lambda: now)
    journal = Journal().plan(ONE, TWO, planned("test_three"))
    journal.attempt(ONE, Outcome.FAILED, failures=(failure("13 != 12"),))
    journal.inside(AttemptStarted(TWO.id), slot=1).inside(AttemptStarted("shop.tests." + "x" * 200), slot=2)
    play(console, journal)
    now += 12.5
    console._live.refresh()
    shown = [line for line in out.lines if line]
    console.close()
    assert re.fullmatch(r"━+[╸╺]?━*  1/3  1 red  0:16", shown[-4])
    assert shown[-3] == f"     FAIL {ONE.id}  0.020s  AssertionError: 13 != 12 (shop/tests/…"
    assert re.fullmatch(rf"   1    12.[56]s {re.escape(TWO.id)}", shown[-2])
    assert re.fullmatch(r"   2    12.5s …x+", shown[-1])
    assert len(shown[-1]) <= 100


def test_the_display_goes_and_the_summary_stays() -> None:
    out = Terminal()
    console = LiveConsole(out, ConsoleOptions(colour=True))
    play(console, JOURNALS["failfast"]())
    finish(console, JOURNALS["failfast"]())
    console.close()
    shown = [line for line in out.lines if line]
    assert not [line for line in shown if "━" in line]
    assert shown[-1] == "again       harness ci x"
    plain_out = io.StringIO()
    other = PlainConsole(plain_out, ConsoleOptions(width=100))
    play(other, JOURNALS["failfast"]())
    finish(other, JOURNALS["failfast"]())
    wrapped = "".join(plain_out.getvalue().split())
    assert "".join("".join(shown).split()) == wrapped


def test_an_open_phase_is_shown_before_the_plan() -> None:
    out, now = Terminal(), 0.0
    console = LiveConsole(out, ConsoleOptions(), clock=lambda: now)
    journal = JOURNALS["green"]()
    journal.envelopes = journal.envelopes[:5]
    play(console, journal)
    now += 3.0
    console._live.refresh()
    shown = [line for line in out.lines if line][-1]
    console.close()
    assert re.fullmatch(r" +servers 3s, setup 3s", shown)


def test_drawing_costs_nothing_by_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = 0
    render = LiveConsole._render

    def count(self: LiveConsole) -> object:
        nonlocal drawn
        drawn += 1
        return render(self)

    monkeypatch.setattr(LiveConsole, "_render", count)
    console = LiveConsole(Terminal(), ConsoleOptions())
    events = Journal().inside(RunPlanned((ONE,), 1)).attempt(ONE, Outcome.PASSED).envelopes
    before = drawn
    for _ in range(500):
        for envelope in events[1:]:
            console.handle(envelope)
    console.close()
    assert drawn - before < 100


def test_more_slots_than_fit() -> None:
    out = Terminal()
    console = LiveConsole(out, ConsoleOptions())
    journal = Journal().plan(ONE)
    for slot in range(1, 31):
        journal.inside(AttemptStarted(ONE.id), slot=slot)
    play(console, journal)
    console._live.refresh()
    shown = [line.strip() for line in out.lines if line]
    console.close()
    assert shown[-1] == "and 18 more slots"


def test_an_attempt_that_will_be_tried_again_says_so() -> None:
    journal = Journal().plan(ONE).attempt(ONE, Outcome.FAILED, final=False).attempt(ONE, Outcome.PASSED, n=2)
    told = plain(journal, ConsoleOptions(verbosity=2))
    assert f"     FAIL {ONE.id}  0.020s  attempt 1, to be tried again" in told
    assert f"     PASS {ONE.id}  0.020s" in told
    assert plain(journal) == ["     plan 1 test on 2 workers", ""]


def test_what_did_not_run_is_not_told_one_by_one() -> None:
    told = AttemptFinished(ONE.id, 1, Outcome.NOT_RUN, 0.0, reason="setUpClass failed", final=True)
    journal = Journal().plan(ONE)
    assert plain(journal.inside(told)) == plain(Journal().plan(ONE))


@pytest.mark.parametrize(("number", "most"), [(1, 18), (40, 157)])
def test_a_red_run_is_short(number: int, most: int) -> None:
    """The limits are a third of the lines that it took to print each failure three times."""
    tests = [planned(f"test_{n:02}") for n in range(number)]
    journal = Journal().servers().plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.FAILED, failures=(failure("13 != 12"),), sql=STATEMENTS)
    report = ledger.fold(journal.end(failures=number).envelopes)
    out = io.StringIO()
    console = PlainConsole(out, ConsoleOptions())
    play(console, journal)
    paths = {test.id: f".harness/sql/{test.id}.sql" for test in tests}
    console.finish(report, verdict(report), artifacts=["x"], rerun="x", replay="x", sql_paths=paths)
    told = out.getvalue()
    assert len(told.splitlines()) <= most
    assert all(test.id in told for test in tests)
