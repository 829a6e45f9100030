"""The decisions of ``ci/fresh``; ``ci/check_bare_machine.py`` runs it."""

from __future__ import annotations

import re

import pytest

from ci import bare_machine
from tests.markdown import ROOT


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        ([], ("./ci/demo", "./ci/test")),
        (["demo"], ("./ci/demo",)),
        (["./ci/test", "-k", "a b"], ("./ci/test -k 'a b'",)),
    ],
)
def test_the_commands(arguments: list[str], commands: tuple[str, ...]) -> None:
    assert bare_machine.chosen_commands(arguments) == commands


def test_without_arguments_they_are_those_of_the_readme() -> None:
    shown = re.findall(r"^\$ (\./ci/\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert bare_machine.chosen_commands([]) == tuple(shown)


@pytest.mark.parametrize(
    ("bounds", "lacked"),
    [("000001ffffffffff", []), ("000001fffeffffff", ["SYS_RESOURCE"]), ("000001fffffffffe", ["CHOWN"])],
)
def test_what_this_machine_lacks_its_engine_cannot_give(bounds: str, lacked: list[str]) -> None:
    status = f"Name:\tx\nCapEff:\t0000000000000000\nCapBnd:\t{bounds}\nCapAmb:\t0000000000000000\n"
    assert bare_machine.lacked_capabilities(status) == lacked


def test_without_an_engine_the_user_is_an_ordinary_one() -> None:
    assert (bare_machine.Machine().user, bare_machine.Machine().home) == ("root", "/root")
    ordinary = bare_machine.Machine(has_engine=False)
    assert (ordinary.user, ordinary.home) == ("somebody", "/home/somebody")


def test_a_further_package_is_another_image() -> None:
    assert bare_machine.machine_spec(False).key != bare_machine.machine_spec(False, ["mariadb-server"]).key


def test_apt_on_it_takes_a_mirror_as_this_machine_does() -> None:
    checked, expired = (bare_machine.machine_spec(takes_expired) for takes_expired in (False, True))
    assert checked.key != expired.key
    assert dict(expired.recipe.files)["machine.conf"] == b'Acquire::Check-Valid-Until "false";\n'
