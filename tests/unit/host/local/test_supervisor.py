"""The supervisor of a local server: how it is started, and a command that cannot be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.host.local import supervisor

SLOW = {"contextlib", "collections", "enum", "signal", "subprocess", "typing"}
"""Modules whose import takes as long as the rest of the start."""


def test_it_imports_no_module_that_takes_long() -> None:
    *python, start, folder = supervisor.command()
    code = f"{start.removesuffix('sys.exit(supervisor.main(sys.argv[1:]))')}print(*sys.modules)"
    shown = subprocess.run([*python, code, folder], capture_output=True, text=True, check=True).stdout.split()
    assert "supervisor" in shown
    assert SLOW.isdisjoint(shown)


def test_a_command_that_cannot_be_started(tmp_path: Path) -> None:
    command = supervisor.command("run", f"bases={tmp_path}", "held=0", "--", "/nowhere/server")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder, status = process.stdout.read().splitlines()
    assert folder.startswith(f"{tmp_path}/{supervisor.PREFIX}")
    assert int(status) == supervisor.NOT_STARTED


@pytest.mark.parametrize(
    ("errors", "raised", "is_suppressed"),
    [((OSError,), FileNotFoundError, True), ((KeyError, ValueError), ValueError, True), ((OSError,), KeyError, False)],
)
def test_suppress_is_as_in_contextlib(
    errors: tuple[type[Exception], ...], raised: type[Exception], is_suppressed: bool
) -> None:
    caught = False
    try:
        with supervisor.suppress(*errors):
            raise raised
    except raised:
        caught = True
    assert caught is not is_suppressed
