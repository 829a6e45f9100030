"""The runner's main function, which ``enter`` calls. It owns the end of the process, whatever the cause.

Django is imported only after it was found; from then on ``loading`` does the work.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from ..errors import ExitCode, HarnessError, Interrupted, ProjectError
from ..protocol.events import RunAborted
from ..protocol.messages import Begin
from . import unpatched
from .descriptors import duplicate_high
from .host_channel import HostMessages, Journal, StoppedByHost, open_channels
from .processes import prctl


def main() -> NoReturn:
    """Run once. The exit status is 0 after ``RunFinished``, whatever the outcomes, and the code of ``RunAborted`` after that."""
    prctl.adopt_orphans()
    prctl.hide()
    journal, messages = open_channels()
    # SIGUSR1 from the host asks for the stacks; a Python handler would not run in C code that does not return
    unpatched.faulthandler.register(signal.SIGUSR1, duplicate_high(2), all_threads=True)
    status = ExitCode.INTERNAL

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        # the host stops the run by a message: these signals come from another process, or from the engine as it stops
        name = signal.Signals(signum).name
        messages.interrupt(Interrupted(f"{name} from outside the run ended the runner.", ExitCode.SERVERS))

    try:
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)
        _run(journal, messages)
        status = ExitCode.GREEN
    except BaseException as error:  # noqa: BLE001 - a bug of the harness is reported, never silent
        status = _abort(journal, HarnessError.of(error))
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):  # the project may have closed or replaced it: it may even exit
                stream.flush()
        # do not wait for the project's threads and exit handlers: they could keep the container running
        os._exit(status)


def _run(journal: Journal, messages: HostMessages) -> None:
    spec = messages.expect(Begin).spec
    journal.start_phase("setup")
    if importlib.util.find_spec("django") is None:
        raise ProjectError(
            "Django is not installed where the tests run.",
            hint="Name it in the project's requirements, or say how it gets there: [tool.harness] install.",
        )
    from .loading.installed_django import check_django

    check_django(spec.django)
    from .loading import start

    start.run(spec, journal, messages)


def _abort(journal: Journal, error: HarnessError) -> ExitCode:
    with contextlib.suppress(OSError):  # the host may be gone
        journal.finish_phases()
        is_echo = isinstance(error, StoppedByHost)
        missing: tuple[str, ...] = ()
        with contextlib.suppress(ImportError):  # failures needs tblib, which may be missing
            from .failures import missing_files, project_root

            missing = missing_files(error, project_root())
        journal.write(RunAborted(error.exit_code, error.message, error.hint, error.evidence, is_echo, missing))
    return error.exit_code
