"""pytest-django runs tests that roll back before those that commit. All pass."""

import pytest

from shop.models import Product
from tests.database.conftest import COMMITTED

RAN = []


def test_committing_one_is_defined_first(transactional_db):
    assert "none" not in RAN
    RAN.append("committing")


@pytest.mark.django_db(transaction=True)
def test_committing_one_by_its_mark():
    RAN.append("committing")


def test_rolling_back_comes_first(db):
    assert "committing" not in RAN
    RAN.append("rolling back")


def test_rolling_back_comes_before_all_that_commit(db):
    """In each process: a test that commits flushes the rows that others rely on."""
    assert not COMMITTED
    assert Product.objects.filter(name="tea").count() == 1


def test_without_a_database_comes_last():
    RAN.append("none")
