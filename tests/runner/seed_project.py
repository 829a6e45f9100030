"""The project of the tests of cached databases: an app ``shop`` with the model ``Item``, whose first migration makes rows."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.files import write_files

SETTINGS = """
import os
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = os.urandom(8).hex()
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", {apps}]
DEFAULT_AUTO_FIELD = "django.db.models.{auto}"
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "{cache}"}}}}
"""
SQLITE = """
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3", "TEST": {"NAME": "test.sqlite3"}},
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
"""
MODELS = """
from django.db import models

class Item(models.Model):
    name = models.CharField(max_length=20)
"""
NUMBER = "    number = models.IntegerField(default=3)\n"
"""A field of ``Item`` that ``ADD_NUMBER`` adds."""
ADD_NUMBER = 'migrations.AddField("Item", "number", models.IntegerField(default=3))'
_FIRST = """
from pathlib import Path
from django.db import migrations, models
{imports}

def fill(apps, schema_editor):
    alias = schema_editor.connection.alias
    for name in {names}:
        apps.get_model("shop", "Item").objects.using(alias).create(name=name)
{more}

class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Item", [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=20))]
        ),
        migrations.RunPython(fill),
    ]
"""
_SECOND = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [{operation}]
"""


def settings(
    databases: str = SQLITE, *, apps: str = '"shop"', auto: str = "BigAutoField", cache: str = "cached"
) -> str:
    """The module with the settings."""
    return SETTINGS.format(apps=apps, auto=auto, cache=cache) + databases


def first(names: str, *, imports: str = "", more: str = "") -> str:
    """The first migration. It makes an item for each of *names*, and runs *more*; both are expressions and lines of Python."""
    return _FIRST.format(names=names, imports=imports, more=textwrap.indent(more, "    "))


def second(operation: str) -> str:
    """The second migration, with one *operation*."""
    return _SECOND.format(operation=operation)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write *files* into *folder*."""
    write_files(folder, files)
