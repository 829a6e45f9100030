import errno
import fcntl
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode, UsageError
from harness.protocol import codec, naming
from harness.protocol.events import Envelope, Notice, QueriesCounted
from harness.protocol.results import Outcome, QueryCount
from harness.report.artifacts import Artifacts, condensed
from harness.report.formats import junit
from harness.report.journal import read_journal
from harness.report.model import ledger
from harness.report.model.verdict import verdict
from tests.golden.journals import JOURNALS, STATEMENTS, Journal, planned


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


def write_all(folder: Path, journal: Journal) -> None:
    with Artifacts.open(folder) as artifacts:
        for envelope in journal.envelopes:
            artifacts.append(codec.encode(envelope).encode())
        report = ledger.fold(journal.envelopes)
        artifacts.keep("schema/default.sql", "CREATE TABLE t ();\n")
        artifacts.keep("logs/default.log", b"LOG: \xff ready\n")
        artifacts.write_reports(report, verdict(report))
        artifacts.write_summary(report, verdict(report))


EVENTS = [Envelope(codec.VERSION, 1, 2.0, 0, Notice("a", "b")), Envelope(codec.VERSION, 2, 2.5, 0, Notice("c", "d"))]


def several(folder: Path, *backends: str) -> None:
    """The artifacts of a command on several *backends*."""
    with Artifacts.open(folder, has_journal=False) as artifacts:
        for backend in backends:
            write_all(artifacts.adopt(backend), JOURNALS["green"]())
        artifacts.write("junit.xml", "<testsuites/>")
        artifacts.write("differences.md", "none")


class TestLayout:
    def test_a_run_writes_its_files(self, tmp_path: Path) -> None:
        folder = tmp_path / "a" / ".harness"
        write_all(folder, JOURNALS["outcomes"]())
        assert everything(folder) == {
            ".gitignore",
            ".lock",
            "journal.ndjson",
            "junit.xml",
            "summary.json",
            "trace.json",
            "sql/queries.ndjson",
            "sql/shop.tests.test_orders.OrderTests.test_fails.sql",
            "sql/shop.tests.test_orders.OrderTests.test_fails_thrice.sql",
            "replay/shop.tests.test_orders.OrderTests.test_errs.txt",
            "replay/shop.tests.test_orders.OrderTests.test_fails.txt",
            "replay/shop.tests.test_orders.OrderTests.test_subtests.txt",
            "replay/shop.tests.test_orders.OrderTests.test_unexpected.txt",
            "schema/default.sql",
            "logs/default.log",
        }
        assert list(read_journal(folder / "journal.ndjson")) == JOURNALS["outcomes"]().envelopes
        assert (folder / "logs/default.log").read_bytes() == b"LOG: \xff ready\n"

    def test_flaky_sql_and_queries_are_written(self, tmp_path: Path) -> None:
        test = planned("test_one")
        journal = Journal().plan(test).attempt(test, Outcome.FAILED, final=False, sql=STATEMENTS)
        journal.attempt(test, Outcome.PASSED, n=2)
        write_all(tmp_path, journal.runner(QueriesCounted((QueryCount("a", "default", 1, 0.1, 0.1, ()),))))
        assert (tmp_path / naming.sql_file(test.id)).exists()
        assert (tmp_path / "sql/queries.ndjson").read_text().count("\n") == 1

    @pytest.mark.parametrize(
        "path",
        [
            "../x",
            "/etc/passwd",
            "sql/../../x",
            "sql/..",
            "sql/.",
            "sql/a/b.sql",
            "other.txt",
            "",
            ".lock",
            "sql//a",
            "./sql/a",
            "logs/a\nb",
            "sql/a.part",
        ],
    )
    def test_no_path_leads_out_of_the_layout(self, tmp_path: Path, path: str) -> None:
        with Artifacts.open(tmp_path / "a") as artifacts, pytest.raises(UsageError, match="layout"):
            artifacts.write(path, "x")
        assert everything(tmp_path) == {"a/.lock", "a/journal.ndjson"}

    def test_every_name_that_naming_makes_fits_the_layout(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path) as artifacts:
            for name in ("..", "a/b", "x" * 300, "é\n\udc80", "a (b) [2]", "."):
                artifacts.write(naming.sql_file(name), "x")
            artifacts.write(naming.schema_file("../Café"), "x")
            artifacts.write(naming.log_file("default"), "x")

    def test_collected_files_may_be_in_folders_and_go_with_them(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path) as artifacts:
            artifacts.write("collected/htmlcov/deep/index.html", "x")
            artifacts.write("collected/.coverage", "x")
            for path in ("collected/../up", "collected/a//b", "collected/a/", "collected/a/../b", "sql/a/b"):
                with pytest.raises(UsageError, match="layout"):
                    artifacts.write(path, "x")
        (tmp_path / "collected" / "mine").mkdir()
        (tmp_path / "collected" / "mine" / "a.txt").write_text("kept")
        with Artifacts.open(tmp_path):
            assert everything(tmp_path / "collected") == {"mine/a.txt"}

    def test_no_link_leads_out_of_the_layout(self, tmp_path: Path) -> None:
        outside, folder = tmp_path / "outside", tmp_path / "a"
        outside.mkdir()
        folder.mkdir()
        (outside / "b.sql").write_text("theirs")
        (folder / "sql").symlink_to(outside)
        with Artifacts.open(folder) as artifacts:
            with pytest.raises(UsageError, match="leads out"):
                artifacts.write("sql/b.sql", "x")
            (folder / "logs").mkdir()
            (folder / "logs" / "default.log").symlink_to(outside / "b.sql")
            artifacts.write("logs/default.log", "ours")
        assert (outside / "b.sql").read_text() == "theirs"
        (folder / ".lock").write_text("sql/b.sql\nlogs/default.log\njournal.ndjson\n../outside/b.sql\n")
        Artifacts.open(folder).close()
        assert (outside / "b.sql").read_text() == "theirs"
        assert not (folder / "logs").exists()

    def test_git_ignores_the_default_folder(self, tmp_path: Path) -> None:
        for name in (".harness", "reports"):
            Artifacts.open(tmp_path / name).close()
        assert (tmp_path / ".harness" / ".gitignore").read_text() == "*\n"
        assert not (tmp_path / "reports" / ".gitignore").exists()  # the project may have other files there
        (tmp_path / ".harness" / ".gitignore").write_text("mine")
        Artifacts.open(tmp_path / ".harness").close()
        assert (tmp_path / ".harness" / ".gitignore").read_text() == "mine"

    def test_text_that_utf8_cannot_carry(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path) as artifacts:
            artifacts.write("schema/default.sql", "lone \udc80")
        assert (tmp_path / "schema/default.sql").read_text() == "lone \\udc80"

    def test_condensed_names_files_and_folders_on_one_line(self) -> None:
        paths = ("journal.ndjson", "logs/default.log", "sql/a.sql", "sql/b.sql", "summary.json")
        assert condensed("out", paths) == ["out/: journal.ndjson, summary.json, logs/, sql/"]
        assert condensed("out", ()) == []


class TestClear:
    def test_only_files_of_an_earlier_run_are_cleared(self, tmp_path: Path) -> None:
        write_all(tmp_path, JOURNALS["outcomes"]())
        foreign = {"notes.txt", "sql/mine.sql", "logs/other.log", "junit.xml.part.txt"}
        for path in foreign:
            (tmp_path / path).write_text("mine")
        (tmp_path / "sql" / "deep").mkdir()
        with Artifacts.open(tmp_path):
            assert everything(tmp_path) == {*foreign, ".lock", "journal.ndjson"}
            assert not (tmp_path / "schema").exists()
            assert (tmp_path / "sql" / "deep").is_dir()

    def test_a_half_written_file_of_a_killed_run_is_cleared(self, tmp_path: Path) -> None:
        script = (
            "import os, signal; from pathlib import Path; from harness.report import artifacts\n"
            f"a = artifacts.Artifacts.open(Path({str(tmp_path)!r}))\n"
            "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            "a.append(b'one line\\n'); a.write('sql/a.sql', 'half')\n"
        )
        done = subprocess.run([sys.executable, "-c", script], check=False)
        assert done.returncode == -signal.SIGKILL
        assert everything(tmp_path) == {".lock", "journal.ndjson", "sql/a.sql.part"}
        assert (tmp_path / "journal.ndjson").read_bytes() == b"one line\n"
        with Artifacts.open(tmp_path):
            assert everything(tmp_path) == {".lock", "journal.ndjson"}

    @pytest.mark.parametrize("name", ["junit.xml", "summary.json", "journal.ndjson"])
    def test_a_file_of_the_users_own_is_not_overwritten(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("mine")
        with pytest.raises(UsageError, match=name) as caught:
            Artifacts.open(tmp_path)
        assert "--artifacts" in caught.value.hint
        assert (tmp_path / name).read_text() == "mine"


class TestLock:
    def test_a_second_run_in_the_same_folder_is_refused(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path) as first:
            with pytest.raises(UsageError, match="Another run") as caught:
                Artifacts.open(tmp_path)
            assert "--artifacts" in caught.value.hint
            first.write("junit.xml", b"<testsuites/>")
        Artifacts.open(tmp_path).close()
        assert everything(tmp_path) == {".lock", "journal.ndjson"}

    def test_a_killed_run_leaves_no_lock(self, tmp_path: Path) -> None:
        def hold() -> None:
            Artifacts.open(tmp_path)
            os.kill(os.getpid(), signal.SIGKILL)

        process = multiprocessing.get_context("fork").Process(target=hold)
        process.start()
        process.join()
        Artifacts.open(tmp_path).close()

    def test_closing_twice_is_fine(self, tmp_path: Path) -> None:
        artifacts = Artifacts.open(tmp_path)
        artifacts.close()
        artifacts.close()

    def test_a_lock_that_is_a_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "victim").write_text("theirs")
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / ".lock").symlink_to(tmp_path / "victim")
        with pytest.raises(UsageError):
            Artifacts.open(tmp_path / "a")
        assert (tmp_path / "victim").read_text() == "theirs"

    def test_a_lock_with_another_name_is_not_emptied(self, tmp_path: Path) -> None:
        (tmp_path / "victim").write_text("theirs")
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / ".lock").hardlink_to(tmp_path / "victim")
        with pytest.raises(UsageError):
            Artifacts.open(tmp_path / "a")
        assert (tmp_path / "victim").read_text() == "theirs"

    def test_the_lock_is_not_inherited(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path):
            child = subprocess.Popen(["sleep", "30"], close_fds=False)
        try:
            Artifacts.open(tmp_path).close()
        finally:
            child.kill()
            child.wait()

    def test_the_lock_is_a_lock_of_the_system(self, tmp_path: Path) -> None:
        with (
            Artifacts.open(tmp_path),
            (tmp_path / ".lock").open() as file,
            pytest.raises(BlockingIOError),
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class TestProblems:
    def test_a_folder_that_cannot_be_made_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match="Cannot write") as caught:
            Artifacts.open(tmp_path / "file" / "below")
        assert caught.value.exit_code == 2
        assert "--artifacts" in caught.value.hint
        with pytest.raises(UsageError, match="Cannot write"):
            Artifacts.open(tmp_path / "file")

    def test_a_folder_that_cannot_be_written_is_an_error(self) -> None:
        with pytest.raises(UsageError, match="Cannot write"):
            Artifacts.open(Path("/proc/self"))

    def test_a_bug_in_one_report_leaves_the_others(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> bytes:
            raise RecursionError("a bug")

        monkeypatch.setattr(junit, "build", fail)
        report = ledger.fold(JOURNALS["outcomes"]().envelopes)
        with Artifacts.open(tmp_path) as artifacts:
            artifacts.write_reports(report, verdict(report))
            found = artifacts.write_summary(report, verdict(report))
            assert artifacts.paths == ("journal.ndjson", *sorted(everything(tmp_path) - {".lock", "journal.ndjson"}))
        assert "junit.xml" not in artifacts.paths
        assert {"summary.json", "sql/queries.ndjson"} <= set(artifacts.paths)
        assert found.exit_code is ExitCode.INTERNAL
        assert found.cause is not None
        assert "RecursionError: a bug" in found.cause.evidence
        assert json.loads((tmp_path / "summary.json").read_text())["exit_code"] == 70

    def test_a_full_disk_is_a_problem(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path) as artifacts:
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, artifacts._journal)
            os.close(full)
            artifacts.append(b"line\n")
            artifacts.append(b"another\n")
            (problem,) = artifacts.problems
            assert os.strerror(errno.ENOSPC) in problem.message
            assert "journal.ndjson" not in artifacts.paths

    def test_a_line_torn_by_a_full_disk_is_ended_later(self, tmp_path: Path) -> None:
        line = codec.encode(EVENTS[0]).encode()
        with Artifacts.open(tmp_path) as artifacts:
            artifacts.append(line)
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(line) + 10, limits[1]))
            try:
                artifacts.append(codec.encode(EVENTS[1]).encode())
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            artifacts.append(codec.encode(EVENTS[1]).encode())
            assert artifacts.problems
        assert list(read_journal(tmp_path / "journal.ndjson")) == EVENTS

    def test_a_full_disk_keeps_no_half_of_a_report(self, tmp_path: Path) -> None:
        with Artifacts.open(tmp_path) as artifacts:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
            try:
                artifacts.keep("schema/default.sql", "x" * 5000)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert [problem.exit_code for problem in artifacts.problems] == [ExitCode.USAGE]
        assert everything(tmp_path) == {".lock", "journal.ndjson"}

    def test_the_step_summary_is_appended(self, tmp_path: Path) -> None:
        path = tmp_path / "summary.md"
        path.write_text("before\n")
        with Artifacts.open(tmp_path / "a") as artifacts:
            artifacts.append_step_summary(path, "after \udc80\n")
            assert not artifacts.problems
            artifacts.append_step_summary(tmp_path / "no" / "folder", "x")
            (problem,) = artifacts.problems
            assert "Cannot write" in problem.message
        assert path.read_text() == "before\nafter \\udc80\n"


class TestRunsOnOneBackend:
    def test_the_merged_folder_has_no_journal(self, tmp_path: Path) -> None:
        several(tmp_path, "postgres-17", "sqlite")
        assert {path for path in everything(tmp_path) if "/" not in path} == {".lock", "junit.xml", "differences.md"}
        assert {"postgres-17/journal.ndjson", "sqlite/summary.json"} <= everything(tmp_path)

    def test_the_next_run_clears_only_the_runs_of_the_earlier_one(self, tmp_path: Path) -> None:
        several(tmp_path, "postgres-17", "sqlite")
        (tmp_path / "sqlite" / "notes.txt").write_text("mine")
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "journal.ndjson").write_text("mine")
        with Artifacts.open(tmp_path):
            assert everything(tmp_path) == {".lock", "journal.ndjson", "sqlite/notes.txt", "other/journal.ndjson"}
            assert not (tmp_path / "postgres-17").exists()

    def test_a_command_on_other_backends_clears_the_earlier_ones(self, tmp_path: Path) -> None:
        several(tmp_path, "postgres-17", "sqlite")
        several(tmp_path, "sqlite", "postgres-18")
        assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"sqlite", "postgres-18"}

    def test_a_merge_keeps_the_runs_for_a_later_clear(self, tmp_path: Path) -> None:
        several(tmp_path, "postgres-17", "sqlite")
        with Artifacts.open(tmp_path, has_journal=False, spares_runs=True):
            assert "sqlite/journal.ndjson" in everything(tmp_path)
            assert "junit.xml" not in everything(tmp_path)
        with Artifacts.open(tmp_path):
            assert everything(tmp_path) == {".lock", "journal.ndjson"}

    def test_a_run_that_still_writes_is_not_disturbed(self, tmp_path: Path) -> None:
        several(tmp_path, "sqlite")
        with Artifacts.open(tmp_path / "sqlite"):
            with pytest.raises(UsageError, match="Another run is writing"):
                Artifacts.open(tmp_path)
            assert "sqlite/journal.ndjson" in everything(tmp_path)

    def test_a_link_in_place_of_a_run_is_not_followed(self, tmp_path: Path) -> None:
        several(tmp_path / "here", "sqlite")
        write_all(tmp_path / "elsewhere", JOURNALS["green"]())
        several(tmp_path / "here", "sqlite")
        for path in sorted((tmp_path / "here" / "sqlite").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (tmp_path / "here" / "sqlite").rmdir()
        (tmp_path / "here" / "sqlite").symlink_to(tmp_path / "elsewhere")
        with Artifacts.open(tmp_path / "here"):
            assert (tmp_path / "elsewhere" / "journal.ndjson").exists()

    @pytest.mark.parametrize("name", ["sql", "..", ".", "a/b", "", "a\nb"])
    def test_a_name_that_is_no_run_is_refused(self, tmp_path: Path, name: str) -> None:
        with Artifacts.open(tmp_path, has_journal=False) as artifacts, pytest.raises(UsageError, match="no name"):
            artifacts.adopt(name)
