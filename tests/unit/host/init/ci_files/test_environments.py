from __future__ import annotations

from pathlib import Path

import pytest

from harness.host.init.ci_files.environments import nox_steps, tox_steps
from tests.unit.host.project.conftest import write

INI = """\
[shared]
deps = factory-boy
[testenv]
changedir = suite
extras = tests
setenv = COLOUR = grey
deps =
    {[shared]deps}
    dj42: Django~=4.2
    dj52: Django~=5.2
    djmain: https://example.com/django.tar.gz
    freezegun  # for the clock
    postgres: -rrequirements/postgres.txt
    mysql: mysqlclient
commands =
    sqlite: manage.py test {posargs:tests}
[testenv:docs]
deps = sphinx
"""
TOML = """\
[env_run_base]
change_dir = "suite"
deps = ["factory-boy", "freezegun"]
dependency_groups = ["dev"]
set_env = { COLOUR = "grey" }
commands = [["manage.py", "test", { replace = "posargs", default = ["tests"], extend = true }]]
[env.docs]
commands = [["sphinx-build"]]
"""
NOX = """\
import nox
PACKAGES = ["factory-boy", "freezegun"]
LOCATION = "suite"

@nox.session
@nox.parametrize("django", ["5.2"])
def tests(session, django):
    session.install(*PACKAGES, f"Django~={django}")
    session.install("-r", "requirements/test.txt")
    session.env["COLOUR"] = "grey"
    session.chdir(LOCATION)
    session.run("manage.py", "test", *(session.posargs or ["tests"]), env={"A": "b"})

def helper(session):
    session.run("other")
"""


class TestTox:
    def test_an_ini_file(self, tmp_path: Path) -> None:
        write(tmp_path, {"tox.ini": INI})
        (step,) = tox_steps(tmp_path)
        install, *commands = filter(None, step.text.splitlines())
        assert (
            install
            == "pip install '.[tests]' factory-boy freezegun -rrequirements/postgres.txt mysqlclient 'Django~=5.2'"
        )
        assert [each.strip() for each in commands] == ["manage.py test tests"]
        assert (step.where, step.folder, step.env) == ("tox.ini", "suite", {"COLOUR": ("grey",)})

    def test_a_variable_on_several_lines(self, tmp_path: Path) -> None:
        setenv = "setenv =\n    A = \\\n        one,\\\n        # a remark\n        two\n    B = c\n"
        write(tmp_path, {"tox.ini": f"[testenv]\n{setenv}commands = manage.py test\n"})
        (step,) = tox_steps(tmp_path)
        assert step.env == {"A": ("one,two",), "B": ("c",)}

    def test_an_ini_file_inside_pyproject(self, tmp_path: Path) -> None:
        write(tmp_path, {"pyproject.toml": f"[tool.tox]\nlegacy_tox_ini = '''\n{INI}'''\n"})
        (step,) = tox_steps(tmp_path)
        assert (step.where, step.folder) == ("pyproject.toml", "suite")

    @pytest.mark.parametrize("file", ["tox.toml", "pyproject.toml"])
    def test_tables(self, tmp_path: Path, file: str) -> None:
        text = TOML if file == "tox.toml" else TOML.replace("[env", "[tool.tox.env")
        write(tmp_path, {file: text})
        step, docs = tox_steps(tmp_path)
        assert step.text.splitlines() == ["pip install --group dev factory-boy freezegun", "manage.py test tests"]
        assert (step.where, step.folder, step.env) == (file, "suite", {"COLOUR": ("grey",)})
        assert docs.text.splitlines()[-1] == "sphinx-build"

    def test_a_broken_file_has_no_steps(self, tmp_path: Path) -> None:
        write(tmp_path, {"tox.toml": "[", "tox.ini": "deps = a"})
        assert tox_steps(tmp_path) == []


class TestNox:
    def test_the_calls_of_a_session(self, tmp_path: Path) -> None:
        write(tmp_path, {"noxfile.py": NOX})
        (step,) = nox_steps(tmp_path)
        assert step.text.splitlines() == [
            "pip install factory-boy freezegun '$NAME'",
            "pip install -r requirements/test.txt",
            "export COLOUR=grey",
            "cd suite",
            "A=b manage.py test tests",
        ]

    def test_a_broken_file_has_no_steps(self, tmp_path: Path) -> None:
        write(tmp_path, {"noxfile.py": "def"})
        assert nox_steps(tmp_path) == []
