"""The files that the tests get: those beside the project, those that git ignores, and what is told of those that stay."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e import command
from tests.files import write_files

pytestmark = pytest.mark.docker

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
execute_from_command_line(sys.argv)
"""
SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.staticfiles", "app"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "public"
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_CODE = "de"
"""
TESTS = """
import importlib, json, os
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.template.loader import get_template
from django.templatetags.static import static
from django.test import SimpleTestCase
from django.utils.translation import gettext

import shared_lib

class FileTests(SimpleTestCase):
    databases = "__all__"

    def test_file(self):
        self.assertEqual(json.loads((settings.BASE_DIR / "build" / "data.json").read_text()), {})

    def test_folder(self):
        self.assertEqual(os.listdir("build"), ["data.json"])

    def test_module(self):
        importlib.import_module("config.local_settings")

    def test_template(self):
        get_template("app/built.html")

    def test_fixture(self):
        call_command("loaddata", "seed", database="default", verbosity=0)

    def test_manifest(self):
        self.assertEqual(static("a.css"), "/static/a.123.css")

    def test_messages(self):
        self.assertEqual(gettext("basket"), "Korb")

    def test_files_beside_the_project(self):
        self.assertEqual(shared_lib.__file__, str(settings.BASE_DIR.parent / "shared" / "shared_lib" / "__init__.py"))
        self.assertTrue((settings.BASE_DIR / "link").read_text())

    def test_odd_files(self):
        names = set(os.listdir(os.fsencode(settings.BASE_DIR / "odd")))
        self.assertEqual(names, {b"new\\nline", b"latin-\\xe9", b"-dash", b"loop"})
"""
SHARED = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "shared-lib"
version = "1.0"
[tool.setuptools]
packages = ["shared_lib"]
"""
MESSAGES = {"": "Content-Type: text/plain; charset=UTF-8\n", "basket": "Korb"}
IGNORED = ("build/", "*.mo", "local_settings.py", "built.html", "public/", "fixtures/", ".harness/")
INCLUDE = "build config/local_settings.py **/built.html public/*.json app/fixtures locale/**/*.mo"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"


def compiled(messages: Mapping[str, str]) -> bytes:
    """*messages* as in a file of ``msgfmt``: https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html"""
    texts = [text.encode() for text in (*messages, *messages.values())]
    start = 28 + 8 * len(texts)
    entries = [
        number
        for place, text in enumerate(texts)
        for number in (len(text), start + sum(map(len, texts[:place])) + place)
    ]
    head = struct.pack("<7I", 0x950412DE, 0, len(messages), 28, 28 + 4 * len(texts), 0, start)
    return head + struct.pack(f"<{len(entries)}I", *entries) + b"".join(text + b"\0" for text in texts)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Django project ``shop`` of a repository, which needs a package beside it, and files that git ignores."""
    repository = tmp_path / "repository"
    files = {
        ".gitignore": "\n".join(IGNORED),
        "shared/pyproject.toml": SHARED,
        "shared/shared_lib/__init__.py": "",
        "logo.png": POINTER,
        "shop/manage.py": MANAGE,
        "shop/requirements.txt": "django\n-e ../shared\n",
        "shop/config/__init__.py": "",
        "shop/config/settings.py": SETTINGS,
        "shop/config/local_settings.py": "",
        "shop/app/__init__.py": "",
        "shop/app/tests.py": TESTS,
        "shop/app/templates/app/built.html": "",
        "shop/app/fixtures/seed.json": "[]",
        "shop/build/data.json": "{}",
        "shop/public/staticfiles.json": '{"version": "1.1", "hash": "", "paths": {"a.css": "a.123.css"}}',
        "shop/locale/de/LC_MESSAGES/django.po": "",
        "shop/locale/de/LC_MESSAGES/django.mo": "",
    }
    write_files(repository, files)
    (repository / "shop/locale/de/LC_MESSAGES/django.mo").write_bytes(compiled(MESSAGES))
    odd = repository / "shop" / "odd"
    odd.mkdir()
    for name in ("new\nline", os.fsdecode(b"latin-\xe9"), "-dash"):
        (odd / name).touch()
    (odd / "loop").symlink_to("loop")
    (repository / "shop" / "link").symlink_to(repository / ".gitignore")
    (repository / "docs" / "theme").mkdir(parents=True)
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},docs/theme")
    return repository / "shop"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)


def run(project: Path, **variables: str) -> command.Ended:
    artifacts = project.parent.parent / "artifacts"
    return command.harness("--db", "sqlite", artifacts=artifacts, cwd=project, env=command.environment(**variables))


def test_root_and_include_bring_all_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run(project)
    assert ended.code == 4, ended.output
    assert "requirements.txt names ../shared ('-e ../shared'), which is outside of the project's folder" in ended.output
    assert f'[tool.harness] root = ".." in {project / "pyproject.toml"}' in ended.output

    (project / "pyproject.toml").write_text('[tool.harness]\nroot = ".."\n')
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(project / "odd")  # the name of a socket is short
        listening.bind("socket")
        ended = run(project)
    assert ended.code == 1, ended.output
    text = " ".join(ended.output.split())
    for name in (
        "build",
        "build/data.json",
        "config/local_settings.py",
        "app/templates/app/built.html",
        "app/fixtures/seed.json",
        "public/staticfiles.json",
    ):
        assert f'{name} is here, but git ignores it: [tool.harness] include = ["{name}"]' in text
    assert "compiled messages here, shop/locale/de/LC_MESSAGES/django.mo: the tests get untranslated texts" in text
    assert "docs/theme is a git submodule that is not there: git submodule update --init docs/theme" in text
    assert "Git LFS has not brought the content of logo.png" in text
    passed = {test.rpartition(".")[2] for test, outcome in ended.outcomes.items() if outcome == "PASSED"}
    assert passed == {"test_files_beside_the_project", "test_odd_files"}
    assert {case.test.file for case in ended.report.cases} == {"shop/app/tests.py"}

    ended = run(project, HARNESS_INCLUDE=INCLUDE)
    assert ended.code == 0, ended.output
    assert set(ended.outcomes.values()) == {"PASSED"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('include = ["build/dta.json"]', "include has 'build/dta.json', which fits no file in"),
        ('root = "../none"', "is no folder"),
        ('root = "app"', "does not hold the project"),
    ],
)
def test_a_wrong_key_is_refused_before_anything_is_built(project: Path, table: str, message: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.harness]\ninstall = ['false']\n{table}\n")
    for subcommand in ("ci", "plan"):
        ended = command.command(subcommand, "--db", "sqlite", artifacts=project / ".harness", cwd=project)
        assert ended.code == 2, ended.output
        assert message in " ".join(ended.output.split())
    if "include" in table:
        assert "Did you mean 'build/data.json'?" in ended.output
