"""Faults of the project before any test can run: exit code 4, and where to look."""

import subprocess
import sys

import django
import pytest

from harness.errors import ExitCode
from harness.protocol.events import PhaseProgressed, TopologyFound
from harness.protocol.messages import RunSpec
from tests.runner.conversation import Conversation, MakeProject, RunTests, run

TEST = """
from django.test import TestCase

class Tests(TestCase):
    def test_one(self):
        pass
"""

MODEL = """
from django.db import models

class Item(models.Model):
    name = models.CharField(max_length=10)
"""
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True
    operations = [migrations.RunSQL("CREATE TABLE app_item (id integer)"), migrations.RunSQL("SELECT id FROM nowhere")]
"""
APP = {"app/__init__.py": "", "app/models.py": MODEL, "tests.py": TEST}

SLOW_MIGRATION = """
import time
from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.RunPython(lambda *_: time.sleep(2.1)),
        migrations.CreateModel("Item", [("name", models.CharField(max_length=10))]),
    ]
"""
NEXT_MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("app", "0001_x")]
"""

CHECK = """
import os
from django.core.checks import Error, register

DATABASES["default"]["ENGINE"] = os.environ.get("DB_ENGINE", "django.db.backends.sqlite3")
TIMES = os.getenv("DB_TIMES"), "DB_OPTIONAL" in os.environ, os.environ.get("PATH")

@register
def check(app_configs, **kwargs):
    return [] if "postgresql" in DATABASES["default"]["ENGINE"] else [Error("needs PostgreSQL", id="app.E001")]
"""

CHANGES = """
from django.apps import AppConfig
from django.conf import settings

class App(AppConfig):
    name = "app"

    def ready(self):
        settings.DATABASES"""

URL = """
import os
DATABASES = {"default": {"NAME": os.environ["DATABASE_URL"]} if "DATABASE_URL" in os.environ else {}}
"""
ARGUMENTS = """
import sys
assert sys.argv[0] == "manage.py" and "test" in sys.argv, sys.argv
TESTING = sys.argv.index("test") == 1
DATABASES["default"]["NAME"] = "/no/such/folder/x" if not TESTING else ":memory:"
"""


class TestSettings:
    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ("raise RuntimeError('no')", "The settings settings cannot be loaded: RuntimeError: no"),
            ("1 / 0", "The settings settings cannot be loaded: ZeroDivisionError: division by zero"),
            ("import no_such_package", "The settings settings cannot be loaded: ModuleNotFoundError"),
            ("def broken(:", "The settings settings cannot be loaded: SyntaxError"),
            ("raise SystemExit('not without a licence')", "The settings settings cannot be loaded: SystemExit"),
            ("import os; os.environ['NO_SUCH_KEY']", "The settings settings read 'NO_SUCH_KEY', which is not there."),
            ("DATABASES = []", "DATABASES is a list, not a dictionary."),
            ("DATABASES = {'default': None}", "DATABASES['default'] is a NoneType, not a dictionary."),
            ("DATABASES['default']['TEST'] = 'x'", "DATABASES['default']['TEST'] is a str, not a dictionary."),
            ("DATABASES['default']['TEST'] = {'DEPENDENCIES': 'other'}", "is the string 'other'"),
            ("DATABASES['default']['ENGINE'] = 'no.such.backend'", "'no.such.backend', which cannot be loaded"),
        ],
    )
    def test_settings_that_are_none(
        self, project: MakeProject, run_project: RunTests, lines: str, message: str
    ) -> None:
        project({}, lines)
        journal = run_project()
        assert journal.status == 4
        assert message in journal.aborted.message
        assert journal.aborted.hint or "DATABASES" in message
        assert "harness/runner" not in journal.aborted.evidence

    def test_a_missing_variable_is_named_with_how_to_set_it(self, project: MakeProject, run_project: RunTests) -> None:
        project({}, "import os; os.environ['NO_SUCH_KEY']")
        aborted = run_project().aborted
        assert 'env = { NO_SUCH_KEY = "..." }' in aborted.hint
        assert "settings.py" in aborted.evidence

    def test_a_module_that_is_not_there_is_named(self, project: MakeProject, run_project: RunTests) -> None:
        project({})
        journal = run_project(settings="no_such_settings")
        assert journal.status == 4
        assert "no_such_settings" in journal.aborted.message

    def test_a_file_that_they_do_not_find_is_reported(self, project: MakeProject, run_project: RunTests) -> None:
        project({}, "open(__file__.replace('settings.py', '.env'))")
        assert run_project().aborted.missing_files == (".env",)

    def test_an_empty_database_names_the_variables_that_are_not_set(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests.py": TEST.replace("TestCase", "SimpleTestCase")}, URL)
        (notice,) = run_project().notices("no-engine")
        assert "variables that are not set here: DATABASE_URL. --db postgres" in notice


class TestDjango:
    """The version of Django that the run asks for."""

    def test_the_django_that_is_there_is_taken(self, project: MakeProject) -> None:
        asked = ".".join(map(str, django.VERSION[:2]))
        journal = run(project({"tests.py": TEST}), RunSpec(settings="settings", django=asked))
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}
        assert journal.one(TopologyFound).django == django.get_version()

    def test_one_that_is_too_old_is_named(self, project: MakeProject) -> None:
        old = "VERSION = (3, 2, 25, 'final', 0)\nget_version = lambda: '3.2.25'\n"
        conf = {"django/conf/__init__.py": "settings = None\n"}
        root = project({"django/__init__.py": old, **conf})
        aborted = run(root, RunSpec(settings="settings")).aborted
        assert aborted.message == "The project's Django is 3.2.25, and the harness runs 4.2 and later."

    def test_another_one_ends_the_run_before_its_settings(self, project: MakeProject) -> None:
        root = project({}, "raise SystemExit('the settings were loaded')")
        journal = run(root, RunSpec(settings="settings", django="4.2"))
        assert journal.status == ExitCode.PROJECT
        message = f"Django 4.2 was asked for, and the tests would run on Django {django.get_version()} in "
        assert journal.aborted.message.startswith(message)
        assert "pip install 'Django~=4.2.0'" in journal.aborted.hint


class TestMigrations:
    def test_a_failing_migration_is_named_with_its_sql(self, project: MakeProject, run_project: RunTests) -> None:
        project(
            {**APP, "app/migrations/__init__.py": "", "app/migrations/0001_x.py": MIGRATION}, 'INSTALLED_APPS = ["app"]'
        )
        journal = run_project()
        assert journal.status == 4
        assert journal.aborted.message.startswith("Migration app.0001_x failed: django.db.utils.OperationalError:")
        assert "SELECT id FROM nowhere\n-- no such table: nowhere" in journal.aborted.evidence

    def test_a_long_migration_is_named_while_it_runs(self, project: MakeProject, run_project: RunTests) -> None:
        files = {"app/migrations/0001_x.py": SLOW_MIGRATION, "app/migrations/0002_y.py": NEXT_MIGRATION}
        project({**APP, "app/migrations/__init__.py": "", **files}, 'INSTALLED_APPS = ["app"]')
        journal = run_project()
        assert journal.all(PhaseProgressed)[0].step.startswith("default: migration app.000")
        assert journal.all(PhaseProgressed)[0].total == 2
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}


class TestChecks:
    def test_a_failing_system_check_is_reported(self, project: MakeProject, run_project: RunTests) -> None:
        model = MODEL.replace("max_length=10", "max_length=-1")
        project({**APP, "app/models.py": model}, 'INSTALLED_APPS = ["app"]')
        journal = run_project()
        assert journal.status == 4
        assert journal.aborted.message == "The project's system checks fail."
        assert "fields.E121" in journal.aborted.evidence

    def test_a_failing_check_shows_the_backend_and_the_variables(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({**APP}, CHECK)
        aborted = run_project().aborted
        assert "app.E001" in aborted.evidence
        assert aborted.evidence.endswith("DATABASES['default'] of the settings: django.db.backends.sqlite3")
        assert aborted.hint.endswith("read variables that are not set here: DB_ENGINE, DB_TIMES, DB_OPTIONAL.")


class TestMissing:
    def test_a_missing_package_is_named_with_the_way_to_install_it(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        advice = "no_such_package is not installed where the tests run"
        project({}, "import no_such_package.deeper")
        assert run_project().aborted.hint.startswith(advice)
        migration = "import no_such_package\n" + MIGRATION
        app = {**APP, "app/migrations/__init__.py": "", "app/migrations/0001_x.py": migration}
        project(app, 'INSTALLED_APPS = ["app"]')
        aborted = run_project().aborted
        assert "ModuleNotFoundError: No module named 'no_such_package'" in aborted.message
        assert aborted.hint.startswith(advice)
        project({"app/migrations/0001_x.py": MIGRATION}, 'INSTALLED_APPS = ["app", "no_such_package"]')
        assert run_project().aborted.hint.startswith(advice)
        aborted = run_project(settings="no_such_settings.module").aborted
        assert aborted.hint.startswith("--settings names another module")

    def test_apps_that_cannot_be_loaded_are_the_projects_fault(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({**APP, "app/models.py": "1 / 0"}, 'INSTALLED_APPS = ["app"]')
        journal = run_project()
        assert journal.status == 4
        assert "ZeroDivisionError" in journal.aborted.message
        assert "app/models.py" in journal.aborted.evidence

    def test_a_missing_django_is_reported(self, project: MakeProject, tmp_path_factory: pytest.TempPathFactory) -> None:
        """An environment that has nothing at all."""
        environment = tmp_path_factory.mktemp("bare")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        journal = run(project({}), RunSpec(settings="settings"), python=str(environment / "bin" / "python"))
        assert journal.status == 4
        assert journal.aborted.message == "Django is not installed where the tests run."


class TestSettingsThatAppsChange:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ("['new'] = settings.DATABASES['default']", "DATABASES['new'] was added as the apps were loaded"),
            ("['default']['ENGINE'] = 'django.db.backends.mysql'", "DATABASES['default'] was changed to mysql as the"),
        ],
    )
    def test_no_server_is_planned_for_them(
        self, project: MakeProject, run_project: RunTests, change: str, message: str
    ) -> None:
        project({**APP, "app/apps.py": CHANGES + change, "app/models.py": ""}, 'INSTALLED_APPS = ["app.apps.App"]')
        aborted = run_project().aborted
        assert (aborted.exit_code, aborted.message.startswith(message)) == (4, True), aborted
        assert "in the settings module" in aborted.hint

    def test_their_changes_reach_the_tests(self, project: MakeProject, run_project: RunTests) -> None:
        test = TEST.replace(
            "pass", 'from django.db import connection; assert connection.settings_dict["TIME_ZONE"] == "UTC"'
        )
        change = "['default'].update(NAME='other', TIME_ZONE='UTC')"
        files = {"app/apps.py": CHANGES + change, "app/models.py": "", "tests.py": test}
        project({**APP, **files}, 'INSTALLED_APPS = ["app.apps.App"]')
        journal = run_project()
        assert journal.outcomes() == {"Tests.test_one": "PASSED"}
        assert journal.notices("settings-changed") == ["default: an app changed NAME of DATABASES as it was loaded."]


class TestEnds:
    def test_a_plan_reports_the_topology_and_nothing_else(self, project: MakeProject, run_project: RunTests) -> None:
        project({"tests.py": "raise SystemExit"})
        journal = run_project(plan_only=True)
        assert journal.process_status == 0
        assert journal.one(TopologyFound).topology.names == ("default",)
        assert journal.planned == []

    def test_settings_that_look_at_the_arguments_find_a_run_of_tests(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        project({"tests.py": TEST}, ARGUMENTS)
        assert run_project("tests").outcomes() == {"Tests.test_one": "PASSED"}

    def test_settings_that_do_not_end_can_be_interrupted(self, project: MakeProject) -> None:
        folder = project({}, 'import time; print("loading", flush=True); time.sleep(600)')
        with Conversation(folder) as conversation:
            from harness.protocol.messages import Begin

            conversation.send(Begin(RunSpec(settings="settings")))
            while "loading" not in conversation.errors():
                pass
            conversation.process.terminate()
            journal = conversation.finish()
        assert (journal.status, journal.aborted.exit_code) == (3, ExitCode.SERVERS)
