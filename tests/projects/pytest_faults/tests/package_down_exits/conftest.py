import pytest

from tests import ways


@pytest.fixture(scope="package", autouse=True)
def thing():
    yield
    ways.exits()
