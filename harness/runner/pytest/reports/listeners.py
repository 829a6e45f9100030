"""The plugins that have to hear of each test in the coordinator, as they do under pytest-xdist. Decides, and calls none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

_EACH_TEST = ("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish")
_OTHERS = ("pytest_warning_recorded", "pytest_terminal_summary")
_OURS = __name__.partition(".runner.")[0]
_KNOWN = (
    "_pytest",
    "xdist",
    # show progress on the terminal, which is the harness's
    "pytest_sugar",
    "pytest_pretty",
    "pytest_instafail",
    "pytest_bdd.gherkin_terminal_reporter",
    # need no reports here: the workers do their work, and send its results
    "allure_pytest",
    "inline_snapshot",
    "pytest_cov",
    "pytest_rerunfailures",
    "syrupy",
)
"""Modules, with those in them, whose hooks do nothing in the coordinator that anybody sees."""
_JUNIT = "_pytest.junitxml"
_NO_DATA = ("xdist", "pytest_cov", "pytest_metadata")
"""Those whose data is in the coordinator already, or comes in another way."""
_BY_OPTION = {
    "_pytest.pastebin": "pastebin",
    "_hypothesis_pytestplugin": "hypothesis_show_statistics",
    "pytest_bdd.cucumber_json": "cucumber_json_path",
    "pytest_jsonreport": "json_report",
}
"""Modules that need the reports if their option is set."""


def listeners(config: Any) -> list[str]:
    """The modules of the plugins that need the reports of each test, sorted; empty if there is none."""
    return sorted({module for module in _implementers(config) if _needs_reports(module, config.option)})


def _implementers(config: Any) -> Iterator[str]:
    for name in (*_EACH_TEST, *_OTHERS):
        for implementation in getattr(config.hook, name).get_hookimpls():
            yield str(implementation.function.__module__)


def _needs_reports(module: str, options: Any) -> bool:
    if module == _JUNIT:  # the plugin exists where its option is set
        return True
    for name, option in _BY_OPTION.items():
        if _is_in(module, name):
            return bool(getattr(options, option, None))
    return not any(_is_in(module, name) for name in (_OURS, *_KNOWN))


def data_takers(config: Any) -> Sequence[Any]:
    """The hooks of plugins that take the data of a worker at its end, as under pytest-xdist: ``pytest_testnodedown``."""
    hook = getattr(config.hook, "pytest_testnodedown", None)
    found = hook.get_hookimpls() if hook is not None else ()
    return [each for each in found if not any(_is_in(str(each.function.__module__), name) for name in _NO_DATA)]


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
