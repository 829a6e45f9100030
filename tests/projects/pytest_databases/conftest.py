import pytest
from django.core.management import call_command


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        for alias in ("default", "other"):
            call_command("loaddata", "loaded", database=alias, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def row_of_the_worker(django_db_setup, django_db_blocker):
    """A row that each worker adds to its own databases, once: tests and replicas see it."""
    from shop.models import Item

    with django_db_blocker.unblock():
        Item.objects.create(name="of the worker")


@pytest.fixture
def ask():
    from django.db import connections

    def ask(alias, sql):
        with connections[alias].cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    return ask


@pytest.fixture
def real():
    """Real servers: SQLite has no replica."""
    from django.db import connection

    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no replica")
    return connection.vendor


@pytest.fixture
def on_replica(ask):
    """Whether an alias is connected to a replica at the moment."""
    from django.db import connections

    question = {
        "postgresql": "SELECT pg_is_in_recovery()",
        "mysql": "SELECT @@global.read_only + 0",
        "sqlite": "SELECT 0",
    }
    return lambda alias: bool(ask(alias, question[connections[alias].vendor]))


@pytest.fixture
def session_of(ask):
    """The number of the session of an alias, on its server."""
    from django.db import connections

    question = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()", "sqlite": "SELECT 0"}
    return lambda alias: ask(alias, question[connections[alias].vendor])
