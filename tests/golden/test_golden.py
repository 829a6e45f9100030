"""Journals to reports, compared exactly: ``tests/golden/NAME.ndjson`` to ``.xml``, ``.txt`` (plain console) and ``.json``.

``UPDATE_GOLDEN=1 python -m pytest tests/golden/test_golden.py`` writes the files anew, the journals too, from
``tests/golden/journals.py``. Read the difference as you would read code.
"""

import io
import os
from pathlib import Path

import pytest

from harness.protocol import codec
from harness.protocol.events import Envelope
from harness.report.artifacts import condensed
from harness.report.formats import junit, sql, summary
from harness.report.journal import read_journal
from harness.report.model import ledger
from harness.report.model.typed_command import TypedCommand, rerun_command
from harness.report.model.verdict import verdict
from harness.report.terminal import final_summary
from harness.report.terminal.console import Console
from harness.report.terminal.style import ConsoleOptions
from tests.golden.journals import JOURNALS
from tests.junit_check import check

GOLDEN = Path(__file__).parent
OPTIONS = {
    "outcomes": ConsoleOptions(debug_sql=True, timing=True, buffer=True),
    "hostile": ConsoleOptions(guard="b52f1c", debug_sql=True),
}
PATHS = ("journal.ndjson", "junit.xml", "logs/default.log", "sql/a.sql", "sql/b.sql", "summary.json")


def compare(name: str, suffix: str, actual: bytes) -> None:
    path = GOLDEN / f"{name}{suffix}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(actual)
    assert actual.decode() == path.read_bytes().decode()


def envelopes(name: str) -> list[Envelope]:
    return list(read_journal(GOLDEN / f"{name}.ndjson"))


@pytest.mark.parametrize("name", JOURNALS)
def test_journal(name: str) -> None:
    made = JOURNALS[name]().envelopes
    path = GOLDEN / f"{name}.ndjson"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text("".join(codec.encode(envelope) for envelope in made))
    assert envelopes(name) == made


@pytest.mark.parametrize("name", JOURNALS)
def test_junit(name: str) -> None:
    report = ledger.fold(envelopes(name))
    compare(name, ".xml", junit.build(report, verdict(report), prefix="services/shop"))
    counts = check(GOLDEN / f"{name}.xml")
    assert counts.total >= len(report.cases)
    assert (counts.bad == 0) == (verdict(report).exit_code == 0)


@pytest.mark.parametrize("name", JOURNALS)
def test_strict_junit(name: str, tmp_path: Path) -> None:
    report = ledger.fold(envelopes(name))
    path = tmp_path / "junit.xml"
    path.write_bytes(junit.build(report, verdict(report), strict=True))
    assert check(path, strict=True) == check(GOLDEN / f"{name}.xml")


@pytest.mark.parametrize("name", JOURNALS)
def test_summary(name: str) -> None:
    report = ledger.fold(envelopes(name))
    compare(name, ".json", summary.build(report, verdict(report)).encode())


@pytest.mark.parametrize("name", JOURNALS)
def test_plain_console(name: str) -> None:
    out = io.StringIO()
    console = Console(out, OPTIONS.get(name, ConsoleOptions()))
    journal = envelopes(name)
    for envelope in journal:
        console.handle(envelope)
    report = ledger.fold(journal)
    lines = final_summary.final_summary(
        report,
        verdict(report),
        console.options,
        sql_paths=sql.paths(report, ".harness", [path for path, _ in sql.files(report)]),
        artifacts=condensed(".harness", PATHS),
        rerun=rerun_command(TypedCommand(("harness", "ci", "--db", "postgres")), report),
    )
    console.finish(lines)
    console.close()
    compare(name, ".txt", out.getvalue().encode())


def test_every_golden_file_is_compared() -> None:
    names = {path.stem for path in GOLDEN.iterdir() if path.suffix in (".ndjson", ".xml", ".txt", ".json")}
    assert names == set(JOURNALS)
