"""The ways to a Python: their order, and an error with the reason of each; a failure of uv has uv's own output."""

import stat
from pathlib import Path

import pytest

from harness.errors import ProjectError, ServerError
from harness.host.images.pythons import by_uv
from harness.host.images.pythons.interpreters import Interpreter
from harness.host.images.pythons.ways import known, unobtainable
from harness.host.project.python_version import Wanted, declarations, wanted
from tests.unit.host.project.conftest import write

REASONS = ["python:3.12-slim: no such host", "Debian: no suite has Python 3.12", "this machine: no python3.12"]
RANGE = '[project]\nrequires-python = "{}"\n'


class TestUnobtainable:
    def test_a_declared_python_is_the_projects_error(self) -> None:
        error = unobtainable(Wanted("3.12"), "requires-python of pyproject.toml", [*REASONS, REASONS[0]])
        assert isinstance(error, ProjectError)
        assert error.message == "Python 3.12, which requires-python of pyproject.toml asks for, cannot be had here."
        assert error.evidence.splitlines() == REASONS
        assert "uv python install 3.12" in error.hint

    def test_the_default_is_not_the_projects_error(self) -> None:
        error = unobtainable(Wanted("3.13"), "", REASONS)
        assert isinstance(error, ServerError)
        assert error.message == "Python 3.13 cannot be had here."

    @pytest.mark.parametrize(
        ("allowed", "version", "named"),
        [
            (">=3.11", "3.12", 'python = "3.14"'),
            (">=3.11", "3.12.4", 'python = "3.12"'),
            ("==3.12.*", "3.12", ""),
            ("==3.12.4", "3.12.4", ""),
        ],
    )
    def test_the_hint_names_another_that_the_project_allows(
        self, tmp_path: Path, allowed: str, version: str, named: str
    ) -> None:
        write(tmp_path, {"pyproject.toml": RANGE.format(allowed)})
        assert declarations(tmp_path)
        hint = unobtainable(wanted(tmp_path, version), "x", []).hint
        assert (named in hint) if named else ("[tool.harness]" not in hint)


class TestKnown:
    FOUND = Interpreter(
        executable=Path("/opt/bin/python3.12"),
        release="3.12.4",
        build="",
        machine="x86_64",
        glibc="2.36",
        prefix=Path("/opt"),
        stdlib=Path("/opt/lib"),
        includes=(),
    )

    def test_an_image_that_is_here_is_the_way(self) -> None:
        assert known("3.12", {"python:3.12-slim"}, [self.FOUND], registry=False) == ["the image python:3.12-slim"]

    def test_the_ways_are_in_the_order_in_which_they_are_tried(self) -> None:
        own = "/opt/bin/python3.12 (3.12.4)"
        assert known("3.12", (), [self.FOUND], registry=False) == [own, "uv python install"]
        registry = "the image python:3.13-slim of a registry"
        assert known("3.13", (), [], registry=True) == [registry, "Debian trixie (3.13.5)", "uv python install"]
        assert known("3.14", (), [], registry=False)[0] == "Debian sid"


class TestUv:
    @pytest.fixture
    def uv(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A program called uv, first on PATH; a test writes it."""
        program = tmp_path / "bin" / "uv"
        program.parent.mkdir()
        program.touch(mode=stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return program

    def test_its_interpreter_is_read_from_its_folder(self, tmp_path: Path, uv: Path) -> None:
        uv.write_text(
            '#!/bin/sh\necho "$*" "$PWD" >"$UV_PYTHON_INSTALL_DIR/../asked"\n'
            'cd "$UV_PYTHON_INSTALL_DIR" 2>/dev/null || { mkdir "$UV_PYTHON_INSTALL_DIR" && cd "$UV_PYTHON_INSTALL_DIR"; }\n'
            "mkdir -p cpython-3.12.9-linux-aarch64-gnu/lib && touch cpython-3.12.9-linux-aarch64-gnu/lib/libpython3.12.so.1.0\n"
        )
        (tmp_path / "python").mkdir()
        found = by_uv.install(Wanted("3.12"), "aarch64", tmp_path, tmp_path)
        assert (tmp_path / "asked").read_text() == f"python install cpython-3.12-linux-aarch64-gnu {tmp_path}\n"
        folder = tmp_path / "python" / "cpython-3.12.9-linux-aarch64-gnu"
        assert (found.release, found.machine, found.prefix) == ("3.12.9", "aarch64", folder)
        assert found.library == str(folder / "lib" / "libpython3.12.so.1.0")

    def test_its_error_is_the_reason(self, tmp_path: Path, uv: Path) -> None:
        uv.write_text("#!/bin/sh\necho 'error: Python downloads are not allowed' >&2; exit 2\n")
        with pytest.raises(ServerError, match="Python downloads are not allowed"):
            by_uv.install(Wanted("3.12"), "x86_64", tmp_path, tmp_path)

    def test_another_release_than_the_wanted_one_is_refused(self, tmp_path: Path, uv: Path) -> None:
        uv.write_text('#!/bin/sh\nmkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-3.12.3-linux-x86_64-gnu"\n')
        write(tmp_path, {"pyproject.toml": RANGE.format(">=3.12.4")})
        with pytest.raises(ServerError, match=r"3\.12\.3"):
            by_uv.install(wanted(tmp_path, "3.12"), "x86_64", tmp_path, tmp_path)
