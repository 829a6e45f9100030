import pytest

from tests import ways


@pytest.fixture(scope="session")
def thing():
    yield
    ways.is_killed()
