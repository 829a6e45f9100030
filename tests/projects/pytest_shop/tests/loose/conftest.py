import pytest


@pytest.fixture
def loose():
    return "of the folder"


@pytest.fixture
def product():
    return "not a product"
