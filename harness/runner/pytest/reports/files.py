"""The files that plugins of pytest write for their users, as the options name them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ... import unpatched
from ...failures import project_root

_OPTIONS = ("xmlpath", "htmlpath", "allure_report_dir", "cucumber_json_path", "report_log")
"""Options whose value is a path: of JUnit, pytest-html, allure, pytest-bdd, pytest-reportlog."""
_COVERAGE = {"html": "html_dir", "xml": "xml_output", "json": "json_output", "lcov": "lcov_output"}
"""The kinds of reports of coverage, each with the setting that has its path where the option names none."""


def written_files(config: Any) -> tuple[str, ...]:
    """The files and folders that exist, as paths from the project's root where they are in it, else absolute."""
    root = Path(project_root())
    found: dict[str, None] = {}
    for path in _named(config):
        place = Path(unpatched.os.path.normpath(Path(config.invocation_params.dir, path)))
        if place.exists() and place != root:
            found[place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)] = None
    return tuple(found)


def _named(config: Any) -> Iterator[str]:
    options = config.option
    yield from (str(value) for name in _OPTIONS if (value := getattr(options, name, None)))
    if getattr(options, "json_report", False):
        yield str(getattr(options, "json_report_file", ""))
    plugin = config.pluginmanager.getplugin("_cov")
    coverage = getattr(getattr(plugin, "cov_controller", None), "cov", None)
    if coverage is None:
        return
    yield str(coverage.config.data_file)
    reports = getattr(options, "cov_report", None) or {}
    for kind, path in reports.items() if isinstance(reports, dict) else ():
        default = getattr(coverage.config, _COVERAGE.get(kind, ""), None)
        if (path or default) and not kind.startswith("term"):
            yield str(path or default)
