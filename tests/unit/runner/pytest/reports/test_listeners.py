"""The plugins for which a run pays the price of sending every report."""

from types import SimpleNamespace

import pytest

from harness.runner.pytest.reports.listeners import data_takers, listeners


def config(*modules: str, hook: str = "pytest_runtest_logreport", **options: object) -> SimpleNamespace:
    """A configuration in which each of *modules* has an implementation of *hook*."""
    hooks = {}
    for name in (
        *("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish"),
        *("pytest_warning_recorded", "pytest_terminal_summary", "pytest_testnodedown"),
    ):
        found = [SimpleNamespace(function=SimpleNamespace(__module__=module)) for module in modules if name == hook]
        hooks[name] = SimpleNamespace(get_hookimpls=lambda found=found: found)
    return SimpleNamespace(hook=SimpleNamespace(**hooks), option=SimpleNamespace(**options))


def test_pytest_itself_needs_none() -> None:
    own = ("_pytest.terminal", "_pytest.main", "_pytest.cacheprovider", "_pytest.stepwise", "xdist.dsession")
    assert listeners(config(*own, "syrupy", "pytest_cov.plugin", "pytest_sugar")) == []


@pytest.mark.parametrize("module", ["_pytest.junitxml", "conftest", "pytest_html.basereport", "pytest_covers"])
@pytest.mark.parametrize(
    "hook",
    ["pytest_runtest_logreport", "pytest_runtest_logfinish", "pytest_warning_recorded", "pytest_terminal_summary"],
)
def test_a_plugin_of_the_project_needs_them(module: str, hook: str) -> None:
    assert listeners(config("_pytest.terminal", module, hook=hook)) == [module]


def test_pytest_as_it_is_installed_needs_none(pytestconfig: pytest.Config) -> None:
    own = [each for each in listeners(pytestconfig) if each.startswith("_pytest.")]
    assert own == (["_pytest.junitxml"] if pytestconfig.option.xmlpath else [])


@pytest.mark.parametrize(("is_asked", "expected"), [(False, []), (True, ["_hypothesis_pytestplugin"])])
def test_statistics_of_hypothesis_are_an_option(is_asked: bool, expected: list[str]) -> None:
    asked = config("_hypothesis_pytestplugin", hook="pytest_terminal_summary", hypothesis_show_statistics=is_asked)
    assert listeners(asked) == expected


def test_data_of_workers_goes_to_plugins_that_need_it() -> None:
    found = data_takers(config("xdist.dsession", "pytest_cov.plugin", "syrupy", "conftest", hook="pytest_testnodedown"))
    assert [each.function.__module__ for each in found] == ["syrupy", "conftest"]
