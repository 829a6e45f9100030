"""The files that replay the tests of one worker, and the command that takes them."""

from harness.report.formats import replay
from harness.report.model.run_report import RunReport
from harness.report.model.typed_command import TypedCommand

REPORT = RunReport(orders=(("shop.T.test_a", "shop.T.test_b (i=1)"), ("shop.U.test_c", "shop.U.test_d")))


def test_a_written_file_can_be_read() -> None:
    (first, text), (second, _) = replay.files(REPORT)
    assert (first, second) == ("replay/shop.T.test_b (i=1).txt", "replay/shop.U.test_d.txt")
    assert replay.parse(text) == REPORT.orders[0]


def test_comments_blank_lines_and_duplicates_are_ignored() -> None:
    assert replay.parse("# to read\n\n b \na\nb\n") == ("b", "a")


def test_the_command_takes_the_file_of_the_first_failure() -> None:
    typed = TypedCommand(("harness", "ci", "--db", "postgres"), ("shop",), ("-m", "not slow"))
    written = ["replay/shop.T.test_b (i=1).txt"]
    assert (
        replay.command(typed, ".harness", REPORT, written)
        == "harness ci --db postgres --replay '.harness/replay/shop.T.test_b (i=1).txt' shop -- -m 'not slow'"
    )
    assert replay.command(typed, ".harness", REPORT, []) == ""
    assert replay.command(typed, ".harness", RunReport(), written) == ""
