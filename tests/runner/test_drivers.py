"""Cases from public packages: a missing driver, Django's old name of a backend, a package that reads its own metadata."""

from pathlib import Path

import pytest

from harness.protocol.events import TopologyFound
from harness.protocol.messages import Route, RunSpec
from tests.runner.conversation import Journal, MakeProject, RunTests, run

POSTGRES = "django.db.backends.postgresql"
NO_DRIVER = {"psycopg.py": "raise ImportError('not here')", "psycopg2.py": "raise ImportError('not here')"}
MODEL = """
from django.db import models

class Thing(models.Model):
    class Meta:
        app_label = "shop"
"""


def run_on_postgres(folder: Path) -> Journal:
    """The runner on *folder*'s project, with its SQLite alias sent to PostgreSQL; the run ends before it connects."""
    route = Route("default", "default", POSTGRES, "harness", "test_default")
    return run(folder, RunSpec(settings="settings", workers=1), routes=[route])


def test_a_missing_driver_is_named_with_what_to_install(project: MakeProject) -> None:
    files = {**NO_DRIVER, "shop/__init__.py": "", "shop/models.py": MODEL}
    journal = run_on_postgres(project(files, "INSTALLED_APPS = ['shop']"))
    assert journal.status == 4
    assert journal.aborted.message.startswith(
        f"The alias 'default' is tested with {POSTGRES}, which cannot be loaded: "
    )
    assert "psycopg[binary]" in journal.aborted.hint


def test_all_missing_drivers_are_named_at_once(project: MakeProject) -> None:
    other = "DATABASES['other'] = {'ENGINE': 'django.db.backends.mysql', 'NAME': 'other'}"
    folder = project({**NO_DRIVER, "MySQLdb.py": "raise ImportError('not here')"}, other)
    routes = [
        Route("default", "default", POSTGRES, "harness", "test_default"),
        Route("other", "other", "django.db.backends.mysql", "harness", "test_other"),
    ]
    aborted = run(folder, RunSpec(settings="settings", workers=1), routes=routes).aborted
    assert "The alias 'default'" in aborted.message
    assert "The alias 'other'" in aborted.message
    assert 'extra_install = ["psycopg[binary]", "mysqlclient"]' in aborted.hint


def test_a_driver_is_not_asked_for_where_no_server_is(project: MakeProject) -> None:
    test = "from django.test import SimpleTestCase\nclass Tests(SimpleTestCase):\n    def test_one(self): pass\n"
    folder = project({**NO_DRIVER, "tests.py": test})
    assert run(folder, RunSpec(labels=("tests",), settings="settings", workers=1)).status == 0


@pytest.mark.parametrize("backend", [POSTGRES, f"{POSTGRES}_psycopg2"])
def test_djangos_own_backends_are_known_without_their_drivers(project: MakeProject, backend: str) -> None:
    folder = project(NO_DRIVER, f"DATABASES['default']['ENGINE'] = {backend!r}")
    journal = run(folder, RunSpec(settings="settings", plan_only=True))
    assert journal.one(TopologyFound).topology["default"].vendor == "postgresql"


@pytest.mark.parametrize("where", ["settings", "app"])
def test_a_package_that_asks_for_its_missing_version(project: MakeProject, run_project: RunTests, where: str) -> None:
    asks = "from importlib.metadata import version; version('no-such-shop')"
    if where == "settings":
        project({}, asks)
    else:
        project({"shop.py": asks}, "INSTALLED_APPS = ['shop']")
    aborted = run_project().aborted
    assert "no-such-shop has to be installed too" in aborted.hint
    assert "pip install -e ." in aborted.hint


def test_the_import_systems_frames_are_left_out_of_the_evidence(project: MakeProject, run_project: RunTests) -> None:
    project({"shop.py": "import no_such_package"}, "INSTALLED_APPS = ['shop']")
    evidence = run_project().aborted.evidence
    assert "shop.py" in evidence
    assert "<frozen importlib" not in evidence
