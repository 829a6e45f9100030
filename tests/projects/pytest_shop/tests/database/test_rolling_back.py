"""``db`` and its mark: a transaction around each test."""

import pytest
from django.db import connection, connections, transaction

from reviews.models import Review
from shop.fixture_state import SETTINGS_CHANGED
from shop.models import Category, Product


def test_fixture(db):
    assert connection.in_atomic_block
    Product.objects.create(name="only here", price=1)
    assert Product.objects.filter(name="only here").count() == 1


def test_fixture_was_rolled_back(db):
    assert not Product.objects.filter(name="only here").exists()


@pytest.mark.django_db
def test_mark():
    assert connection.in_atomic_block
    Product.objects.create(name="only here", price=1)
    assert Product.objects.filter(name="only here").count() == 1


@pytest.mark.django_db
class TestMarkOfTheClass:
    def test_first(self):
        assert not Product.objects.filter(name="only here").exists()

    @pytest.mark.parametrize("number", range(3))
    def test_second(self, number):
        Product.objects.create(name="of a parameter", price=number)
        assert Product.objects.filter(name="of a parameter").count() == 1


def test_without_the_mark():
    """Fails with pytest-django's message."""
    Product.objects.count()


@pytest.fixture
def reads_without_asking():
    return Product.objects.count()


def test_fixture_without_the_mark(reads_without_asking):
    """Errs with pytest-django's message."""


def test_fails_after_queries(db):
    """The statements are in the report."""
    Product.objects.create(name="the failing one", price=2)
    assert not Product.objects.filter(name="the failing one").exists()


def test_breaks_the_transaction(db):
    """Errs in the call; the next test has a transaction that works."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


def test_the_next_transaction_works(db):
    assert Category.objects.filter(name="drinks").exists()


def test_transactions_nest(db):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Product.objects.create(name="nested", price=1)
        raise ZeroDivisionError
    assert not Product.objects.filter(name="nested").exists()


def test_the_catalogue_was_loaded_once(db):
    """By the project's own django_db_setup."""
    assert sorted(Product.objects.values_list("name", flat=True)) == ["coffee", "tea"]


def test_the_row_of_the_worker_is_there_once(db, worker_category):
    assert Category.objects.get(name="of the worker").pk == worker_category


def test_the_row_of_the_worker_is_still_there(db, worker_category):
    assert Category.objects.filter(name="of the worker").count() == 1


def test_settings_were_changed_once(db):
    """By the project's own django_db_modify_db_settings."""
    assert SETTINGS_CHANGED == ["other"]


@pytest.mark.django_db(databases=["other"])
def test_name_of_the_test_database_is_the_project_s_own():
    if connections["other"].vendor == "sqlite":
        pytest.skip("SQLite's is in memory, or a file")
    assert "by_fixture" in connections["other"].settings_dict["NAME"]


@pytest.mark.django_db(databases=["default", "other"])
def test_two_aliases():
    Review.objects.create(text="good")
    assert (Review.objects.count(), Product.objects.filter(name="tea").count()) == (1, 1)
    assert connections["other"].in_atomic_block


@pytest.mark.django_db(databases=["other"])
def test_other_alias_alone():
    assert Review.objects.count() == 0
    with pytest.raises(AssertionError, match="not allowed"):
        Product.objects.count()


@pytest.mark.django_db(databases="__all__")
def test_all_aliases():
    assert Review.objects.count() == 0
    assert Product.objects.filter(name="tea").count() == 1


@pytest.mark.django_db
def test_an_alias_that_was_not_asked_for():
    """Fails with Django's message."""
    Review.objects.count()


@pytest.mark.django_db
def test_blocked(django_db_blocker):
    with django_db_blocker.block(), pytest.raises(RuntimeError, match="Database access not allowed"):
        Product.objects.count()
    assert Product.objects.filter(name="tea").exists()
