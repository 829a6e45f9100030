from pathlib import Path

import pytest

from harness.errors import ExitCode
from tests.unit.host.config.conftest import load, refuse

FILE = """
# a comment
COLOUR=red
export SHAPE="round # and more"
SIZE=${COLOUR}-9
EMPTY=
NOTHING
"""
TABLES = """
env = { COLOUR = "blue" }
[tool.harness.env_for.mysql]
COLOUR = "green"
[tool.harness.env_for.sqlite]
COLOUR = "grey"
"""


class TestEnvFile:
    def test_its_lines_are_variables_of_the_tests(self, project: Path) -> None:
        (project / ".env").write_text(FILE)
        env = load(project, 'env_file = ".env"').env
        assert env == {"COLOUR": "red", "SHAPE": "round # and more", "SIZE": "red-9", "EMPTY": ""}

    def test_env_and_passed_variables_replace_them(self, project: Path) -> None:
        (project / ".env").write_text("A=file\nB=file\nC=file\n")
        toml = 'env_file = ".env"\nenv = { B = "env", C = "env" }\npass_env = ["C"]'
        assert load(project, toml, {"C": "passed"}).env == {"A": "file", "B": "env", "C": "passed"}

    def test_it_may_name_the_settings(self, project: Path) -> None:
        (project / ".env").write_text("DJANGO_SETTINGS_MODULE=shop.ci\n")
        assert load(project, 'env_file = ".env"').settings == "shop.ci"

    def test_one_that_is_not_there_is_refused(self, project: Path) -> None:
        error = refuse(project, 'env_file = ".env"')
        assert error.exit_code == ExitCode.USAGE
        assert f"env_file names {project / '.env'}, which cannot be read." in error.message


class TestEnvFor:
    @pytest.mark.parametrize(
        ("db", "colour"),
        [
            ((), "blue"),
            (("postgres",), "blue"),
            (("mysql:9.7",), "green"),
            (("sqlite",), "grey"),
            (("mysql", "catalog=sqlite"), "green"),
            (("default=sqlite",), "grey"),
        ],
    )
    def test_a_table_counts_where_db_asks_for_its_backend(
        self, project: Path, db: tuple[str, ...], colour: str
    ) -> None:
        assert load(project, TABLES, db=db).env == {"COLOUR": colour}

    @pytest.mark.parametrize(
        ("toml", "message"),
        [
            ('[tool.harness.env_for.oracle]\nA = "1"', "oracle"),
            ("[tool.harness.env_for]\nmysql = 3", "env_for.mysql"),
            ("[tool.harness.env_for.mysql]\nA = 3", "env_for.mysql.A"),
        ],
    )
    def test_a_wrong_table_is_refused(self, project: Path, toml: str, message: str) -> None:
        error = refuse(project, toml)
        assert error.exit_code == ExitCode.USAGE
        assert message in error.message
