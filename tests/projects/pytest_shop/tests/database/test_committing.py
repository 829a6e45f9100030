"""``transactional_db`` and what builds on it: real commits, and a flush after each test."""

import pytest
from django.db import connection, transaction

from reviews.models import Review
from shop.models import Category, Order, Product


def test_fixture(transactional_db):
    assert not connection.in_atomic_block
    Product.objects.create(name="committed", price=1)
    assert Product.objects.filter(name="committed").count() == 1


def test_fixture_was_flushed(transactional_db):
    assert not Product.objects.filter(name="committed").exists()


@pytest.mark.django_db(transaction=True)
def test_mark():
    assert not connection.in_atomic_block
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Product.objects.create(name="rolled back", price=1)
        raise ZeroDivisionError
    assert not Product.objects.filter(name="rolled back").exists()


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_two_aliases():
    Review.objects.create(text="committed")
    Product.objects.create(name="committed", price=1)
    assert (Review.objects.count(), Product.objects.filter(name="committed").count()) == (1, 1)


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_two_aliases_were_flushed():
    assert (Review.objects.count(), Product.objects.filter(name="committed").count()) == (0, 0)


def test_callbacks_run(transactional_db, mailoutbox):
    from shop.orders import place

    order = place(Product.objects.create(name="bread", price=3))
    assert [mail.subject for mail in mailoutbox] == [f"Order {order.pk}"]


@pytest.mark.parametrize("number", range(2))
def test_sequences(django_db_reset_sequences, number):
    Product.objects.all().delete()  # those of the catalogue, if no test was flushed before
    product = Product.objects.create(name="first", price=1)
    order = Order.objects.create(product=product)
    assert (product.pk, order.pk) == (1, 1)


@pytest.mark.django_db(reset_sequences=True)
def test_sequences_by_the_mark():
    Product.objects.all().delete()
    assert Product.objects.create(name="first", price=1).pk == 1


@pytest.mark.parametrize("number", range(2))
def test_serialized_rollback(transactional_db, django_db_serialized_rollback, number):
    """The rows of the migrations are there, though the test before flushed them."""
    assert Category.objects.filter(name__in=["drinks", "food"]).count() == 2
    Category.objects.all().delete()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_serialized_rollback_by_the_mark():
    assert Category.objects.filter(name__in=["drinks", "food"]).count() == 2


def test_fails_after_a_commit(transactional_db):
    """Fails; the row does not stay."""
    Product.objects.create(name="left by a failure", price=1)
    assert 0


def test_after_the_failure(transactional_db):
    assert not Product.objects.filter(name="left by a failure").exists()


def test_threads_see_what_was_committed(transactional_db):
    import threading

    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory is shared by hand")
    found = []

    def read():
        found.extend(Product.objects.filter(name="committed").values_list("name", flat=True))
        connection.close()

    Product.objects.create(name="committed", price=1)
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert found == ["committed"]
