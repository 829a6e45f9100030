"""The table of expectations of the project ``pytest_shop``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

SHOP = Path(__file__).parent / "projects" / "pytest_shop"


def table() -> ModuleType:
    """The module ``expected`` of the project."""
    spec = importlib.util.spec_from_file_location("pytest_shop_expected", SHOP / "expected.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXPECTED = table()
