"""The list of warnings by their place."""

from harness.protocol.events import WarningsCounted
from harness.protocol.results import ShownWarning, WarningCount
from harness.report.formats import warnings
from harness.report.model import ledger
from tests.golden.journals import Journal

OLD = ShownWarning("DeprecationWarning", "old", "shop/a.py", 3, 1)


def test_each_place_appears_once_with_its_number() -> None:
    event = WarningsCounted((WarningCount("DeprecationWarning", 1),), (OLD,))
    report = ledger.fold(Journal().runner(event, event).envelopes)
    assert warnings.text(report.shown_warnings) == "shop/a.py:3: DeprecationWarning, 2 times\n  old\n"


def test_they_stand_in_the_order_of_their_files() -> None:
    other = ShownWarning("UserWarning", "two\nlines", "a.py", 20, 1)
    assert warnings.text([OLD, other]) == (
        "a.py:20: UserWarning\n  two\n  lines\n\nshop/a.py:3: DeprecationWarning\n  old\n"
    )


def test_the_number_of_places_is_limited() -> None:
    places = tuple(ShownWarning("UserWarning", "no", "a.py", line, 1) for line in range(ledger.WARNINGS + 5))
    report = ledger.fold(Journal().runner(WarningsCounted((), places)).envelopes)
    assert len(report.shown_warnings) == ledger.WARNINGS
