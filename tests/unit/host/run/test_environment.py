"""The variables that the tests get."""

import dataclasses
from pathlib import Path

import pytest

from harness.host.config.load import load
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
