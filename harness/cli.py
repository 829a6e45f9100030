"""The process of the command line: runs the command in argv, prints an error, and maps it to its exit code.

``subcommands`` beside this module declares the commands.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import shell_complete

import harness as package
from harness.errors import ExitCode, HarnessError
from harness.host.interrupts import ignore_for_good
from harness.subcommands import harness

COMPLETION_VARIABLE = "_HARNESS_COMPLETE"
"""The variable by which a shell asks for completions; click's own ``main`` reads it too."""

_UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The errno values of an output that cannot be written. An ``OSError`` with a file's name is about that file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in *argv* (without the program's name; by default the process's) and return its exit code."""
    if argv is None:
        _open_closed_streams()
        gc.set_threshold(100_000, 50, 100)  # imports make objects that stay, and each collection would visit them again
    try:
        code = _invoke(list(sys.argv[1:] if argv is None else argv), is_command=argv is None)
        sys.stdout.flush()
        if argv is None:
            ignore_for_good()  # the run is done and reported; the interpreter takes a moment to end
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except HarnessError as error:
        _print_error(format_error(error))
        return error.exit_code
    except KeyboardInterrupt:
        _print_error("harness: interrupted")
        return ExitCode.SIGINT
    except Exception as error:  # noqa: BLE001 - an unexpected exception is a bug of ours, and must not look like a red test
        if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE:
            _drop_output()
            _print_error(f"harness: standard output cannot be written: {error.strerror}")
            return ExitCode.USAGE
        _print_error(format_bug(error))
        return ExitCode.INTERNAL
    return code


def _open_closed_streams() -> None:
    """Open ``/dev/null`` for each standard stream that the caller closed (``>&-``).

    Otherwise the next opened file would get the stream's number, all printed text, and the output of child processes.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115 - open until the process ends; it is no path


def _drop_output() -> None:
    """Point standard output at ``/dev/null``: flushing its buffer at the interpreter's end would raise once more."""
    with Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), sys.stdout.fileno())


def _invoke(args: list[str], *, is_command: bool) -> int:
    # not click's own main(): it exits with 1 when its output is closed, which is our code for red tests
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        return shell_complete(harness, {}, "harness", COMPLETION_VARIABLE, instruction)
    try:
        with harness.make_context("harness", args, obj=is_command) as context:
            return int(harness.invoke(context))
    except click.exceptions.Exit as end:
        return end.exit_code


def format_error(error: HarnessError) -> str:
    """The error's message, its evidence and the next step, each on lines of its own."""
    parts = [f"harness: {error.message}"]
    if error.evidence.strip():
        parts.append("\n".join(f"  | {line}" for line in error.evidence.strip("\n").splitlines()))
    if error.hint:
        parts.append(f"Next: {error.hint}")
    return "\n".join(parts)


def _print_error(text: str) -> None:
    # evidence is the project's text: strip terminal control sequences and GitHub workflow commands
    import secrets

    from harness.report.formats.github import guarded
    from harness.report.model.text import for_terminal

    text = for_terminal(text)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        text = guarded(text, secrets.token_hex(16))
    with contextlib.suppress(OSError):  # the exit code reports the error anyway
        print(text.rstrip("\n"), file=sys.stderr, flush=True)


def format_bug(error: BaseException) -> str:
    """The message for an unexpected exception: a bug of the harness, with its traceback."""
    import traceback

    trace = "".join(traceback.format_exception(error)).rstrip()
    return (
        f"harness: a bug in the harness ({package.__version__}): {type(error).__name__}: {error}\n"
        f"{trace}\n"
        "Next: report this with the lines above; it says nothing about the tests."
    )
