"""The party at fault for an exception, and exceptions that fail to be described."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError, ProjectError
from harness.runner import failures
from harness.runner.failures import FailureDescriber, format_error, own_work


def raised(source: str, file: str) -> BaseException:
    """The exception that *source* raises as the code of *file*."""
    try:
        exec(compile(source, file, "exec"), {"json": json})
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt is one of the cases
        own_frame = error.__traceback__
        return error.with_traceback(own_frame and own_frame.tb_next)
    raise AssertionError("nothing was raised")


OURS = str(Path(failures.__file__).parent / "worker.py")


@pytest.mark.parametrize(
    ("source", "file", "fault"),
    [
        ("{}[1]", "/project/shop/broker.py", "project"),
        ("{}[1]", OURS, "harness"),
        ("json.loads('no')", OURS, "harness"),
        ("json.loads('no')", "/project/shop/broker.py", "project"),
        ("raise KeyboardInterrupt", OURS, "project"),
        ("{}[1]", "/project/.venv/lib/site-packages/broker.py", "harness"),
    ],
)
def test_the_innermost_frame_decides_the_fault(source: str, file: str, fault: str) -> None:
    assert FailureDescriber("/project").fault_of(raised(source, file)) == fault


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


def test_an_exception_without_a_message_can_be_formatted() -> None:
    assert "Unspeakable" in format_error(Unspeakable())


def test_an_error_in_own_work_is_a_bug_of_the_harness() -> None:
    with pytest.raises(HarnessError, match="A bug in the harness: KeyError: 1") as caught, own_work():
        raise KeyError(1)
    assert caught.value.exit_code == 70
    assert "Traceback" in caught.value.evidence


def test_own_work_keeps_a_harness_error() -> None:
    with pytest.raises(ProjectError), own_work():
        raise ProjectError("settings")


class TestMissingFile:
    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("open('/project/.env')", ".env"),
            ("import os; os.listdir(b'/project/a/../build')", "build"),
            (
                "try:\n    open('/project/x/y.txt')\nexcept OSError as error:\n    raise ValueError from error",
                "x/y.txt",
            ),
            ("open('/etc/no-such-file')", ""),
            ("raise FileNotFoundError('/project/.env')", ""),
            ("raise FileNotFoundError(2, 'no', object())", ""),
            ("{}[1]", ""),
        ],
    )
    def test_the_file_of_the_project_that_was_not_found(self, source: str, name: str) -> None:
        assert failures.missing_file(raised(source, "/project/shop/x.py"), "/project") == name

    def test_a_relative_name_starts_from_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "tests").mkdir()
        monkeypatch.chdir(tmp_path / "tests")
        error = raised("open('data.json')", str(tmp_path / "x.py"))
        assert failures.missing_file(error, str(tmp_path)) == "tests/data.json"
        assert FailureDescriber(str(tmp_path)).describe((type(error), error, None), "error").missing_file
