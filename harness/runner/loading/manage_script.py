"""Executes the project's ``manage.py`` up to the point where it hands over to Django, as ``manage.py test`` would.

Scripts change ``sys.path`` and ``os.environ``, read ``.env`` files, or install an importer for settings. Owns the stand-in for
Django's entry points, which stops the script there.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from django.core import management
from django.core.management.base import CommandParser, handle_default_options


class _Reached(BaseException):
    """Stops a script at Django's entry point. No ``except Exception`` of the script catches it."""


class _Entry:
    """Stands in for Django's entry points while a script runs. Afterwards it calls them: a module may have kept it."""

    def __init__(self) -> None:
        self._original = management.execute_from_command_line
        self._is_over = False
        self.argv: Sequence[str] | None = None
        """The arguments with which the script called Django; ``None`` if it did not."""

    def __call__(self, argv: Sequence[str] | None = None) -> Any:
        if self._is_over:
            return self._original(argv)  # type: ignore[arg-type]  # Django's default is None as well
        self.argv = list(argv or sys.argv)
        raise _Reached

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Both entry points stop the script in this block."""
        utility: Any = management.ManagementUtility
        execute = utility.execute
        utility.execute = lambda instance: self(instance.argv)
        management.execute_from_command_line = self
        try:
            yield
        finally:
            self._is_over = True
            management.execute_from_command_line = self._original
            utility.execute = execute


def execute(script: str) -> bool:
    """Execute *script*, a path from the working directory, with ``sys.argv`` as it is; returns whether it called Django.

    Applies the ``--settings`` and ``--pythonpath`` with which the script calls Django. Raises as the script does.
    """
    entry = _Entry()
    try:
        with entry.installed():
            runpy.run_path(script, run_name="__main__")
    except BaseException:
        if entry.argv is None:
            raise
    if entry.argv is None:
        return False
    parser = CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    handle_default_options(parser.parse_known_args(entry.argv[1:])[0])
    return True
