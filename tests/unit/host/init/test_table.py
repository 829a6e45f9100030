from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import UsageError
from harness.host.config.load import load
from harness.host.init.evidence import Found
from harness.host.init.findings import Findings
from harness.host.init.own_table import without_table
from harness.host.init.table import WORKFLOW, inserted, render, workflow_text
from tests.checks.test_workflows import lint
from tests.markdown import ROOT
from tests.unit.host.init.test_findings import PROJECT
from tests.unit.host.project.conftest import write

TABLE = '[tool.harness]\nlabels = ["a"]\n'
PATH = Path("pyproject.toml")
FINDINGS = Findings(
    (
        Found("workdir", "tests", "manage.py is there"),
        Found("KEY", 'a "b"\\\n\x7f', "settings.py\nreads it", "env"),
        Found("DB", "mysql", "ci.yml", "env_for.mysql"),
    )
)


class TestRender:
    def test_each_key_has_its_source(self) -> None:
        assert render(FINDINGS).startswith(
            '[tool.harness]\n# manage.py is there\nworkdir = "tests"\n\n[tool.harness.env]\n'
        )
        assert "# settings.py reads it\n" in render(FINDINGS)

    def test_it_is_what_was_found(self) -> None:
        assert tomllib.loads(render(FINDINGS))["tool"]["harness"] == {
            "workdir": "tests",
            "env": {"KEY": 'a "b"\\\n\x7f'},
            "env_for": {"mysql": {"DB": "mysql"}},
        }


class TestInserted:
    @pytest.mark.parametrize("content", ["", "[project]\nname = 'a' # b", "[tool.other]\na = 1\n\n", "a = 1\r\n"])
    def test_every_other_byte_stays(self, content: str) -> None:
        text = inserted(content.encode(), TABLE, PATH, force=False)
        assert text.startswith(content)
        assert tomllib.loads(text)["tool"]["harness"] == {"labels": ["a"]}
        assert ("\r" in content) == ("\r" in text.removeprefix(content))

    def test_a_table_is_not_replaced_unasked(self) -> None:
        with pytest.raises(UsageError, match="already"):
            inserted(TABLE.encode(), TABLE, PATH, force=False)

    def test_force_replaces_the_table_alone(self) -> None:
        content = "[tool.harness]\nb = 1\n[tool.harness.env]\nA = '1'\n[tool.other]  # c\nd = [\n  1,\n]\n"
        text = inserted(content.encode(), TABLE, PATH, force=True)
        assert text == "[tool.other]  # c\nd = [\n  1,\n]\n\n" + TABLE

    @pytest.mark.parametrize("content", ["tool = {a = 1}\n", "[tool]\nharness = {}\n", "a = \n"])
    def test_a_form_that_cannot_be_extended_is_an_error(self, content: str) -> None:
        with pytest.raises(UsageError):
            inserted(content.encode(), TABLE, PATH, force=True)

    def test_a_file_of_ours_alone_becomes_empty(self) -> None:
        assert without_table(TABLE) == ""


class TestCommand:
    def test_the_result_is_a_configuration(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write(tmp_path, {f"backend/{name}": text for name, text in PROJECT.items()})
        assert main(["init", "--project", str(tmp_path)]) == 0
        assert "Wrote pyproject.toml." in capsys.readouterr().out
        config = load({}, {}, tmp_path)
        assert (config.workdir, config.settings) == ("backend", "shop.settings")
        assert main(["init", "--project", str(tmp_path)]) == 2
        assert main(["init", "--project", str(tmp_path), "--force"]) == 0

    def test_print_writes_nothing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write(tmp_path, PROJECT)
        assert main(["init", "--project", str(tmp_path), "--print"]) == 0
        assert capsys.readouterr().out.startswith("[tool.harness]\n")
        assert not (tmp_path / PATH).exists()

    def test_a_folder_without_django_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["init", "--project", str(tmp_path)]) == 4
        assert "no Django project" in capsys.readouterr().err

    def test_a_workflow_is_not_replaced_unasked(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, str(WORKFLOW): "mine"})
        assert main(["init", "--project", str(tmp_path), "--workflow"]) == 2
        assert not (tmp_path / PATH).exists()
        assert main(["init", "--project", str(tmp_path), "--workflow", "--force"]) == 0
        assert "harness ci" in (tmp_path / WORKFLOW).read_text()


class TestWorkflow:
    @pytest.mark.parametrize(("folder", "backends"), [(".", ()), ("backend", ("postgres:17", "sqlite"))])
    def test_the_linters_accept_it(self, tmp_path: Path, folder: str, backends: tuple[str, ...]) -> None:
        write(tmp_path, {str(WORKFLOW): workflow_text(tmp_path / folder, tmp_path, backends)})
        (tmp_path / ".git").mkdir()
        lint("actionlint", tmp_path / WORKFLOW, cwd=tmp_path)
        lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", tmp_path / WORKFLOW)
        lint("zizmor", "--offline", "--no-progress", tmp_path)
        called = [line for line in (tmp_path / WORKFLOW).read_text().splitlines() if "harness ci" in line]
        assert [line.count("--db") for line in called] == [len(backends)]

    def test_its_pins_are_those_of_the_page(self, tmp_path: Path) -> None:
        page = (ROOT / "docs" / "how-to" / "github-actions.md").read_text()
        uses = [line.strip() for line in workflow_text(tmp_path, tmp_path, ()).splitlines() if "uses:" in line]
        assert len(uses) == 3
        assert [line for line in uses if line not in page] == []
