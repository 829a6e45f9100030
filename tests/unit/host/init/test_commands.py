from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from harness.host.init.ci_files.steps import Step
from harness.host.init.commands import parse
from harness.host.init.commands import test_commands as commands_in
from tests.unit.host.project.conftest import write

WORKFLOW = ".github/workflows/a.yml"


def workflow(*commands: str) -> str:
    steps = "".join(f"      - run: {command}\n        env: {{LEVEL: step}}\n" for command in commands)
    return f"jobs:\n  tests:\n    steps:\n{steps}"


class TestParse:
    @pytest.mark.parametrize(
        ("text", "script", "values"),
        [
            ("python manage.py test", "manage.py", {}),
            ("./manage.py test core --exclude-tag=slow", "manage.py", {"labels": ("core",), "exclude_tag": ("slow",)}),
            ("coverage run --source=. tests/manage.py test tests", "tests/manage.py", {"labels": ("tests",)}),
            ("coverage run --module manage test -v 2 a b", "manage.py", {"labels": ("a", "b")}),
            ("django-admin test tests --settings tests.s", "", {"labels": ("tests",), "settings": ("tests.s",)}),
            ("python -W error -m django test --parallel 4 a > log", "", {"labels": ("a",)}),
            (
                "manage.py test -p 'check_*.py' -t src $ARGS",
                "manage.py",
                {"pattern": ("check_*.py",), "top_level_directory": ("src",)},
            ),
        ],
    )
    def test_of_django(self, text: str, script: str, values: dict[str, tuple[str, ...]]) -> None:
        command = parse(shlex.split(text), Step("here", text), Path("nowhere"))
        assert command is not None
        assert (command.kind, command.script, command.values) == ("django", script, values)

    @pytest.mark.parametrize("text", ["pytest tests", "python -m pytest", "uv run pytest", "coverage run -m pytest"])
    def test_of_pytest(self, text: str) -> None:
        command = parse(shlex.split(text), Step("here", text), Path("nowhere"))
        assert command is not None
        assert command.kind == "pytest"

    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("pytest -n4 --dist loadfile -q", {"left_out": ("-n4", "--dist", "loadfile")}),
            ("pytest -vv --tb=short -ra --durations 5 --junitxml out.xml --reuse-db", {}),
            (
                "pytest --cov shop -k 'a b' $ARGS",
                {"left_out": ("--cov",), "labels": ("shop",), "pytest_args": ("-k", "a b")},
            ),
            ("pytest -m $MARK -p no:x --ds a.b > log", {"pytest_args": ("-p", "no:x"), "settings": ("a.b",)}),
            (
                "pytest --import-mode=importlib --deselect a.py::b",
                {"pytest_args": ("--import-mode=importlib", "--deselect", "a.py::b")},
            ),
            ("pytest --odd word", {"pytest_args": ("--odd", "word")}),
        ],
    )
    def test_options_of_pytest(self, text: str, values: dict[str, tuple[str, ...]]) -> None:
        command = parse(shlex.split(text), Step("here", text), Path("nowhere"))
        assert command is not None
        assert command.values == values

    @pytest.mark.parametrize(
        "text", ["pip install pytest", "python manage.py check", "uv pip install pytest", "echo test"]
    )
    def test_other_commands_run_no_tests(self, text: str) -> None:
        assert parse(shlex.split(text), Step("here", text), Path("nowhere")) is None


SCRIPTS = {
    "runtests.py": "if __name__ == '__main__':\n    DiscoverRunner().run_tests(['shop'])\n",
    "tools/quicktest.py": "call_command('test', 'shop')\n",
    "tools/dev.py": "execute_from_command_line(sys.argv)\n",
    "pytests.py": "import pytest\npytest.main()\n",
    "setup.py": "setup(test_suite='runtests.run')\n",
    "pyproject.toml": '[project.scripts]\nshop-server = "shop.cli:main"\n',
}


class TestScripts:
    @pytest.mark.parametrize(
        ("text", "bootstrap", "values"),
        [
            ("python runtests.py", "runtests.py", {}),
            ("./runtests.py --fast shop $ARGS", "runtests.py --fast shop", {}),
            ("coverage run -a runtests.py", "runtests.py", {}),
            ("python -m coverage run --source shop runtests.py 'a b' > log", "runtests.py 'a b'", {}),
            ("uv run python3.12 -Wd ./tools/quicktest.py", "tools/quicktest.py", {}),
            ("python -m tools.quicktest", "python -m tools.quicktest", {}),
            ("python tools/dev.py test shop --tag=fast", "tools/dev.py test", {"labels": ("shop",), "tag": ("fast",)}),
            ("python -m tools.dev test", "python -m tools.dev test", {}),
            ("poetry run shop-server test shop", "shop-server test", {"labels": ("shop",)}),
            ("shop-server test", "shop-server test", {}),
        ],
    )
    def test_of_the_project_itself(
        self, tmp_path: Path, text: str, bootstrap: str, values: dict[str, tuple[str, ...]]
    ) -> None:
        write(tmp_path, SCRIPTS)
        command = parse(shlex.split(text), Step("here", text), tmp_path)
        assert command is not None
        assert (command.kind, command.bootstrap, command.values) == ("django", bootstrap, values)

    def test_one_that_is_named_from_its_folder(self, tmp_path: Path) -> None:
        write(tmp_path, SCRIPTS)
        command = parse(["python", "quicktest.py"], Step("here", "", "tools"), tmp_path)
        assert command is not None
        assert command.bootstrap == "quicktest.py"

    @pytest.mark.parametrize(
        "text",
        [
            "black shop runtests.py",
            "python -m flake8 runtests.py",
            "cp runtests.py elsewhere",
            "python pytests.py",
            "python nowhere.py",
            "python ../runtests.py",
            "python setup.py test",
        ],
    )
    def test_other_commands_run_none(self, tmp_path: Path, text: str) -> None:
        write(tmp_path, SCRIPTS)
        assert parse(shlex.split(text), Step("here", text), tmp_path) is None

    def test_the_suite_of_a_setup_py_may_be_a_function(self, tmp_path: Path) -> None:
        write(tmp_path, {**SCRIPTS, "runtests.py": "def run():\n    pass\n"})
        command = parse(["python", "setup.py", "test"], Step("here", ""), tmp_path)
        assert command is not None
        assert command.bootstrap == "runtests:run"


class TestFollowed:
    def test_tox_is_followed_from_the_workflow(self, tmp_path: Path) -> None:
        tox = """\
[testenv]
changedir = suite
setenv =
    PYTHONPATH = {toxinidir}
    COLOUR = grey
    special: COLOUR = blue
commands =
    sqlite: python -m django test {posargs:tests}
"""
        write(tmp_path, {WORKFLOW: workflow("tox -v"), "tox.ini": tox})
        (command,) = commands_in(tmp_path)
        assert command.step.where == "tox.ini, by .github/workflows/a.yml"
        assert command.values == {"labels": ("tests",)}
        assert command.step.folder == "suite"
        assert command.step.env["COLOUR"] == ("grey",)
        assert command.step.env["LEVEL"] == ("step",)

    def test_make_is_followed_through_targets(self, tmp_path: Path) -> None:
        makefile = "APPS ?= a b\nci: build test\nbuild:\n\techo\ntest:\n\t@python -m manage test $(APPS) $${MORE:-c}\n"
        write(tmp_path, {WORKFLOW: workflow("make ci"), "Makefile": makefile})
        (command,) = commands_in(tmp_path)
        assert command.values == {"labels": ("a", "b", "c")}

    def test_a_script_is_followed(self, tmp_path: Path) -> None:
        script = "export A=b\nDJANGO_SETTINGS_MODULE=t.settings django-admin test\n"
        write(tmp_path, {WORKFLOW: workflow("./run.sh"), "run.sh": script})
        (command,) = commands_in(tmp_path)
        assert command.step.env["DJANGO_SETTINGS_MODULE"] == ("t.settings",)

    def test_a_makefile_that_calls_itself_ends(self, tmp_path: Path) -> None:
        write(tmp_path, {"Makefile": "a: b\n\tmake b\nb: a\n\tmake a\n"})
        assert commands_in(tmp_path) == []

    def test_gitlab(self, tmp_path: Path) -> None:
        text = "variables: {A: b}\nt:\n  services: ['postgres:17', {name: mysql}]\n  script: [python manage.py test]\n"
        write(tmp_path, {".gitlab-ci.yml": text})
        (command,) = commands_in(tmp_path)
        assert command.step.images == ("postgres:17", "mysql")
        assert command.step.env == {"A": ("b",)}

    def test_variables_and_the_folder_of_a_shell_hold_on(self, tmp_path: Path) -> None:
        script = "export A=b\ncd server\ncd site && python manage.py test\ncd .. && python manage.py test c\n"
        write(tmp_path, {"run.sh": script})
        first, second = commands_in(tmp_path)
        assert (first.step.folder, second.step.folder) == ("server/site", "server")
        assert second.step.env == {"A": ("b",)}

    @pytest.mark.parametrize(
        ("call", "file", "text"),
        [
            (
                "just unit",
                "justfile",
                "uv := 'uv'\nbuild:\n    npm\n\nunit app='': build\n    @{{uv}} python manage.py test a {{app}}\n",
            ),
            ("uv run just unit", "Justfile", "unit:\n  manage.py test a\n"),
            (
                "hatch run unit",
                "pyproject.toml",
                '[tool.hatch.envs.default.scripts]\nunit = "manage.py test {args:a}"\n',
            ),
            ("hatch run ci:unit", "pyproject.toml", '[tool.hatch.envs.ci.scripts]\nunit = ["x", "manage.py test a"]\n'),
            ("pdm run unit", "pyproject.toml", '[tool.pdm.scripts]\nunit = {cmd = "manage.py test a"}\n'),
            ("uv run poe unit", "pyproject.toml", '[tool.poe.tasks]\nunit = "manage.py test a"\n'),
            ("pipenv run unit", "Pipfile", '[scripts]\nunit = "manage.py test a"\n'),
            ("uvx nox -s unit", "noxfile.py", "@nox.session\ndef unit(s):\n    s.run('manage.py', 'test', 'a')\n"),
        ],
    )
    def test_a_recipe_is_followed(self, tmp_path: Path, call: str, file: str, text: str) -> None:
        write(tmp_path, {WORKFLOW: workflow(call), file: text})
        (command,) = commands_in(tmp_path)
        assert command.values == {"labels": ("a",)}
        assert command.step.where == f"{file}, by {WORKFLOW}"

    @pytest.mark.parametrize("file", ["Makefile", "justfile"])
    def test_each_line_of_a_recipe_has_its_own_shell(self, tmp_path: Path, file: str) -> None:
        write(tmp_path, {file: "test:\n\tcd docs && build\n\tmanage.py test\n"})
        (command,) = commands_in(tmp_path)
        assert command.step.folder == ""

    def test_the_commands_before_the_tests_in_their_job(self, tmp_path: Path) -> None:
        write(tmp_path, {WORKFLOW: workflow("make build", "manage.py test", "last"), "Makefile": "build:\n\tfirst\n"})
        (command,) = commands_in(tmp_path)
        assert [each.words for each in command.earlier] == [("first",)]

    def test_environments_of_tox_do_not_know_each_other(self, tmp_path: Path) -> None:
        tox = "".join(f"[testenv:{name}]\ndeps = {name}\ncommands = manage.py test\n" for name in ("a", "b"))
        write(tmp_path, {WORKFLOW: workflow("pip install tox", "tox"), "tox.ini": tox})
        first, second = commands_in(tmp_path)
        assert [each.words[-1] for each in first.earlier] == ["tox", "a"]
        assert [each.words[-1] for each in second.earlier] == ["tox", "b"]

    def test_the_filters_of_warnings(self, tmp_path: Path) -> None:
        run = "python -W error::DeprecationWarning -Wdefault -b -m coverage run -W x manage.py test"
        write(tmp_path, {"run.sh": f"export PYTHONWARNINGS=ignore,once\n{run}\n"})
        (command,) = commands_in(tmp_path)
        assert command.warnings == ("ignore", "once", "error::DeprecationWarning", "default")
