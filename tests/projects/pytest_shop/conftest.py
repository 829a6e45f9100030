"""Fixtures of all tests, and the databases as this project sets them up."""

import pytest
from django.core.management import call_command
from django.db import connection

from shop.fixture_state import RUNNING, SETTINGS_CHANGED

pytest_plugins = ["shop.testing"]

@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, worker_id):
    """A project's own one: the test database of the reviews gets another name, in each worker of pytest-xdist."""
    from django.conf import settings

    SETTINGS_CHANGED.append("other")
    if connection.vendor != "sqlite":
        settings.DATABASES["other"].setdefault("TEST", {})["NAME"] = f"test_by_fixture_{worker_id}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The usual one, and the catalogue, which the tests rely on."""
    with django_db_blocker.unblock():
        call_command("load_catalogue")


@pytest.fixture(scope="session")
def worker_category(django_db_setup, django_db_blocker):
    """A row that each worker adds to its own databases, once."""
    from shop.models import Category

    with django_db_blocker.unblock():
        return Category.objects.create(name="of the worker").pk


@pytest.fixture(autouse=True)
def every_test():
    """An autouse fixture of the root: also for classes of unittest."""
    RUNNING.append("every_test")
    yield
    RUNNING.pop()
