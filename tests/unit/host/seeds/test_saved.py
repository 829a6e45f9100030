"""The data of a server that is saved: what its script says, and what the tests have changed."""

from collections.abc import Iterator, Sequence

import pytest

from harness.errors import ServerError
from harness.host.seeds.saved import Data, difference, failed


class Script:
    """Gives each of the *outputs* in turn, with *told* as error output."""

    def __init__(self, *outputs: str, told: str = "") -> None:
        self.outputs, self.told = list(outputs), told
        self.calls: list[Sequence[str]] = []

    def __call__(self, words: Sequence[str], errors: bytearray) -> Iterator[bytes]:
        self.calls.append(words)
        yield self.outputs.pop(0).encode()
        errors += self.told.encode()


class TestData:
    def test_the_state_waits_for_sessions_on_a_template(self) -> None:
        script = Script("2\nbusy\nrole app", "3\nrole app")
        assert Data(script, ("test_shop",), 2).state("1.5\nrole app") == "3\nrole app"
        assert script.calls == [["state", "1.5", "test_shop"]] * 2

    def test_a_template_may_have_no_clones(self) -> None:
        script = Script("tar", told="NOTICE: no clone\n0\n")
        data = Data(script, ("test_shop", "test_log"), 2)
        assert list(data.read()) == [b"tar"]
        assert script.calls == [["seed", "2", "test_shop", "test_log"]]
        assert data.slots == 0

    def test_without_the_last_line_it_has_failed(self) -> None:
        with pytest.raises(ServerError) as raised:
            list(Data(Script("tar", told="out of space"), (), 2).read())
        assert raised.value.evidence == failed(b"out of space").evidence == "out of space"


class TestDifference:
    def test_of_a_role_that_a_test_has_made(self) -> None:
        before = "100.5\ndatabase test_shop app\nrole app x"
        assert difference(before, "200.1\ndatabase test_shop app\nrole app x") == ""
        assert difference(before, before + "\nrole reader y") == "role reader y"
        assert difference(before, "1\nrole app x") == "database test_shop app"
        assert difference(before, before + "\nrole app x") == "another order"

    def test_of_what_is_newer_than_the_clones_already(self) -> None:
        state = "100.5\nchanged role reader\nrole app x"
        assert difference(state, state) == "changed role reader"
