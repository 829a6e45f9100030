"""Uses none of the modules' fixtures, and sees that those of the other modules have gone."""

from tests.scopes.counts import DOWNS, UPS, still_up


def test_the_session_is_there_at_most_once():
    assert UPS["session", ""] <= 1
    assert DOWNS["session", ""] == 0


def test_what_was_set_up_for_others_is_torn_down():
    assert not still_up("module")
    assert not still_up("class")
    assert not still_up("function")
