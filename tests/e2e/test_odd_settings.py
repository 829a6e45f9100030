"""Settings and databases of the odd kinds that real projects have, each an alias or a settings module of the project ``odd``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e import command
from tests.files import write_files

pytestmark = pytest.mark.docker

ANY = "notes.tests.test_settings.EachAliasTests.test_cursors_come_in_parts"
GOOD: dict[str, tuple[tuple[str, ...], int, str]] = {
    "settings": (
        ("notes.tests.test_settings", "notes.tests.test_processes"),
        16,
        "OPTIONS assume_role name the old server",
    ),
    "replaced": (("late",), 2, "other: an app changed ENGINE, OPTIONS of DATABASES as it was loaded."),
    "tenants": (("tenants",), 6, ""),
    "mysql": (("notes.tests.test_mysql", "notes.tests.test_processes"), 8, ""),
    "url": (("--db", "postgres", ANY), 1, "postgres 17"),
    "pools": (("notes.tests.test_pools",), 3, "server replica: postgres"),
}
BAD = {
    "url": ("", "variables that are not set here: NO_SUCH_URL. --db postgres"),
    "gis": ("Could not find the GDAL library", 'apt = ["binutils", "gdal-bin", "libproj-dev"] in [tool.harness]'),
    "template": ('template database "template_of_ours" does not exist', "leave TEST['TEMPLATE'] out"),
}
EXTENSION = {
    "manage.py": "import django.core.management as m, os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n"
    "m.execute_from_command_line(sys.argv)\n",
    "settings.py": "SECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\n"
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop', 'HOST': 'db.internal'}}\n",
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": "from django.db import migrations\n\nclass Migration(migrations.Migration):\n"
    "    operations = [migrations.RunSQL('CREATE EXTENSION hypopg')]\n",
    "shop/tests.py": "from django.db import connection\nfrom django.test import TestCase\n\nclass Tests(TestCase):\n"
    "    def test_it(self):\n        connection.cursor().execute('SELECT * FROM hypopg_list_indexes')\n",
}


def run(name: str, *args: str, artifacts: Path) -> command.Ended:
    return command.harness(
        "--project", "tests/projects/odd", "--settings", f"config.{name}", *args, artifacts=artifacts
    )


@pytest.mark.parametrize("name", GOOD)
def test_each_kind_of_settings_runs(name: str, tmp_path: Path) -> None:
    args, passed, text = GOOD[name]
    ended = run(name, *args, artifacts=tmp_path)
    assert ended.code == 0, ended.output
    assert ended.summary["counts"]["passed"] == ended.summary["counts"]["planned"] == passed
    assert text in ended.output


@pytest.mark.parametrize("name", BAD)
def test_settings_that_cannot_run_are_one_step_from_running(name: str, tmp_path: Path) -> None:
    message, hint = BAD[name]
    ended = run(name, ANY, artifacts=tmp_path)
    assert ended.code == (4 if message else 1), ended.output
    assert message in command.red_case(ended)
    assert hint in ended.output


def test_the_error_for_an_extension_has_the_line_that_adds_it(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write_files(project, EXTENSION)
    ended = command.harness("--project", str(project), "--runner", "host", artifacts=tmp_path / "artifacts")
    assert ended.code == 4, ended.output
    (line, table), *_ = re.findall(r"(apt = \[.*?\]) in (\[tool\.harness\.[\w.]+\])", ended.output)
    (project / "pyproject.toml").write_text(f"{table}\n{line}\n")
    ended = command.harness("--project", str(project), "--runner", "host", artifacts=tmp_path / "artifacts")
    assert ended.code == 0, ended.output
    assert ended.summary["counts"]["passed"] == 1
