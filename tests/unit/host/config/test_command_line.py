"""The words that parse to given flags again: for every option, in any order."""

import shlex
import string
from collections.abc import Iterable
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import subcommands
from harness.host.config import command_line
from harness.host.config.options import OPTIONS, Option
from harness.report.model.typed_command import TypedCommand

LABELS = st.sampled_from(
    ["shop", "shop.tests", "tests/test_a.py", "3", "auto", "true", "--tag", "-v", "fast", "a b", "x'y"]
)
PLAIN = ("shop", "shop.tests", "fast", "tests/test_a.py::T::test_b[1-x y]")
VALUES = {
    "parallel": st.sampled_from(["auto", "1", "3"]),
    "shuffle": st.sampled_from(["true", "false", "7", "0"]),
    "verbosity": st.sampled_from(["0", "3"]),
}
TEXTS = LABELS | st.text(string.ascii_letters + string.digits + "-=*$. '\"", min_size=1, max_size=6)
CI = [option for option in OPTIONS if option.flags and "ci" in option.commands]


Drawn = tuple[list[str], dict[str, Any]]
"""Words as a user types them, and their meaning: the values by key, labels and options for pytest among them."""


@st.composite
def one_option(draw: st.DrawFn) -> tuple[Option, list[str], object]:
    """An option of the command with its words, and the value that they give."""
    option = draw(st.sampled_from(CI))
    flag = draw(st.sampled_from(option.flags))
    if option.form.is_switch:
        return option, [flag], not option.is_negated
    if option.bare and draw(st.booleans()):
        return option, [flag], option.bare
    value = draw(VALUES.get(option.key, TEXTS))
    forms = [[flag, value]]
    if flag.startswith("--"):
        forms.append([f"{flag}={value}"])
    return option, draw(st.sampled_from(forms)), value


@st.composite
def argument_lists(draw: st.DrawFn) -> Drawn:
    words: list[str] = []
    meant: dict[str, Any] = {}
    labels = draw(st.lists(st.sampled_from(PLAIN), max_size=2))
    words += labels
    for option, typed, value in draw(st.lists(one_option(), max_size=8)):
        words += typed
        if option.form.shape == "list":
            meant[option.key] = (*meant.get(option.key, ()), value)
        else:
            meant[option.key] = value
    pytest_args = draw(st.lists(LABELS, max_size=3))
    words += ["--", *pytest_args]
    meant |= {"labels": tuple(labels)} if labels else {}
    return words, meant | ({"pytest_args": tuple(pytest_args)} if pytest_args else {})


def parsed(words: Iterable[str]) -> dict[str, Any]:
    return subcommands.given_flags(subcommands.ci.make_context("ci", list(words)).params)


@given(argument_lists())
def test_the_typed_words_are_parsed_and_written_again(drawn: Drawn) -> None:
    words, meant = drawn
    values = parsed(words)
    assert values == meant
    typed = command_line.typed(values)
    program, command, *again = shlex.split(typed.with_labels(typed.labels))
    assert (program, command) == ("harness", "ci")
    assert parsed(again) == {key: value for key, value in values.items() if key != "replay"}


@given(argument_lists(), st.sampled_from(["r/a (i=1).txt", "x"]))
def test_the_command_to_replay_differs_by_its_file_alone(drawn: Drawn, file: str) -> None:
    values = parsed(drawn[0])
    again = shlex.split(command_line.typed(values).replaying(file))[2:]
    assert parsed(again) == {**values, "replay": file}


@given(argument_lists())
def test_the_command_of_one_backend_names_that_alone(drawn: Drawn) -> None:
    values = parsed(drawn[0])
    typed = command_line.typed({**values, "db": ["sqlite", "a=postgres:17"]})
    again = parsed(shlex.split(typed.with_labels(["shop.T"]))[2:])
    assert again.pop("db") == ("sqlite", "a=postgres:17")
    assert again.pop("labels") == ("shop.T",)
    assert again == {key: value for key, value in values.items() if key not in ("db", "labels", "replay")}


@pytest.mark.parametrize(
    "word",
    ["shop", "shop.tests.T.test_a", "shop/tests.py", ".", "caf\u00e9", "tests/a.py::test_b[1 2]", "a.py::test_b"],
)
def test_dotted_names_and_paths_are_labels(word: str) -> None:
    assert command_line.is_label(word)


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "2x", "a b", ""])
def test_other_words_are_no_labels(word: str) -> None:
    assert not command_line.is_label(word)


def test_options_for_pytest_stand_behind_two_dashes() -> None:
    typed = TypedCommand(("harness", "ci"), ("shop",), ("-m", "not slow"))
    assert typed.with_labels(["a.py::test_b[1-x]"]) == "harness ci 'a.py::test_b[1-x]' -- -m 'not slow'"


def test_click_knows_every_option_that_takes_a_value() -> None:
    valued = {param.name for param in subcommands.ci.params if isinstance(param, click.Option) and not param.is_flag}
    assert valued == {option.key for option in CI if not option.form.is_switch}
