"""The runner's process, once ``enter`` has found the package. Owns the end of the process, whatever led to it.

Imports nothing of Django's before it is known to be there; what is said and done then is ``conversation``'s.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

from ..contract.events import RunAborted
from ..contract.runspec import Begin
from ..errors import ExitCode, HarnessError, Interrupted, ProjectError
from . import process_control, real
from .channel import HostMessages, Journal, open_channels, out_of_reach


def main() -> NoReturn:
    """Run once. The exit status is that of DESIGN's table, which the journal's last event bears out."""
    process_control.adopt_orphans()
    process_control.hide()
    journal, messages = open_channels()
    # the host asks where it hangs; a handler of Python's own would not run in C code that does not return
    real.faulthandler.register(signal.SIGUSR1, out_of_reach(2), all_threads=True)
    status = ExitCode.INTERNAL

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        # the host says what it wants: a signal comes from somebody else, or from the engine as it stops
        name = signal.Signals(signum).name
        messages.interrupt(Interrupted(f"{name} from outside the run ended the runner.", ExitCode.SERVERS))

    try:
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)
        status = _run(journal, messages)
    except HarnessError as error:
        status = _abort(journal, error)
    except BaseException as error:  # noqa: BLE001 - a bug of ours: said, never silent
        text = "".join(traceback.format_exception(error))
        bug = HarnessError(f"A bug in the harness: {type(error).__name__}: {error}", "Please report it.", text)
        status = _abort(journal, bug)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):  # the project may have closed or replaced it: it may even exit
                stream.flush()
        # nothing of the project's that still runs (threads, exit handlers that wait) may hold the container up
        os._exit(status)


def _run(journal: Journal, messages: HostMessages) -> ExitCode:
    spec = messages.expect(Begin).spec
    journal.start_phase("setup")
    if importlib.util.find_spec("django") is None:
        raise ProjectError(
            "Django is not installed where the tests run.",
            hint="Name it in the project's requirements, or say how it gets there: [tool.harness] install.",
        )
    from . import conversation

    return conversation.hold(spec, journal, messages)


def _abort(journal: Journal, error: HarnessError) -> ExitCode:
    with contextlib.suppress(OSError):  # the host may be gone
        journal.finish_phases()
        journal.write(RunAborted(error.exit_code, error.message, error.hint, error.evidence))
    return error.exit_code
