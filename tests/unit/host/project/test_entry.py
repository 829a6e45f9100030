"""The entry of a project: its script, the folder of its tests, and its settings module, found without running anything."""

from pathlib import Path

import pytest

from harness.errors import ExitCode, ProjectError, UsageError
from harness.host.project.entry import (
    Entry,
    bootstrap_words,
    find_entry,
    find_settings_module,
    is_project_itself,
    project_above,
)
from harness.host.project.settings_search import scripts
from tests.unit.host.project.conftest import write

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


def find(tmp_path: Path, source: str, environ: dict[str, str] | None = None) -> str | None:
    (tmp_path / "manage.py").write_text(source)
    return find_settings_module(tmp_path, find_entry(tmp_path), environ or {})


class TestManagePy:
    def test_the_variable_wins_over_manage_py(self, tmp_path: Path) -> None:
        environ = {"DJANGO_SETTINGS_MODULE": "from.variable"}
        assert find(tmp_path, DJANGOS_OWN, environ) == "from.variable"
        assert find(tmp_path, DJANGOS_OWN, {"DJANGO_SETTINGS_MODULE": ""}) == "shop.settings"

    def test_a_named_module_needs_no_manage_py(self, tmp_path: Path) -> None:
        assert (
            find_settings_module(tmp_path, find_entry(tmp_path), {"DJANGO_SETTINGS_MODULE": "tests.settings"})
            == "tests.settings"
        )

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
    def test_ways_to_set_the_module(self, tmp_path: Path, source: str) -> None:
        (tmp_path / "manage.py").write_bytes(source.encode("latin-1"))
        assert find_settings_module(tmp_path, find_entry(tmp_path), {}) == "shop.settings"

    def test_it_is_not_run(self, tmp_path: Path) -> None:
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
    def test_a_choice_of_modules_is_the_scripts(self, tmp_path: Path, source: str) -> None:
        assert find(tmp_path, source) is None

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
    def test_a_computed_module_is_the_scripts(self, tmp_path: Path, source: str) -> None:
        assert find(tmp_path, source) is None

    @pytest.mark.parametrize("source", [b"def main(:\n", b"\xff\xfe", b"x = '\x00'"])
    def test_invalid_python_is_an_error(self, tmp_path: Path, source: bytes) -> None:
        (tmp_path / "manage.py").write_bytes(source)
        with pytest.raises(ProjectError) as caught:
            find_settings_module(tmp_path, find_entry(tmp_path), {})
        assert caught.value.evidence

    def test_a_folder_without_it_is_no_project(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError) as caught:
            find_settings_module(tmp_path, find_entry(tmp_path), {})
        assert caught.value.exit_code == ExitCode.PROJECT
        assert f"{tmp_path} is not a Django project" in caught.value.message
        assert "There is one below" not in caught.value.hint


class TestFindEntry:
    @pytest.mark.parametrize(
        ("files", "workdir", "entry"),
        [
            ({"manage.py": "", "backend/manage.py": ""}, None, Entry("", "manage.py")),
            ({"backend/manage.py": ""}, None, Entry("backend", "manage.py")),
            (
                {"backend/manage.py": "", "example/manage.py": "", ".x/manage.py": ""},
                None,
                Entry("backend", "manage.py"),
            ),
            ({"example_project/manage.py": ""}, None, Entry()),
            ({"one/manage.py": "", "two/manage.py": ""}, None, Entry()),
            ({"shop.py": "execute_from_command_line()", "setup.py": ""}, None, Entry("", "shop.py")),
            (dict.fromkeys(["a.py", "b.py"], "execute_from_command_line()"), None, Entry()),
            ({"runtests.py": 'execute_from_command_line([sys.argv[0], "test", "shop"])'}, None, Entry()),
            ({}, None, Entry()),
            ({"manage.py": "", "tests/__init__.py": ""}, "tests", Entry("tests", "../manage.py")),
            ({"manage.py": "", "tests/manage.py": ""}, "tests", Entry("tests", "manage.py")),
            ({"manage.py": "", "tests/manage.py": ""}, ".", Entry("", "manage.py")),
            ({"tests/__init__.py": ""}, "tests", Entry("tests", "")),
        ],
    )
    def test_here_one_level_down_or_as_configured(
        self, tmp_path: Path, files: dict[str, str], workdir: str | None, entry: Entry
    ) -> None:
        write(tmp_path, files)
        assert find_entry(tmp_path, workdir) == entry

    def test_the_project_above_ends_at_the_repository(self, tmp_path: Path) -> None:
        write(tmp_path, {"manage.py": "", "repository/app/sub/x.py": "", "repository/other/x.py": ""})
        assert project_above(tmp_path / "repository" / "app") is None
        (tmp_path / "repository" / ".git").mkdir()
        assert project_above(tmp_path / "repository" / "app") is None
        write(tmp_path, {"repository/manage.py": ""})
        assert project_above(tmp_path / "repository" / "app" / "sub") == tmp_path / "repository"
        assert project_above(tmp_path / "repository") is None

    @pytest.mark.parametrize(
        ("files", "is_one"),
        [
            ({"backend/requirements.txt": "django"}, True),
            ({"backend/requirements.txt": "django", "requirements.txt": "django"}, False),
            ({"requirements.txt": "django"}, False),
            ({}, False),
        ],
    )
    def test_a_folder_with_the_only_dependencies_is_a_project(
        self, tmp_path: Path, files: dict[str, str], is_one: bool
    ) -> None:
        write(tmp_path, {"backend/manage.py": DJANGOS_OWN, **files})
        assert is_project_itself(tmp_path, find_entry(tmp_path)) is is_one


RUNTESTS = """
if __name__ == "__main__":
    settings.configure()
    sys.exit(DiscoverRunner().run_tests(["shop"]))
"""


class TestBootstrap:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("runtests.py --database 'a b'", ("runtests.py", "--database", "a b")),
            ("python runtests.py {labels}", ("runtests.py", "{labels}")),
            ("tools/run.py", ("tools/run.py",)),
            ("python -m tools.run", ("-m", "tools.run")),
            ("runtests:configure", ("runtests:configure",)),
            ("shop-server test", ("shop.cli:main", "test")),
            ("old-server test", ("old.cli:main", "test")),
            ("oldest test", ("oldest:run", "test")),
            ("poetic test", ("poetic:run", "test")),
            ("django-admin test", ("django-admin", "test")),
        ],
    )
    def test_a_file_a_function_or_a_command(self, tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
        write(
            tmp_path,
            {
                "runtests.py": RUNTESTS,
                "tools/run.py": RUNTESTS,
                "pyproject.toml": '[project.scripts]\nshop-server = "shop.cli:main"\n'
                '[tool.poetry.scripts]\npoetic = "poetic:run"',
                "setup.cfg": "[options.entry_points]\nconsole_scripts =\n    old-server = old.cli:main [server]\n",
                "setup.py": 'setup(entry_points={"console_scripts": ["oldest=oldest:run"]})',
            },
        )
        assert bootstrap_words(tmp_path, "", text) == words

    def test_a_file_is_found_from_the_folder_of_the_tests(self, tmp_path: Path) -> None:
        write(tmp_path, {"runtests.py": RUNTESTS, "tests/run.py": RUNTESTS})
        assert bootstrap_words(tmp_path, "tests", "run.py") == ("run.py",)
        assert bootstrap_words(tmp_path, "tests", "runtests.py -v") == ("../runtests.py", "-v")

    def test_a_file_that_is_not_there_is_wrong(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError) as caught:
            bootstrap_words(tmp_path, "", "runtest.py")
        assert caught.value.message == f"bootstrap names runtest.py, and there is no such file in {tmp_path}."
        write(tmp_path, {"runtests.py": RUNTESTS})
        with pytest.raises(UsageError) as caught:
            bootstrap_words(tmp_path, "", "runtest.py")
        assert 'bootstrap = "runtests.py"' in caught.value.hint

    def test_quotes_without_an_end_are_wrong(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            bootstrap_words(tmp_path, "", "runtests.py 'a")

    @pytest.mark.parametrize(
        "text",
        ["import pytest\nsys.exit(pytest.main())", "subprocess.call(['py.test', *sys.argv])"],
    )
    def test_a_script_that_runs_pytest_is_refused(self, tmp_path: Path, text: str) -> None:
        write(tmp_path, {"runtests.py": text})
        with pytest.raises(ProjectError) as caught:
            bootstrap_words(tmp_path, "", "runtests.py")
        assert caught.value.message.startswith("runtests.py runs pytest")


class TestScripts:
    @pytest.mark.parametrize(
        "body",
        [
            "get_runner(settings)().run_tests(['shop'])",
            "call_command('test', 'shop')",
            "execute_from_command_line([sys.argv[0], 'test'] + sys.argv[1:])",
            "argv = sys.argv[:1] + ['test', 'shop']\nexecute_from_command_line(argv)",
        ],
    )
    def test_each_way_to_run_the_tests(self, tmp_path: Path, body: str) -> None:
        write(tmp_path, {"quicktest.py": f"def main():\n    pass\n{body}\nmain()\n"})
        assert scripts(tmp_path) == ["quicktest.py"]

    def test_the_likeliest_comes_first(self, tmp_path: Path) -> None:
        names = ("a.py", "tests/run.py", "runtests.py", "example/runtests.py", "conftest.py", "setup.py", "manage.py")
        write(tmp_path, dict.fromkeys(names, RUNTESTS))
        assert scripts(tmp_path) == ["runtests.py", "a.py", "tests/run.py"]

    @pytest.mark.parametrize(
        "text",
        [
            "def run():\n    DiscoverRunner().run_tests(['shop'])\n",
            "if __name__ == '__main__':\n    execute_from_command_line(sys.argv)\n",
            "import pytest\nsys.exit(pytest.main())\n",
            "print('hello')\n",
            "def main(:\n",
        ],
    )
    def test_other_modules_are_none(self, tmp_path: Path, text: str) -> None:
        write(tmp_path, {"runtests.py": text})
        assert scripts(tmp_path) == []


class TestNextSteps:
    def test_the_very_line_for_a_script_is_named(self, tmp_path: Path) -> None:
        advice = hint(tmp_path, {"runtests.py": RUNTESTS})
        assert 'runtests.py runs Django\'s tests: [tool.harness] bootstrap = "runtests.py".' in advice

    def test_the_very_line_for_a_command_is_named(self, tmp_path: Path) -> None:
        files = {
            "pyproject.toml": '[project.scripts]\nshop-server = "shop.cli:main"\nother = "shop.other:main"\n',
            "src/shop/cli.py": "def main():\n    execute_from_command_line(sys.argv)\n",
        }
        advice = hint(tmp_path, files)
        assert 'shop-server is a command of the project: [tool.harness] bootstrap = "shop-server test".' in advice
        assert "other" not in advice

    def test_settings_in_conftest_are_those_of_pytest(self, tmp_path: Path) -> None:
        advice = hint(tmp_path, {"tests/conftest.py": "def pytest_configure():\n    settings.configure()\n"})
        assert "tests/conftest.py configures Django for pytest" in advice
        assert 'framework = "pytest"' in advice

    def test_several_projects_below_are_named(self, tmp_path: Path) -> None:
        write(tmp_path, {"one/manage.py": DJANGOS_OWN, "two/manage.py": DJANGOS_OWN})
        advice = hint(tmp_path, {})
        assert "Several folders have one: one, two." in advice
        assert f'--project {tmp_path / "one"}, or [tool.harness] workdir = "one".' in advice

    def test_settings_of_a_packages_tests_are_suggested(self, tmp_path: Path) -> None:
        advice = hint(tmp_path, {"tests/settings.py": "SECRET_KEY = 'x'\n"})
        assert "--settings tests.settings (tests/settings.py looks like it)." in advice


def hint(root: Path, files: dict[str, str]) -> str:
    write(root, files)
    with pytest.raises(ProjectError) as caught:
        find_settings_module(root, find_entry(root), {})
    return caught.value.hint


SETTINGS = "from pathlib import Path\nINSTALLED_APPS: list[str] = []\n"


class TestSuggestions:
    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = tests.conf\n"),
            ("pytest.ini", "[pytest]\naddopts = -q --ds=tests.conf\n"),
            ("setup.cfg", "[tool:pytest]\nDJANGO_SETTINGS_MODULE=tests.conf\n"),
            ("tox.ini", "[pytest]\nDJANGO_SETTINGS_MODULE=tests.conf\n"),
            ("tox.ini", "[testenv]\nsetenv =\n    PYTHONPATH=.\n    DJANGO_SETTINGS_MODULE=tests.conf\n"),
            ("tox.ini", "[testenv:py312]\ncommands = django-admin test --settings=tests.conf\n"),
            ("pyproject.toml", '[tool.pytest.ini_options]\nDJANGO_SETTINGS_MODULE = "tests.conf"\n'),
            ("pyproject.toml", '[tool.pytest]\naddopts = ["--ds=tests.conf"]\n'),
            ("runtests.py", "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'tests.conf'\n"),
            ("tests/conftest.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'tests.conf')\n"),
        ],
    )
    def test_modules_of_other_runners_configurations(self, tmp_path: Path, file: str, text: str) -> None:
        advice = hint(tmp_path, {file: text, "shop/settings.py": SETTINGS})
        assert f"--settings tests.conf ({file} names it)." in advice
        assert "shop.settings" not in advice

    @pytest.mark.parametrize(
        ("file", "module"),
        [
            ("settings.py", "settings"),
            ("test_settings.py", "test_settings"),
            ("shop/settings.py", "shop.settings"),
            ("shop/settings/ci.py", "shop.settings.ci"),
            ("shop/settings/__init__.py", "shop.settings"),
            ("example/shop/settings.py", "example.shop.settings"),
            ("src/shop/settings.py", "shop.settings"),
            ("tests/settings_sqlite.py", "tests.settings_sqlite"),
        ],
    )
    def test_files_that_hold_settings(self, tmp_path: Path, file: str, module: str) -> None:
        assert f"--settings {module} ({file} looks like it)." in hint(tmp_path, {file: SETTINGS})

    @pytest.mark.parametrize(
        ("text", "is_one"),
        [
            (SETTINGS, True),
            ("from .base import *\n", True),
            ("from shop.settings import *\n", True),
            ("class SettingsTests(TestCase):\n    pass\n\nDATABASES = {}\n", False),
            ("def test_settings():\n    pass\n", False),
            ("from django.conf import settings\n", False),
            ("def main(:", False),
            ("", False),
        ],
    )
    def test_a_test_module_is_no_settings_module(self, tmp_path: Path, text: str, is_one: bool) -> None:
        assert (
            "--settings" in hint(tmp_path, {"tests/test_settings.py": text}).replace("with --settings", "")
        ) == is_one

    def test_a_folder_that_is_no_package_gives_no_name(self, tmp_path: Path) -> None:
        assert "looks like" not in hint(tmp_path, {"my-shop/settings.py": SETTINGS})
