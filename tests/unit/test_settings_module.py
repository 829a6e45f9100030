"""What ``manage.py`` says, read without running it."""

import pytest

from harness.errors import ExitCode, ProjectError
from harness.host.settings_module import find_settings_module

DJANGOS_OWN = '''#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""
import os
import sys


def main():
    """Run administrative tasks."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
'''


def find(tmp_path, source, configured=None, environ=None):
    (tmp_path / "manage.py").write_text(source)
    return find_settings_module(tmp_path, configured, environ or {})


def test_configured_wins_over_the_variable_over_manage_py(tmp_path):
    environ = {"DJANGO_SETTINGS_MODULE": "from.variable"}
    assert find(tmp_path, DJANGOS_OWN, "from.flag", environ) == "from.flag"
    assert find(tmp_path, DJANGOS_OWN, None, environ) == "from.variable"
    assert find(tmp_path, DJANGOS_OWN, None, {"DJANGO_SETTINGS_MODULE": ""}) == "shop.settings"


def test_no_manage_py_is_needed_where_the_module_is_named(tmp_path):
    assert find_settings_module(tmp_path, "tests.settings", {}) == "tests.settings"


@pytest.mark.parametrize(
    "source",
    [
        DJANGOS_OWN,
        'from os import environ\nenviron.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")',
        'import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"',
        'import os\nNAME = "shop.settings"\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", NAME)',
        'from os import environ\nenviron["LANG"] = "C"\nenviron.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")',
        # twice the same is no choice
        'import os\nE = os.environ\nE.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
        'E["DJANGO_SETTINGS_MODULE"] = "shop.settings"',
        "# coding: latin-1\n# caf\u00e9\nimport os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')",
    ],
)
def test_ways_to_say_it(tmp_path, source):
    (tmp_path / "manage.py").write_bytes(source.encode("latin-1"))
    assert find_settings_module(tmp_path, None, {}) == "shop.settings"


def test_it_is_not_run(tmp_path):
    source = f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit(3)\n{DJANGOS_OWN}"
    assert find(tmp_path, source) == "shop.settings"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "source",
    [
        'import os, sys\nm = "shop.test" if "test" in sys.argv else "shop.dev"\n'
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", m)',
        'import os, sys\nif "test" in sys.argv:\n    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.test"\n'
        'else:\n    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.dev"',
    ],
)
def test_a_choice_is_not_guessed_at(tmp_path, source):
    with pytest.raises(ProjectError) as caught:
        find(tmp_path, source)
    assert "shop.test, shop.dev" in caught.value.message
    assert "--settings" in caught.value.hint


@pytest.mark.parametrize(
    "source",
    [
        "",
        "print('hello')",
        'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop." + os.environ["STAGE"])',
        'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", name)',
        'import os\nname = name = os.environ.get("X", name)\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", name)',
    ],
)
def test_what_cannot_be_read_off(tmp_path, source):
    with pytest.raises(ProjectError) as caught:
        find(tmp_path, source)
    assert "does not say" in caught.value.message
    assert "--settings" in caught.value.hint


@pytest.mark.parametrize("source", [b"def main(:\n", b"\xff\xfe", b"x = '\x00'"])
def test_a_manage_py_that_is_no_python(tmp_path, source):
    (tmp_path / "manage.py").write_bytes(source)
    with pytest.raises(ProjectError) as caught:
        find_settings_module(tmp_path, None, {})
    assert caught.value.evidence


def test_not_a_project(tmp_path):
    with pytest.raises(ProjectError) as caught:
        find_settings_module(tmp_path, None, {})
    assert caught.value.exit_code == ExitCode.PROJECT
    assert f"{tmp_path} is not a Django project" in caught.value.message
    assert "There is one below" not in caught.value.hint


def test_a_manage_py_one_folder_below_is_pointed_at(tmp_path):
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "manage.py").write_text(DJANGOS_OWN)
    with pytest.raises(ProjectError) as caught:
        find_settings_module(tmp_path, None, {})
    assert f"--project {tmp_path / 'backend'}" in caught.value.hint


def test_settings_of_a_packages_tests_are_pointed_at(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "settings.py").touch()
    with pytest.raises(ProjectError) as caught:
        find_settings_module(tmp_path, None, {})
    assert "--settings tests.settings." in caught.value.hint


def test_a_package_with_its_manage_py_among_its_tests_is_told_how_to_stay_a_package(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "manage.py").write_text(DJANGOS_OWN.replace("shop.settings", "demo.settings"))
    with pytest.raises(ProjectError) as caught:
        find_settings_module(tmp_path, None, {})
    assert '--settings demo.settings and [tool.harness] env = { PYTHONPATH = "tests" }' in caught.value.hint


def test_a_manage_py_below_that_says_no_module_is_pointed_at_all_the_same(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "manage.py").write_text("def main(:")
    with pytest.raises(ProjectError) as caught:
        find_settings_module(tmp_path, None, {})
    assert f"--project {tmp_path / 'tests'}." in caught.value.hint
    assert "PYTHONPATH" not in caught.value.hint
