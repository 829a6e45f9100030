"""The environment of the process: the terminal, GitHub's runner, the repository, the command that was typed.

Besides the configuration, only this module reads the environment variables; ``read_environment`` reads them once.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from harness import LOADED
from harness.host import programs
from harness.host.config import command_line
from harness.host.config.options import Config
from harness.report.model.text import for_terminal
from harness.report.model.typed_command import TypedCommand
from harness.report.terminal.console import Console, Sink
from harness.report.terminal.style import ConsoleOptions, encodable

INTERPRETER_S = 5.0
"""The longest time, in seconds, that Python is taken to need until it imports the package."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of the process. ``prefix`` is the folder of the tests' files relative to its repository's
    root, ``command`` the command that was typed. ``began`` is its start by ``time.monotonic``; 0 where the process is
    more than the command.
    """

    cwd: Path
    out: TextIO
    is_terminal: bool
    has_colour: bool
    is_github: bool
    step_summary: Path | None
    prefix: str
    command: TypedCommand
    began: float = 0.0

    def relative(self, path: Path) -> str:
        """*path* relative to the current folder if it is below it, else as it is."""
        return str(path.relative_to(self.cwd)) if path.is_relative_to(self.cwd) else str(path)

    def try_print(self, lines: Iterable[str]) -> None:
        """Print *lines* that may be lost: the exit code and the artifacts have the result as well."""
        sink = Sink(self.out)
        sink.write("".join(f"{line}\n" for line in lines))
        sink.flush()

    def print_lines(self, lines: Iterable[str]) -> None:
        """Print *lines* that are a command's only output. Raises ``OSError`` where they cannot be written."""
        text = "".join(f"{for_terminal(line)}\n" for line in lines)
        self.out.write(encodable(text, self.out.encoding))
        self.out.flush()

    def console(self, config: Config, runs: Sequence[str] = ("",)) -> Console:
        """The console for *runs*: a live display on a terminal, lines elsewhere, or the configured one."""
        is_live = config.console == "rich" or (config.console == "auto" and self.is_terminal)
        return Console(self.out, self.console_options(config), runs, is_live=is_live and not config.quiet)

    def console_options(self, config: Config) -> ConsoleOptions:
        return ConsoleOptions(
            width=None if self.is_terminal else 100,
            colour=self.has_colour,
            verbosity=config.verbosity,
            debug_sql=config.debug_sql,
            durations=config.durations,
            timing=config.timing,
            buffer=config.buffer,
            quiet=config.quiet,
            guard=secrets.token_hex(16) if self.is_github else "",
        )


def read_environment(
    config: Config, environ: Mapping[str, str], out: TextIO = sys.stdout, *, is_command: bool = False
) -> Environment:
    """The environment of this process. *is_command*: it runs the command and nothing else."""
    is_terminal = out.isatty() and environ.get("TERM", "dumb") != "dumb" and not environ.get("CI")
    has_colour = (is_terminal and not environ.get("NO_COLOR")) or bool(environ.get("FORCE_COLOR"))
    summary = environ.get("GITHUB_STEP_SUMMARY")
    is_github = environ.get("GITHUB_ACTIONS") == "true"
    return Environment(
        cwd=Path.cwd(),
        out=out,
        is_terminal=is_terminal,
        has_colour=has_colour,
        is_github=is_github,
        step_summary=Path(summary) if is_github and summary else None,
        prefix=_repository_prefix(config.root),
        command=command_line.typed(config.given),
        began=command_start() if is_command else 0.0,
    )


def command_start() -> float:
    """The moment, by ``time.monotonic``, at which this process was started; the system has it in ticks of 10 ms.

    It is that of the package's import where the process was another program before, as with a shell's ``exec``.
    """
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # another system than Linux
        return LOADED
    began = time.monotonic() - max(age_s, 0.0)
    return began if 0.0 <= LOADED - began <= INTERPRETER_S else LOADED


def variables_of_tests(config: Config, own_filters: Sequence[str]) -> dict[str, str]:
    """The variables of the tests: those of the configuration, and the filters of warnings as ``PYTHONWARNINGS``.

    *own_filters* are those of this Python: they count where the configuration has none.
    """
    filters = ",".join(own_filters if config.warnings is None else config.warnings)
    name = "PYTHONWARNINGS"
    if config.warnings is None and name in config.env:
        return dict(config.env)
    return {**config.env, name: filters} if filters else dict(config.env)


def _repository_prefix(folder: Path) -> str:
    """The folder's place below its repository's root, with a slash behind it; empty at the root and without git."""
    return programs.answer(["git", "rev-parse", "--show-prefix"], 10, folder).strip()
