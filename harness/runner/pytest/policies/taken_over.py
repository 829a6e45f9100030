"""The plugin by which the harness takes over options of pytest and its plugins: limits, retries, order, and early ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ....protocol.messages import RunSpec
from ...schedule.slots import Limits
from ...schedule.units import Plan
from . import item_order, rerun_marks, timeout_marks
from .own_order import orders_watched
from .rerun_marks import Options, Reruns, Rule
from .timeout_marks import NO_TIMEOUT

_NAMES = {
    "pytest-timeout": ("timeout", "pytest_timeout"),
    "pytest-rerunfailures": ("rerunfailures", "pytest_rerunfailures"),
    "flaky": ("flaky", "flaky.flaky_pytest_plugin"),
}
"""The names under which pytest knows the plugins: that of the installed one, and of its module with ``-p``."""
_CACHED = {"lf": "--lf", "failedfirst": "--ff", "newfirst": "--nf", "stepwise": "--sw", "stepwise_skip": "--sw-skip"}

_LEFT_OUT = (
    ("fail_on_flaky", "--fail-on-flaky", ": harness ci --fail-on-flaky has its meaning"),
    ("max_suite_reruns", "--max-suite-reruns", ": retries end if more than ten tests, and a tenth of all, have failed"),
    ("rerun_exclude_path", "--rerun-exclude-path", ", and so its files have retries too"),
)
"""Options of pytest-rerunfailures without effect: the name, the flag, and the reason or the consequence."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits and the retries of the tests of a run."""

    limits: Limits
    reruns: Reruns


class TakenOver:
    """The options of a run. ``notices`` say what is taken over, ``seed`` is that of the order, and ``maxfail`` ends the run.

    ``is_ordered``: a plugin or a ``conftest.py`` has changed the order of the items.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.notices: list[tuple[str, str]] = []
        self.maxfail = 0
        self.seed: int | None = None
        self.deselected = 0
        self.is_ordered = False
        self._spec = spec
        self._is_reversed = "--reverse" in spec.django_args
        self._is_shuffled = False
        self._timeout = NO_TIMEOUT
        self._session_s: float | None = None
        self._options = Options(Rule(spec.retries))
        self._active: set[str] = set()

    # hooks

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Take the options over before any plugin acts on them."""
        option: Any = config.option
        stepwise = bool(getattr(option, "stepwise", False) or getattr(option, "stepwise_skip", False))
        self.maxfail, option.maxfail = option.maxfail or int(stepwise), 0  # the harness stops the run itself
        self._active = {name for name, names in _NAMES.items() if _unregister(config, names)}
        if "pytest-timeout" in self._active:
            self._timeout, self._session_s = timeout_marks.of_config(config)
        self._options = rerun_marks.of_config(config, self._spec.retries, self._active)
        self.notices += [
            ("reruns", f"{flag} is left out{reason}.")
            for name, flag, reason in _LEFT_OUT
            if "pytest-rerunfailures" in self._active and getattr(option, name, None)
        ]
        if asked := [flag for name, flag in _CACHED.items() if getattr(option, name, False)]:
            text = f"{' '.join(asked)} finds no results of an earlier run: the harness keeps none in pytest's cache."
            again = "The end of the output has the command that runs the failed tests again."
            self.notices.append(("cache", f"{text} {again}"))
        self._choose_seed(config)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        if config.pluginmanager.hasplugin("randomly"):
            seed = getattr(config.option, "randomly_seed", None)
            self.seed = seed if isinstance(seed, int) and not self._spec.replay else self.seed

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
        """Order the items before pytest and its plugins do, which keep together what uses a fixture, or the same databases."""
        if self._is_shuffled and self.seed is not None:
            items[:] = item_order.shuffled(items, self.seed)
        if self._is_reversed:
            items.reverse()
        with orders_watched(config.hook, self._note_order):
            return (yield)

    def _note_order(self) -> None:
        self.is_ordered = True

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected += len(items)

    def rules(self, plan: Plan) -> Rules:
        """The rules of the tests of *plan*, which end the notices. Raises ``ProjectError`` for a mark that cannot be read."""
        tests, items = plan.tests, plan.instances
        limits = timeout_marks.limits(tests, items, self._spec, self._timeout, self._session_s)
        reruns = rerun_marks.reruns(tests, items, self._options)
        has_limits = self._timeout.seconds is not None or any(item.get_closest_marker("timeout") for item in items)
        if "pytest-timeout" in self._active and has_limits:
            self._notice("timeout", "pytest-timeout", "the harness itself ends each test at its limit")
        has_retries = bool(reruns.own) or reruns.general.count > self._spec.retries
        for name in sorted(self._active - {"pytest-timeout"}) if has_retries else ():
            self._notice("reruns", name, "the harness itself tries failed tests again, each in a new worker")
        if "flaky" in self._active and any(rerun_marks.min_passes(item) > 1 for item in items):
            self.notices.append(("reruns", "min_passes of flaky counts as 1: a test that passes once has passed."))
        if self.deselected:
            text = f"{self.deselected} of {self.deselected + len(items)} tests are deselected, and do not count."
            self.notices.append(("deselected", text))
        return Rules(limits, reruns)

    def _notice(self, code: str, plugin: str, reason: str) -> None:
        self.notices.append((code, f"{plugin} is switched off: {reason}."))

    def _choose_seed(self, config: pytest.Config) -> None:
        seed = asked_seed(self._spec.django_args)
        if seed is None or self._spec.replay:
            return
        option: Any = config.option
        self.seed = item_order.new_seed() if seed is True else int(seed)
        self._is_shuffled = True
        if config.pluginmanager.hasplugin("randomly") and getattr(option, "randomly_reorganize", False):
            self._is_shuffled = False  # it shuffles itself, with this seed
            option.randomly_seed = self.seed


def _unregister(config: pytest.Config, names: Sequence[str]) -> bool:
    """Take the plugin off that has one of *names*. Returns whether there was one."""
    manager = config.pluginmanager
    found = [plugin for name in names if (plugin := manager.getplugin(name)) is not None]
    for plugin in found:
        if manager.is_registered(plugin):
            manager.unregister(plugin)
    return bool(found)


def asked_seed(django_args: Sequence[str]) -> int | bool | None:
    """The seed of ``--shuffle``, true for one that the run chooses; ``None`` without the option."""
    for arg in django_args:
        name, _, value = arg.partition("=")
        if name == "--shuffle":
            return int(value) if value else True
    return None
