"""An interpreter of this machine is taken if it is the wanted release, complete, and for the engine's architecture."""

import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.host.images.pythons.interpreters import described, find, judge, places, read
from harness.host.project.python_version import Wanted, series_of

RELEASE = platform.python_version()
FACTS: dict[str, Any] = {
    "implementation": "cpython",
    "version": "3.12.4",
    "build": "3.12.4 (main)",
    "variant": "",
    "machine": "x86_64",
    "glibc": "2.36",
    "executable": "/opt/python/bin/python3.12",
    "prefix": "/opt/python",
    "stdlib": "/opt/python/lib/python3.12",
    "includes": ["/opt/python/include/python3.12"],
    "library": "",
    "wheels": "",
    "lacking": [],
}


@pytest.mark.parametrize(
    ("changes", "version", "reason"),
    [
        ({}, "3.12", ""),
        ({}, "3.12.4", ""),
        ({}, "3.12.5", "it is 3.12.4"),
        ({"implementation": "pypy"}, "3.12", "it is pypy"),
        ({"variant": "t"}, "3.12", "it is no usual build of CPython (its ABI is 't')"),
        ({"machine": "aarch64"}, "3.12", "it is for aarch64, and the engine is x86_64"),
        ({"glibc": ""}, "3.12", "it is not linked to glibc, as Debian's programs are"),
        ({"lacking": ["the module _ssl (no libssl)"]}, "3.12", "it lacks the module _ssl (no libssl)"),
    ],
)
def test_each_reason_against_an_interpreter(changes: dict[str, Any], version: str, reason: str) -> None:
    assert judge({**FACTS, **changes}, Wanted(version), "x86_64") == reason


def test_the_places_are_those_of_path_and_of_the_tools(tmp_path: Path) -> None:
    environ = {"PATH": "/a:/b", "PYENV_ROOT": str(tmp_path / "pyenv"), "XDG_DATA_HOME": str(tmp_path / "data")}
    for folder in (
        "pyenv/versions/3.12.1/bin",
        "pyenv/versions/3.12.7/bin",
        "pyenv/versions/3.13.0/bin",
        "data/uv/python/cpython-3.12.9-linux-x86_64-gnu/bin",
        ".asdf/installs/python/3.12.2/bin",
    ):
        (tmp_path / folder).mkdir(parents=True)
    found = [str(path) for path in places("3.12", environ, tmp_path) if path != Path(sys.executable)]
    assert found[:4] == ["/a/python3.12", "/b/python3.12", "/usr/bin/python3.12", "/usr/local/bin/python3.12"]
    ours = [each.removeprefix(f"{tmp_path}/") for each in found if each.startswith(str(tmp_path))]
    assert ours == [
        "data/uv/python/cpython-3.12.9-linux-x86_64-gnu/bin/python3.12",
        "pyenv/versions/3.12.7/bin/python3.12",
        "pyenv/versions/3.12.1/bin/python3.12",
        ".asdf/installs/python/3.12.2/bin/python3.12",
    ]


class TestThisMachine:
    def test_this_interpreter_describes_itself(self) -> None:
        facts = described(Path(sys.executable))
        assert facts["version"] == RELEASE
        assert read(facts).stdlib.is_dir()

    def test_it_is_found(self) -> None:
        found, reasons = find(Wanted(series_of(RELEASE)), platform.machine())
        executable = str(Path(sys.executable).resolve())
        assert executable in {*reasons, *(str(each.executable) for each in found)}

    def test_another_architecture_is_a_reason(self) -> None:
        found, reasons = find(Wanted(series_of(RELEASE)), "riscv64")
        assert found == []
        assert all(reason.endswith(", and the engine is riscv64") for reason in reasons.values())

    @pytest.mark.parametrize("text", ["", "#!/bin/sh\nexit 127\n", "#!/bin/sh\necho no JSON\n", "#!/bin/sh\necho 1\n"])
    def test_a_program_that_is_no_python_does_not_answer(self, tmp_path: Path, text: str) -> None:
        program = tmp_path / "python3.12"
        program.write_text(text)
        program.chmod(0o755)
        assert described(program) == {}
