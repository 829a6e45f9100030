"""Every error that the harness raises, and every exit code. Imports nothing of the package, so that each package may use it.

    HarnessError            a bug in the harness            70
    ├── UsageError          the command line, configuration  2
    ├── ServerError         servers, images, Docker          3
    ├── ProjectError        the project under test           4
    └── Interrupted         a signal ended the run     130/143

A failing test is data (``protocol.results.Outcome``), never an exception.
"""

from __future__ import annotations

import enum
import traceback


class ExitCode(enum.IntEnum):
    """Exit codes of ``harness``, the most severe first: of several codes, the first of these is the command's."""

    SIGTERM = 143
    SIGINT = 130
    INTERNAL = 70
    USAGE = 2
    SERVERS = 3
    PROJECT = 4
    TESTS_FAILED = 1
    NO_TESTS = 5
    GREEN = 0


SEVERITY: tuple[ExitCode, ...] = tuple(ExitCode)


def worst(*codes: ExitCode) -> ExitCode:
    """The most severe of *codes*; ``GREEN`` when there are none."""
    return min(codes, key=SEVERITY.index, default=ExitCode.GREEN)


class HarnessError(Exception):
    """An error that ends the run.

    ``message`` says what failed, ``hint`` the next step; ``evidence`` is the last thing seen, such as a statement or the end
    of a log, possibly many lines. The class has the exit code.
    """

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str = "", evidence: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.evidence = evidence

    @staticmethod
    def of(error: BaseException) -> HarnessError:
        """*error* itself, or a bug of the harness where it is no ``HarnessError``."""
        if isinstance(error, HarnessError):
            return error
        text = "".join(traceback.format_exception(error))
        return HarnessError(f"A bug in the harness: {type(error).__name__}: {error}", "Please report it.", text)

    @staticmethod
    def from_exit_code(code: ExitCode, message: str, hint: str = "", evidence: str = "") -> HarnessError:
        """The error that ends a run with *code*, from its parts in a message between host and runner."""
        if code in (ExitCode.SIGINT, ExitCode.SIGTERM):
            return Interrupted(message, code)
        classes = {cls.exit_code: cls for cls in (UsageError, ServerError, ProjectError)}
        return classes.get(code, HarnessError)(message, hint, evidence)


class UsageError(HarnessError):
    """The command line or the configuration is wrong."""

    exit_code = ExitCode.USAGE


class ServerError(HarnessError):
    """Docker, an image or a database server failed."""

    exit_code = ExitCode.SERVERS


class ProjectError(HarnessError):
    """The project cannot be tested: its settings, its topology or its migrations are wrong."""

    exit_code = ExitCode.PROJECT


class Interrupted(HarnessError):
    """A signal ended the run. ``exit_code`` is 128 plus the signal's number."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = exit_code
