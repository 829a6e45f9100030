"""Fixtures that the tests get by ``pytest_plugins``."""

import pytest


@pytest.fixture
def product(db):
    from shop.models import Product  # the module is imported before Django is set up

    return Product.objects.create(name="cake", price="4.00")


@pytest.fixture
def fixture_of_the_ini():
    """Every test gets this one by ``usefixtures`` of pytest.ini."""
    yield "of the ini"
