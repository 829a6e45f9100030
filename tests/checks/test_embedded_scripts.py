"""The scripts that end-to-end tests start as texts: the modules and names of ours that they import exist."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

E2E = Path(__file__).parents[1] / "e2e"
IMPORT = re.compile(r"^\s*from (harness[\w.]*) import (\w+(?:, \w+)*)$", re.MULTILINE)


def is_there(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name) or bool(importlib.util.find_spec(f"{module}.{name}"))
    except ModuleNotFoundError:
        return False


def test_imported_names_exist() -> None:
    """No type checker reads the text of a script."""
    found = [(path.name, *match.groups()) for path in E2E.glob("*.py") for match in IMPORT.finditer(path.read_text())]
    assert len(found) > 50
    assert [line for line in found if not all(is_there(line[1], name) for name in line[2].split(", "))] == []
