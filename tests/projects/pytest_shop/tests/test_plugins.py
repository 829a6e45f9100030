"""Plugins that projects use."""

import asyncio
import os
import random
import time

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop import orders
from shop.factories import OrderFactory, ProductFactory
from shop.models import Order, Product


@given(st.integers(), st.integers())
def test_hypothesis_passes(first, second):
    assert first + second == second + first


@settings(database=None)
@given(st.lists(st.integers()))
def test_hypothesis_fails(numbers):
    """The failure names the smallest example."""
    assert sum(numbers) < 100


@pytest.mark.django_db
@settings(max_examples=5, deadline=None)
@given(st.integers(1, 100))
def test_hypothesis_with_the_database(quantity):
    """The transaction of the test is around all of its examples."""
    order = OrderFactory(quantity=quantity)
    assert order.total == quantity * order.product.price


@pytest.mark.asyncio
async def test_asyncio():
    await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_asyncio_fails():
    await asyncio.sleep(0)
    assert 0, "in a coroutine"


@pytest.fixture
async def not_awaited():
    return 1


async def test_coroutine_without_a_mark():
    """Fails: pytest runs no coroutine by itself."""


@pytest.mark.anyio
async def test_anyio():
    await anyio.sleep(0)


@pytest.fixture
def anyio_backend():
    return "asyncio"


def test_mocker(mocker):
    mocker.patch("shop.orders.exchange_rate", return_value=2)
    assert orders.exchange_rate("EUR") == 2
    orders.exchange_rate.assert_called_once_with("EUR")


def test_mocker_fails(mocker):
    mocker.patch("shop.orders.exchange_rate")
    orders.exchange_rate.assert_called_once_with("EUR")


def test_what_was_mocked_is_back():
    with pytest.raises(NotImplementedError):
        orders.exchange_rate("EUR")


@pytest.mark.django_db
def test_factory_boy():
    order = OrderFactory()
    assert Order.objects.get().product == order.product
    assert ProductFactory.build().pk is None
    assert Product.objects.filter(name=order.product.name).count() == 1


def test_snapshot(snapshot):
    assert {"name": "tea", "price": "2.50"} == snapshot


def test_snapshot_differs(snapshot):
    """Fails: the snapshot has another price."""
    assert {"name": "tea", "price": "2.50"} == snapshot


def test_snapshot_is_missing(snapshot):
    assert "never taken" == snapshot


@pytest.mark.flaky(reruns=2)
def test_passes_when_it_is_run_again(tmp_path_factory):
    """Fails once in each run of the tests, whichever process it is."""
    file = tmp_path_factory.getbasetemp().parent / f"shop-flaky-{os.getppid()}"
    if not file.exists():
        file.touch()
        pytest.fail("the first attempt")
    file.unlink()


@pytest.mark.flaky(reruns=2)
def test_never_passes():
    pytest.fail("each attempt")


@pytest.mark.timeout(60)
def test_within_its_time_limit():
    time.sleep(0.01)


@pytest.mark.timeout(1)
def test_longer_than_its_time_limit():
    time.sleep(10)


def test_numbers_by_chance():
    """pytest-randomly gives each test the same seed, without it the numbers are free."""
    assert 0 <= random.random() < 1


def test_coverage_of_another_module():
    """With ``--cov=shop`` the lines of this call count, in whichever worker it runs."""
    with pytest.raises(NotImplementedError):
        orders.exchange_rate("USD")
