"""Starts the runner from the path of this file, under a package name of its own.

A project may have a package called ``harness``; therefore modules here, and in ``protocol``, import each other relatively.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

NAME = "_django_ci_harness"
KEEP = "--keep"
"""The argument that adds a parent process, which ends the processes that the runner leaves behind."""


def enter() -> None:
    """Import the package as ``NAME`` and run the runner, in a child process if ``KEEP`` is given. Never returns."""
    package = Path(__file__).parents[1]
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd())  # as ``python -m`` and ``manage.py`` have it, instead of this file's folder
    # tests can import harness.testing; it is last, so that a package "harness" of the project comes first
    sys.path.append(str(package.parent))
    spec = importlib.util.spec_from_file_location(
        NAME, package / "__init__.py", submodule_search_locations=[os.fspath(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if sys.argv[1:] == [KEEP]:
        importlib.import_module(f"{NAME}.runner.processes.supervisor").keep()
    importlib.import_module(f"{NAME}.runner.__main__").main()


if __name__ == "__main__":
    enter()
