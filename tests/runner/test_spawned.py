"""Commands that tests start: their Django connects to the databases of the test, whatever the settings say."""

from pathlib import Path

from tests.runner.conversation import MakeProject, RunTests

SETTINGS = """
import os
INSTALLED_APPS = ["shop.apps.ShopConfig"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES["default"]["NAME"] = os.environ.get("DATABASE", os.path.join(os.path.dirname(__file__), "real.sqlite3"))
DATABASES["default"]["TEST"] = {"NAME": os.path.join(os.path.dirname(__file__), "test.sqlite3")}
"""
APPS = """
import os
from django.apps import AppConfig
from django.conf import settings

class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        if "READY" in os.environ:
            settings.DATABASES["default"].update(NAME=os.environ["READY"])
"""
MODELS = """
from django.db import models

class Item(models.Model):
    name = models.CharField(max_length=10)
"""
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
COMMAND = """
from django.core.management import BaseCommand
from django.db import connection
from shop.models import Item

class Command(BaseCommand):
    def handle(self, *args, **options):
        Item.objects.create(name="spawned")
        print(connection.settings_dict["NAME"])
"""
TESTS = """
import os, pathlib, subprocess, sys
from django.db import connection
from django.test import TransactionTestCase
from shop.models import Item

class Base(TransactionTestCase):
    def spawn(self, *command, **variables):
        command = command or ("manage.py", "item")
        done = subprocess.run([sys.executable, *command], env=os.environ | variables, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("sitecustomize", done.stderr)
        return done.stdout.strip()

    def check(self, **variables):
        self.assertEqual(self.spawn(**variables), connection.settings_dict["NAME"])
        self.assertIn("test_", connection.settings_dict["NAME"])
        self.assertEqual(Item.objects.get().name, "spawned")

class OneTests(Base):
    def test_plain(self):
        self.check()

    def test_variable(self):
        self.check(DATABASE="nowhere.sqlite3")

    def test_ready(self):
        self.check(READY="nowhere.sqlite3")

class TwoTests(Base):
    def test_plain(self):
        self.check()

    def test_its_own_tests(self):
        self.spawn("manage.py", "test", "shop.inner")
        self.assertEqual(Item.objects.count(), 0)

    def test_another_project(self):
        other = "from django.conf import settings as s; s.configure(DATABASES={'default': {" \\
            "'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'other.sqlite3'}});" \\
            "from django.db import connection; print(connection.settings_dict['NAME'])"
        self.assertEqual(self.spawn("-c", other, DJANGO_SETTINGS_MODULE="other"), "other.sqlite3")

    def test_a_sitecustomize_of_the_project_runs_too(self):
        self.assertEqual(self.spawn("-c", "import sys; print(sys.MARK)"), "theirs")
        self.assertNotIn("startup", self.spawn("-c", "import sys; print(sys.path)"))
"""
INNER = """
from django.db import connection
from django.test import TestCase

class Tests(TestCase):
    def test_one(self):
        assert "test_test_" in connection.settings_dict["NAME"] or "memory" in connection.settings_dict["NAME"]
"""
FILES = {
    "manage.py": MANAGE,
    "shop/__init__.py": "",
    "shop/apps.py": APPS,
    "shop/models.py": MODELS,
    "shop/management/commands/item.py": COMMAND,
    "shop/tests.py": TESTS,
    "shop/inner.py": INNER,
    "site/sitecustomize.py": "import sys\nsys.MARK = 'theirs'\n",
}


def test_a_command_sees_the_clone_of_its_test(project: MakeProject, run_project: RunTests) -> None:
    folder = project(FILES, SETTINGS)
    journal = run_project("shop", env={"PYTHONPATH": str(folder / "site")})
    assert set(journal.outcomes().values()) == {"PASSED"}, [each.failures for each in journal.attempts if each.failures]
    assert len(journal.outcomes()) == 7
    assert not (folder / "real.sqlite3").exists()
    assert not Path(folder, "nowhere.sqlite3").exists()
