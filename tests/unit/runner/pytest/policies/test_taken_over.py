"""The options that the harness takes over from pytest and its plugins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.protocol.messages import RunSpec
from harness.runner.pytest.policies.taken_over import TakenOver


class Manager:
    """pytest's manager of plugins, with the plugins of these names."""

    def __init__(self, *names: str) -> None:
        self.plugins = {name: object() for name in names}

    def getplugin(self, name: str) -> object:
        return self.plugins.get(name)

    def hasplugin(self, name: str) -> bool:
        return name in self.plugins

    def is_registered(self, plugin: object) -> bool:
        return plugin in self.plugins.values()

    def unregister(self, plugin: object) -> None:
        self.plugins = {name: each for name, each in self.plugins.items() if each is not plugin}


def config(*plugins: str, **option: Any) -> Any:
    known = {"maxfail": 0, **option}
    return SimpleNamespace(option=SimpleNamespace(**known), pluginmanager=Manager(*plugins), getini={}.get)


def taken_over(made: Any, **spec: Any) -> TakenOver:
    found = TakenOver(RunSpec(**spec))
    found.pytest_cmdline_main(made)
    found.pytest_configure(made)
    return found


def test_plugins_that_do_the_same_are_taken_off() -> None:
    made = config("timeout", "rerunfailures", "flaky.flaky_pytest_plugin", "randomly", "xdist")
    taken_over(made)
    assert list(made.pluginmanager.plugins) == ["randomly", "xdist"]


@pytest.mark.parametrize(
    ("option", "maxfail"),
    [({"maxfail": 3}, 3), ({"stepwise": True}, 1), ({"stepwise": True, "maxfail": 2}, 2), ({}, 0)],
)
def test_the_harness_ends_the_run_at_its_failures(option: dict[str, Any], maxfail: int) -> None:
    made = config(**option)
    assert taken_over(made).maxfail == maxfail
    assert made.option.maxfail == 0


@pytest.mark.parametrize(("args", "seed"), [((), 7), (("--shuffle=12",), 12)])
def test_the_seed_of_randomly_is_that_of_the_run(args: tuple[str, ...], seed: int) -> None:
    made = config("randomly", randomly_seed=7, randomly_reorganize=True)
    assert taken_over(made, django_args=args).seed == made.option.randomly_seed == seed
    assert taken_over(made, django_args=args, replay=("a",)).seed is None


def test_options_without_effect_are_named() -> None:
    made = config("rerunfailures", fail_on_flaky=True, max_suite_reruns=3, lf=True, stepwise=True)
    texts = [text for _, text in taken_over(made).notices]
    assert texts[0] == "--fail-on-flaky is left out: harness ci --fail-on-flaky has its meaning."
    assert texts[1].startswith("--max-suite-reruns is left out")
    assert texts[2].startswith("--lf --sw finds no results of an earlier run")
    assert taken_over(config(fail_on_flaky=True)).notices == []
