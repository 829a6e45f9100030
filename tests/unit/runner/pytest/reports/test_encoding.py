"""Reports cross from a worker as JSON, whatever plugins have added to them."""

import warnings
from typing import Any

import pytest

from harness.runner.pytest.reports import encoding


class Unprintable:
    def __repr__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize("value", [{"a": [1, None, "b"]}, b"\x00\xff", [{"deep": b"x"}]])
def test_plain_values_and_bytes_come_back(value: Any) -> None:
    assert encoding.decode(encoding.encode(value)) == value


def test_other_values_come_back_as_texts() -> None:
    assert encoding.decode(encoding.encode({"a": {1}, (1, 2): "left out"})) == {"a": "{1}"}
    assert "whose repr raised SystemExit" in encoding.decode(encoding.encode(Unprintable()))


def test_a_warning_comes_back_with_its_category() -> None:
    shown = warnings.WarningMessage(UserWarning("careful"), UserWarning, "a.py", 3)
    data = encoding.plain_warning(shown, "runtest", "test_a.py::test_b", None)
    again = encoding.warning_of(data)
    assert (str(again.message), again.category, again.filename, again.lineno) == ("careful", UserWarning, "a.py", 3)


@pytest.mark.parametrize(("module", "name"), [("os", "system"), ("builtins", "ValueError"), ("missing", "Gone")])
def test_a_forged_category_is_a_plain_warning(module: str, name: str) -> None:
    data = {"message": "m", "module": module, "category": name, "filename": "a.py", "lineno": 1}
    assert encoding.warning_of(data).category is Warning
