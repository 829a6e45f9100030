"""The variables that the tests get."""

import dataclasses
from pathlib import Path

import pytest

from harness import LOADED
from harness.host.config.load import load
from harness.host.run import environment
from harness.host.run.environment import variables_of_tests


@pytest.mark.parametrize(
    ("filters", "env", "own", "expected"),
    [
        (None, {}, [], {}),
        (None, {}, ["default", "error::UserWarning"], {"PYTHONWARNINGS": "default,error::UserWarning"}),
        (None, {"PYTHONWARNINGS": "ignore"}, ["default"], {"PYTHONWARNINGS": "ignore"}),
        (("all",), {"PYTHONWARNINGS": "ignore", "A": "1"}, ["error"], {"PYTHONWARNINGS": "all", "A": "1"}),
        ((), {"A": "1"}, ["error"], {"A": "1"}),
    ],
)
def test_the_nearest_filters_of_warnings_count(
    tmp_path: Path, filters: tuple[str, ...] | None, env: dict[str, str], own: list[str], expected: dict[str, str]
) -> None:
    config = dataclasses.replace(load({}, {}, tmp_path, need_settings=False), warnings=filters, env=env)
    assert variables_of_tests(config, own) == expected


class TestCommandStart:
    def test_it_precedes_the_package(self) -> None:
        assert environment.command_start() <= LOADED

    def test_a_process_that_was_another_program_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "INTERPRETER_S", -1.0)
        assert environment.command_start() == LOADED

    def test_a_system_that_does_not_say_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr("time.CLOCK_BOOTTIME")
        assert environment.command_start() == LOADED
