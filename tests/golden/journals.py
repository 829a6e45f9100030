"""Journals of made-up runs, one for each thing that a report must get right: the source of the ``*.ndjson`` beside it.

``tests/golden/test_golden.py`` says how the files are made anew.
"""

from __future__ import annotations

from typing import Any

from harness.errors import ExitCode
from harness.protocol import codec
from harness.protocol.events import (
    AliasRouted,
    AttemptFinished,
    AttemptSlow,
    AttemptStarted,
    DatabasesReady,
    Envelope,
    Event,
    FrameworkChosen,
    Notice,
    PhaseFinished,
    PhaseStarted,
    QueriesCounted,
    RunAborted,
    RunFinished,
    RunPlanned,
    RunStarted,
    ServerReady,
    SlotRecycled,
    TopologyFound,
    WorkerLost,
    WorkerStarted,
    WorkerStopped,
)
from harness.protocol.replica_events import (
    LAG_CHECK,
    AliasUse,
    CrossedTransaction,
    LagChecked,
    LateReadJudged,
    MirrorDeclared,
    ReadAfterWrite,
    ReadAfterWriteBug,
    StatementsRouted,
    TableUse,
    TracedStatement,
)
from harness.protocol.results import (
    BriefLine,
    DatabaseMade,
    Failure,
    Frame,
    Outcome,
    PlannedTest,
    QueryCount,
    Statement,
)
from harness.protocol.topology import Alias, TestOptions, Topology

START = 1_767_225_600.0  # 2026-01-01T00:00:00 UTC
SHOP = "shop.tests.test_orders.OrderTests"
FILE = "shop/tests/test_orders.py"
PYTEST_CHOSEN = FrameworkChosen(
    "pytest", "pytest.ini, and pytest 8.4.2 is installed", "pytest 8.4.2, pytest-django 4.11.1"
)


def planned(name: str, line: int = 10, classname: str = SHOP, file: str = FILE) -> PlannedTest:
    return PlannedTest(f"{classname}.{name}", classname, name, file, line)


def failure(
    message: str, line: int = 41, type: str = "AssertionError", kind: str = "failure", subtest: str = ""
) -> Failure:
    text = (
        "Traceback (most recent call last):\n"
        f'  File "{FILE}", line {line}, in test\n'
        "    self.assertEqual(order.total, 12)\n"
        f"{type}: {message}\n"
    )
    frames = (Frame("/usr/lib/python3.13/unittest/case.py", 58, "testPartExecutor"), Frame(FILE, line, "test"))
    brief = (
        BriefLine(f"{FILE}:{line}: self.assertEqual(order.total, 12)", "frame"),
        *(BriefLine(line, "error") for line in f"{type}: {message}".split("\n")),
    )
    return Failure(kind, type, message, text, frames, subtest, brief)  # type: ignore[arg-type]  # kind is a literal there


class Journal:
    """Writes events down as coordinator and host would, the clock going on by a tenth of a second each."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.at = START
        self.seq = 0

    def runner(self, *events: Event, slot: int = 0) -> Journal:
        for event in events:
            self.seq += 1
            self._add(self.seq, slot, event)
        return self

    def host(self, *events: Event) -> Journal:
        for event in events:
            self._add(0, 0, event)
        return self

    def phase(self, name: str, duration: float) -> Journal:
        self.runner(PhaseStarted(name))
        self.at += duration
        return self.runner(PhaseFinished(name, duration))

    def attempt(
        self, test: PlannedTest, outcome: Outcome, duration: float = 0.02, slot: int = 1, **more: object
    ) -> Journal:
        """An attempt from its start to its end, the last unless *more* says otherwise."""
        fields: dict[str, object] = {"n": 1, "final": True, **more}
        self.runner(AttemptStarted(test.id, int(str(fields["n"]))), slot=slot)
        self.at += duration
        return self.runner(AttemptFinished(test.id, outcome=outcome, duration=duration, **fields), slot=slot)  # type: ignore[arg-type]  # the keywords are the callee's fields

    def servers(self) -> Journal:
        image = "harness-postgres:17-3f2a"
        self.host(PhaseStarted("images"), PhaseFinished("images", 0.012), PhaseStarted("servers"))
        self.runner(PhaseStarted("setup"))
        self.runner(TopologyFound(TOPOLOGY, "shop.settings", "3.13.0", "6.1.3"))
        self.host(
            AliasRouted("default", "default", "test_shop", None, (), "primary"),
            AliasRouted("replica", "replica", "test_shop", "default", (), "mirror"),
            ServerReady("default", "postgres", "17.4", "primary", None, image, 0.41),
            ServerReady("replica", "postgres", "17.4", "replica", "default", image, 0.48),
            PhaseFinished("servers", 0.52),
        )
        return self.runner(PhaseFinished("setup", 1.2))

    def plan(self, *tests: PlannedTest, workers: int = 2, seed: int | None = None) -> Journal:
        self.runner(RunPlanned(tests, workers, seed))
        self.phase("template", 2.1)
        made = DatabaseMade("default", "test_shop", tuple(f"test_shop_{slot}" for slot in range(1, workers + 1)))
        self.runner(DatabasesReady((made,)), PhaseStarted("clones"))
        for slot in range(1, workers + 1):
            self.runner(WorkerStarted(810 + slot), slot=slot)
            self.runner(SlotRecycled(0.15), slot=slot)
        return self.runner(PhaseFinished("clones", 0.4), PhaseStarted("tests"))

    def end(self, failures: int = 0, tests_s: float = 3.5) -> Journal:
        for slot in (1, 2):
            self.runner(WorkerStopped(810 + slot), slot=slot)
        self.runner(PhaseFinished("tests", tests_s), RunFinished(failures))
        return self.host(PhaseStarted("reports"))

    def _add(self, seq: int, slot: int, event: Event) -> None:
        self.envelopes.append(Envelope(codec.VERSION, seq, round(self.at, 3), slot, event))
        self.at += 0.1


TOPOLOGY = Topology(
    (
        Alias("default", "django.db.backends.postgresql", "postgresql", "shop", "db", test_name="test_shop"),
        Alias(
            "replica",
            "django.db.backends.postgresql",
            "postgresql",
            "shop",
            "db-replica",
            test_name="test_shop",
            test=TestOptions(mirror="default"),
        ),
    )
)
STATEMENTS = (
    Statement(0.0011, "default", "primary", "BEGIN", 0.0001),
    Statement(0.0021, "default", "primary", 'SAVEPOINT "s1_x1"', 0.0001),
    Statement(0.0031, "default", "primary", "INSERT INTO shop_order (total) VALUES ('12''50')", 0.0008),
    Statement(0.0051, "replica", "replica", 'SELECT COUNT(*) FROM "shop_order" -- how many', 0.0012),
    Statement(0.0081, "default", "primary", "SELECT 1/0;", 0.0002, "division by zero\nCONTEXT: of the test"),
    Statement(0.0091, "default", "primary", 'ROLLBACK TO SAVEPOINT "s1_x1"', 0.0001),
    Statement(0.0101, "default", "primary", "ROLLBACK", 0.0001),
)


def failing(number: int, message: str = "13 != 12", **fields: Any) -> Journal:
    """A run of *number* tests that failed with *message*; *fields* are further ones of each attempt."""
    tests = [planned(f"test_{n}") for n in range(number)]
    journal = Journal().plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.FAILED, failures=(failure(message),), **fields)
    return journal.end(failures=number)


def green() -> Journal:
    adds, skipped, expected = planned("test_adds", 11), planned("test_card", 20), planned("test_rounding", 30)
    catalog = planned("test_search", 7, "catalog.tests.SearchTests", "catalog/tests.py")
    journal = Journal().runner(PYTEST_CHOSEN).servers().plan(adds, skipped, expected, catalog)
    journal.attempt(adds, Outcome.PASSED, 0.034, stdout="one line\nanother\n")
    journal.attempt(catalog, Outcome.PASSED, 0.0001, slot=2)
    journal.attempt(skipped, Outcome.SKIPPED, 0.0, reason="needs a card reader")
    journal.attempt(expected, Outcome.XFAILED, failures=(failure("12 != 13"),), reason="12 != 13")
    journal.runner(
        QueriesCounted((QueryCount("SELECT ?", "default", 3, 0.003, 0.002, (adds.id,)),)),
        slot=1,
    )
    return journal.end()


def routing() -> Journal:
    """Two workers that ran tests with a mirror, one finding of each kind."""
    tests = [planned(f"test_{name}", 10) for name in ("reads", "writes", "crosses")]
    journal = Journal().servers().plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.PASSED)
    table = TableUse("shop_order", "shop.Order", "default", "primary", 3, 40)
    uses = (AliasUse("default", "primary", 12, 40), AliasUse("replica", "primary", 9, failed=1))
    found = StatementsRouted(
        uses,
        (table, TableUse("shop_order", "shop.Order", "replica", "primary", 9)),
        (MirrorDeclared("catalog.tests.SearchTests", "replica", 4), MirrorDeclared(SHOP, "replica", 3, 2)),
        (
            ReadAfterWrite(tests[0].id, "replica", "primary"),
            ReadAfterWrite(tests[1].id, "replica", "primary", ("shop_order",)),
        ),
        (CrossedTransaction(tests[2].id, "default", "replica"),),
    )
    journal.runner(found, slot=1)
    journal.runner(StatementsRouted((AliasUse("replica", "replica", 3),), declared=found.declared[1:]), slot=2)
    return journal.end()


def late(*first: Event) -> Journal:
    """A check of late reads: one read that two tests depend on, one of no line, and each other verdict."""
    names = ("pays", "ships", "without_lines", "unstable", "pauses", "unknown", "unchecked", "shares")
    tests = [planned(f"test_{name}", 10 * number) for number, name in enumerate(names, 1)]
    journal = Journal().host(*first).servers().plan(*tests)
    for test in tests:
        journal.attempt(test, Outcome.PASSED)
    journal.runner(PhaseFinished("tests", 2.0), PhaseStarted(LAG_CHECK))
    journal.at += 3.7  # and a tenth for each event
    write = TracedStatement(
        "default", "UPDATE shop_order SET paid = true WHERE id = 7", 0.0011, Frame("shop/orders.py", 31, "pay")
    )
    read = TracedStatement(
        "replica",
        'SELECT "shop_order"."id",\n  "shop_order"."paid" FROM "shop_order" WHERE "shop_order"."id" = 7'
        + " OR TRUE" * 30,
        0.0042,
        Frame("shop/orders.py", 38, "receipt"),
        "Router.db_for_read",
    )
    bug = ReadAfterWriteBug(read, write, 0.5149, failure("False is not true\nunpaid"))
    bare = ReadAfterWriteBug(TracedStatement("replica", "SELECT count(*) FROM shop_order", 0.0002), None, 0.4321)
    turns, pause = "it fails and passes by turns, however its reads wait", "it also fails where each read waits"
    judged = [
        LateReadJudged(tests[2].id, "bug", bare),
        LateReadJudged(tests[1].id, "bug", bug),
        LateReadJudged(tests[0].id, "bug", bug),
        LateReadJudged(tests[3].id, "unstable", reason=turns),
        LateReadJudged(tests[4].id, "pause", reason=pause),
        LateReadJudged(tests[5].id, "unknown", reason="its body read no replica when it failed"),
    ]
    for number, each in enumerate(judged):
        journal.runner(each, slot=1 + number % 2)
    journal.runner(LagChecked(0.5, 7, 1, (tests[6].id,)), PhaseFinished(LAG_CHECK, 4.0), RunFinished(0))
    return journal.host(PhaseStarted("reports"))


def fails_on_lag() -> Journal:
    """The same with ``--fail-on-lag``."""
    return late(RunStarted("postgres-17", "services/shop/", fail_on_lag=True))


def outcomes() -> Journal:
    names = (
        *("passes", "fails", "errs", "skips", "expected", "unexpected", "subtests", "flaky"),
        *("fails_thrice", "crashes", "hangs", "fails_then_crashes"),
    )
    tests = {name: planned(f"test_{name}", 10 * number) for number, name in enumerate(names, 1)}
    broken = [planned(f"test_{n}", 5 + n, "catalog.tests.BrokenTests", "catalog/tests.py") for n in (1, 2)]
    fixture = PlannedTest("catalog.tests.BrokenTests.setUpClass", "catalog.tests.BrokenTests", "setUpClass")
    journal = Journal().servers()
    journal.runner(
        Notice("legacy", "DATABASES['replica'] has TEST_MIRROR: Django ignores it today, this run does not.")
    )
    journal.plan(*tests.values(), *broken, seed=42)
    journal.attempt(tests["passes"], Outcome.PASSED)
    journal.attempt(
        tests["fails"],
        Outcome.FAILED,
        0.0345,
        failures=(failure("13 != 12\nthe total is off"),),
        stdout="creating an order\n",
        stderr="a warning\n",
        sql=STATEMENTS,
    )
    journal.attempt(
        tests["errs"],
        Outcome.ERRORED,
        failures=(failure("no such order", 55, "shop.models.Order.DoesNotExist", "error"),),
    )
    journal.attempt(tests["skips"], Outcome.SKIPPED, 0.0, reason="needs a card reader")
    journal.attempt(tests["expected"], Outcome.XFAILED, failures=(failure("12 != 13"),), reason="12 != 13")
    journal.attempt(
        tests["unexpected"], Outcome.XPASSED, reason="the test passed, and is marked as an expected failure"
    )
    currencies = ("EUR", "USD")
    journal.attempt(
        tests["subtests"],
        Outcome.FAILED,
        failures=tuple(failure(f"{c} is wrong", 71, subtest=f"(currency='{c}')") for c in currencies),
        subtests=3,
    )
    _broken_class(journal, fixture, broken)
    journal.attempt(
        tests["flaky"], Outcome.FAILED, n=1, final=False, failures=(failure("too slow", 80),), stdout="tick\n"
    )
    again = tests["fails_thrice"]
    journal.attempt(again, Outcome.FAILED, n=1, final=False, failures=(failure("first"),), sql=STATEMENTS[:1])
    _crash(journal, tests["crashes"])
    _timeout(journal, tests["hangs"])
    journal.attempt(tests["fails_then_crashes"], Outcome.FAILED, n=1, final=False, failures=(failure("at first", 90),))
    journal.attempt(tests["flaky"], Outcome.PASSED, n=2)
    journal.attempt(again, Outcome.FAILED, n=2, final=False, failures=(failure("second"),))
    journal.attempt(again, Outcome.ERRORED, n=3, failures=(failure("third", kind="error", type="KeyError"),))
    _crash(journal, tests["fails_then_crashes"], n=2)
    return journal.end(failures=10)


def _broken_class(journal: Journal, fixture: PlannedTest, tests: list[PlannedTest]) -> None:
    error = failure("no fixture", 3, "ValueError", "error")
    journal.runner(
        AttemptFinished(fixture.id, 1, Outcome.ERRORED, 0.011, (error,), extra=fixture, final=True),
        *(AttemptFinished(t.id, 1, Outcome.NOT_RUN, 0.0, reason="setUpClass failed", final=True) for t in tests),
        slot=1,
    )


def _crash(journal: Journal, test: PlannedTest, n: int = 1) -> None:
    journal.runner(AttemptStarted(test.id, n), slot=2)
    message = "worker 2 (pid 812) died with SIGSEGV while running this test"
    dump = f'{message}\nFatal Python error: Segmentation fault\n  File "{FILE}", line 99 in test_crashes\n'
    journal.runner(
        WorkerLost(812, None, "SIGSEGV", test.id),
        AttemptFinished(
            test.id, n, Outcome.CRASHED, 0.2, (Failure("error", "WorkerCrash", message, dump),), final=True
        ),
        WorkerStarted(812),
        slot=2,
    )


def _timeout(journal: Journal, test: PlannedTest) -> None:
    journal.runner(AttemptStarted(test.id), AttemptSlow(test.id, 1, 30.0), slot=2)
    journal.at += 60
    message = "timed out after 60 s"
    dump = f'{message}\nThread 0x00007f (most recent call first):\n  File "{FILE}", line 120 in test_hangs\n'
    journal.runner(
        WorkerLost(812, None, "SIGKILL", test.id),
        AttemptFinished(
            test.id, 1, Outcome.TIMED_OUT, 60.0, (Failure("error", "TestTimeout", message, dump),), final=True
        ),
        WorkerStarted(813),
        slot=2,
    )


def interrupted() -> Journal:
    done, running, waiting = planned("test_done"), planned("test_running", 20), planned("test_waiting", 30)
    journal = Journal().servers().plan(done, running, waiting)
    journal.attempt(done, Outcome.PASSED)
    journal.runner(AttemptStarted(running.id), slot=2)
    journal.runner(PhaseFinished("tests", 1.5))
    return journal.runner(RunAborted(ExitCode.SIGINT, "SIGINT ended the run."))


def aborted() -> Journal:
    journal = Journal().host(PhaseStarted("images"), PhaseFinished("images", 0.012), PhaseStarted("servers"))
    return journal.host(
        PhaseFinished("servers", 30.0),
        RunAborted(
            ExitCode.SERVERS,
            "The server 'default' (postgres 17) was not ready within 30 s.",
            hint="Its whole log: .harness/logs/default.log",
            evidence="LOG:  starting PostgreSQL 17.4\nFATAL:  could not map anonymous shared memory",
        ),
    )


def truncated() -> Journal:
    """The runner was killed: its last worker's crash was seen, the tests' end was not."""
    tests = [planned(f"test_{name}", 10) for name in ("passes", "runs", "crashes", "waits", "fails_once")]
    journal = Journal().servers().plan(*tests)
    journal.attempt(tests[0], Outcome.PASSED)
    journal.attempt(tests[4], Outcome.FAILED, final=False, failures=(failure("once"),))
    journal.runner(AttemptStarted(tests[1].id), slot=1)
    journal.runner(AttemptStarted(tests[2].id), slot=2)
    return journal.runner(WorkerLost(812, 3, None, tests[2].id), slot=2)


def failfast() -> Journal:
    tests = [planned(f"test_{name}", 10) for name in ("passes", "fails", "waits", "waits_too")]
    journal = Journal().servers().plan(*tests)
    journal.attempt(tests[0], Outcome.PASSED)
    journal.attempt(tests[1], Outcome.FAILED, failures=(failure("13 != 12"),))
    journal.runner(Notice("halted", f"--failfast: {tests[1].id} FAILED"))
    return journal.end(failures=1)


def no_tests() -> Journal:
    return Journal().servers().plan(workers=1).end()


def not_run() -> Journal:
    """Nothing is red but that tests did not run, which must not look green anywhere."""
    tests = [planned(f"test_{number}", 10) for number in range(1, 7)]
    journal = Journal().servers().plan(*tests)
    journal.attempt(tests[0], Outcome.PASSED)
    journal.runner(WorkerLost(811, None, "SIGKILL", None), slot=1)
    return journal.end()


def ends() -> Journal:
    """Workers that end when their tests have passed: by the project's doing, and by an error of the harness."""
    test, other = planned("test_passes"), planned("test_passes_too")
    journal = Journal().servers().plan(test, other)
    journal.attempt(test, Outcome.PASSED).attempt(other, Outcome.PASSED)
    handler = "exit handler raised ValueError: too late"
    evidence = 'Traceback (most recent call last):\n  File "shop/broker.py", line 7, in close\nValueError: too late\n'
    bug = 'Traceback (most recent call last):\n  File "harness/inside/worker.py", line 7, in serve\nKeyError: 1\n'
    journal.runner(
        WorkerLost(811, 1, None, None, "project", f"while no test ran, after {test.id}: an {handler}", evidence), slot=1
    )
    journal.runner(
        WorkerLost(812, 70, None, None, "harness", f"while no test ran, after {other.id}: KeyError: 1", bug), slot=2
    )
    return journal.end()


def hostile() -> Journal:
    """Names, messages and output that no report may trip over or be led astray by."""
    commands = "::error::injected\n##[error]injected\n::set-output name=x::y\n::stop-commands::x\n::x::\n"
    colours = "\x1b[31mred\x1b[0m \x1b[2J\x07 nul \x00 lone \udc80 \ufffe\rback\r\nwindows\n"
    markup = "]]> <failure> & \"quotes\" ``` | `code` <script>alert('x')</script> \U0001f600"
    long = planned("test_" + "ü" * 700)
    other = planned("test_" + "ü" * 700 + "x")
    twin = PlannedTest(f"{SHOP}.test_twin#2", SHOP, "test_twin", FILE, 10)
    tests = [planned("test_::error::"), planned(f"test_\x1b[31m {markup}"), long, other, planned("test_twin"), twin]
    tests.append(PlannedTest("no dots at all", "", ""))
    journal = Journal().servers().plan(*tests)
    for test in tests:
        journal.attempt(
            test,
            Outcome.FAILED,
            failures=(failure(f"{commands}{colours}{markup}" + "x" * 2000),),
            stdout=commands + colours + markup,
            stderr=commands,
            sql=(Statement(0.0, "default", "primary", f"SELECT '{commands}'", 0.1, commands),),
        )
    return journal.end(failures=len(tests))


def twice() -> Journal:
    """A project's runner that runs its suite twice: the second round's failure must show."""
    test, other = planned("test_once"), planned("test_in_second_round")
    journal = Journal().servers().plan(test)
    journal.attempt(test, Outcome.PASSED)
    journal.runner(RunPlanned((test, other), 1))
    journal.attempt(test, Outcome.FAILED, failures=(failure("second round"),))
    journal.attempt(other, Outcome.PASSED)
    return journal.end(failures=1)


JOURNALS = {
    make.__name__: make
    for make in (
        green,
        routing,
        late,
        fails_on_lag,
        outcomes,
        interrupted,
        aborted,
        truncated,
        failfast,
        no_tests,
        not_run,
        ends,
        hostile,
        twice,
    )
}
