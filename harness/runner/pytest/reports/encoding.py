"""Reports and warnings of pytest as JSON. What a worker sends may be forged, so decoding runs no code that the JSON names."""

from __future__ import annotations

import base64
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import pytest

from ... import unpatched

_BYTES = "__bytes__"
_WITHOUT_EXTRAS = frozenset(
    {"nodeid", "location", "outcome", "longrepr", "when", "sections", "duration", "start", "stop", "$report_type"}
)


def encode(value: Any) -> str:
    """*value* as JSON: bytes in base64, and anything else that JSON does not have by its ``repr``."""
    return unpatched.json.dumps(value, default=_plain, skipkeys=True)


def decode(text: str) -> Any:
    return unpatched.json.loads(text, object_hook=_decoded)


def plain_report(config: pytest.Config, report: Any) -> dict[str, Any]:
    """*report* as pytest-xdist sends it; without what plugins have added if that cannot be encoded."""
    data = config.hook.pytest_report_to_serializable(config=config, report=report) or {}
    try:
        encode(data)
    except (TypeError, ValueError, RecursionError):
        data = {name: value for name, value in data.items() if name in _WITHOUT_EXTRAS}
        data |= {"keywords": {}, "user_properties": []}
    return dict(data)


def plain_warning(shown: warnings.WarningMessage, when: str, nodeid: str, location: Any) -> dict[str, Any]:
    category = shown.category
    return {
        "message": str(shown.message),
        "module": category.__module__,
        "category": category.__qualname__,
        "filename": shown.filename,
        "lineno": shown.lineno,
        "when": when,
        "nodeid": nodeid,
        "location": location,
    }


def warning_of(data: dict[str, Any]) -> warnings.WarningMessage:
    """The warning of *data*. Its category is ``Warning`` unless this process has imported it too."""
    category: Any = getattr(sys.modules.get(str(data["module"])), str(data["category"]), None)
    if not (isinstance(category, type) and issubclass(category, Warning)):
        category = Warning
    return warnings.WarningMessage(Warning(data["message"]), category, str(data["filename"]), int(data["lineno"]))


def reports_of(config: pytest.Config, data: Sequence[Any], nodeid: str) -> list[Any]:
    """The reports in *data* that are of the test *nodeid*."""
    made = [config.hook.pytest_report_from_serializable(config=config, data=_with_tuples(each)) for each in data]
    return [report for report in made if isinstance(report, pytest.TestReport) and report.nodeid == nodeid]


def _with_tuples(data: dict[str, Any]) -> dict[str, Any]:
    """*data* of a report with the tuples that readers of reports rely on, and that JSON has as lists."""
    found = dict(data)
    for name in ("location", "longrepr"):
        if isinstance(found.get(name), list):
            found[name] = tuple(found[name])
    for name in ("sections", "user_properties"):
        found[name] = [tuple(pair) for pair in found.get(name, ())]
    return found


def _plain(value: object) -> Any:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    try:
        return repr(value)
    except BaseException as error:  # noqa: BLE001 - a __repr__ of the project's may do anything
        return f"<{type(value).__qualname__}, whose repr raised {type(error).__qualname__}>"


def _decoded(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[_BYTES]) if value.keys() == {_BYTES} else value
