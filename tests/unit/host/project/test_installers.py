"""The file that decides how a project is installed, the commands of its tool, and the Django in place of its own."""

import subprocess
from pathlib import Path

import pytest

from harness.host.project import installers
from harness.host.project.packaging_files import PackagingFiles
from tests.unit.host.project.conftest import write

PROJECT = '[project]\nname = "shop"\ndependencies = ["django"]\n'
SOURCES = "[tool.uv.sources]\ntoml = {workspace = true}\n"
POETRY = "[tool.poetry.dependencies]\ndjango = '*'\n"


def decided(root: Path, files: dict[str, str]) -> str:
    rule = installers.rule_for(PackagingFiles(write(root, files)))
    return rule.file if rule else ""


def commands(root: Path, files: dict[str, str]) -> list[str]:
    """The commands of the tool itself, without its folder."""
    found = PackagingFiles(write(root, files))
    rule = installers.rule_for(found)
    assert rule is not None
    return [
        each.split(f"{rule.tool}/bin/")[1]
        for each in installers.commands_of(rule, found)
        if f"/bin/{rule.tool}" in each
    ]


class TestOrder:
    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            ({"uv.lock": "", "poetry.lock": "", "Pipfile.lock": ""}, "uv.lock"),
            ({"poetry.lock": "", "pdm.lock": "", "pyproject.toml": PROJECT + SOURCES}, "poetry.lock"),
            ({"pdm.lock": "", "Pipfile": ""}, "pdm.lock"),
            ({"Pipfile.lock": "", "Pipfile": ""}, "Pipfile.lock"),
            ({"pylock.toml": "", "pyproject.toml": PROJECT + POETRY}, "pylock.toml"),
            ({"pyproject.toml": PROJECT + SOURCES, "requirements.txt": ""}, "[tool.uv] of pyproject.toml"),
            ({"pyproject.toml": PROJECT + "[[tool.uv.index]]\nurl = 'https://x'\n"}, "[tool.uv] of pyproject.toml"),
            ({"pyproject.toml": PROJECT + "[tool.uv]\ndev-dependencies = []\n"}, "[tool.uv] of pyproject.toml"),
            ({"pyproject.toml": PROJECT + "[tool.uv]\npackage = false\n"}, ""),
            ({"pyproject.toml": SOURCES}, ""),
            ({"pyproject.toml": POETRY, "requirements.txt": ""}, "[tool.poetry] of pyproject.toml"),
            ({"pyproject.toml": "[tool.poetry.group.test.dependencies]\na = '*'\n"}, "[tool.poetry] of pyproject.toml"),
            ({"pyproject.toml": PROJECT + "[[tool.pdm.source]]\nurl = 'https://x'\n"}, "[tool.pdm] of pyproject.toml"),
            ({"Pipfile": "", "requirements.txt": ""}, "Pipfile"),
            ({"pyproject.toml": PROJECT, "requirements.txt": ""}, ""),
        ],
    )
    def test_the_first_file_that_applies_decides(self, tmp_path: Path, files: dict[str, str], expected: str) -> None:
        assert decided(tmp_path, files) == expected


class TestCommands:
    def test_uv_gets_groups_and_extras_for_tests(self, tmp_path: Path) -> None:
        text = PROJECT + (
            "[project.optional-dependencies]\nTests = []\ndocs = []\n[dependency-groups]\ndev = []\nlint = []\ntest = []\n"
        )
        (command,) = commands(tmp_path, {"uv.lock": "", "pyproject.toml": text})
        assert command == "uv sync --locked --inexact --no-install-project --group test --group dev --extra Tests"

    def test_conflicting_groups_are_not_installed_together(self, tmp_path: Path) -> None:
        text = PROJECT + (
            "[dependency-groups]\ntest = []\ndev = []\nci = []\n"
            '[tool.uv]\nconflicts = [[{group = "test"}, {group = "dev"}], [{extra = "test"}]]\n'
        )
        (command,) = commands(tmp_path, {"uv.lock": "", "pyproject.toml": text})
        assert command.endswith("--group test --group ci")

    def test_without_a_lock_pips_indexes_hold_for_uv(self, tmp_path: Path) -> None:
        found = PackagingFiles(write(tmp_path, {"pyproject.toml": PROJECT + SOURCES}))
        rule = installers.rule_for(found)
        assert rule is not None
        (command,) = [each for each in installers.commands_of(rule, found) if "$PIP_INDEX_URL" in each]
        assert command.endswith("/uv sync --inexact --no-install-project ${PIP_NO_INDEX:+--no-index}")
        locked = installers.commands_of(installers.RULES[0], found)
        assert not any("$PIP_INDEX_URL" in each for each in locked)

    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            ({"poetry.lock": "", "pyproject.toml": POETRY}, ["poetry install --no-root"]),
            (
                {
                    "pyproject.toml": POETRY
                    + "[tool.poetry.extras]\ntest = []\n[tool.poetry.group.dev]\noptional = true\n"
                    + "[tool.poetry.group.docs]\noptional = true\n[tool.poetry.group.ci.dependencies]\n"
                },
                ["poetry install --no-root --with dev --extras test"],
            ),
            ({"pdm.lock": "", "pyproject.toml": PROJECT}, ["pdm install --check --no-self"]),
            ({"Pipfile.lock": "", "Pipfile": ""}, ["pipenv verify", "pipenv sync --system --dev"]),
            ({"Pipfile": ""}, ["pipenv install --skip-lock --system --dev"]),
            (
                {"pylock.toml": 'dependency-groups = ["test", "docs"]\nextras = ["dev"]\n'},
                ["uv pip install -r pylock.toml --group test --extra dev"],
            ),
        ],
    )
    def test_of_the_other_tools(self, tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
        assert commands(tmp_path, files) == expected

    def test_a_tool_has_an_environment_of_its_own_and_goes(self, tmp_path: Path) -> None:
        found = PackagingFiles(write(tmp_path, {"uv.lock": ""}))
        first, *_, last = installers.commands_of(installers.RULES[0], found)
        assert first.startswith("python -m venv /tmp/harness-tools/uv && PIP_CONSTRAINT= ")
        assert first.endswith("'uv>=0.8'")
        assert last == "rm -rf /tmp/harness-tools"


class TestFolders:
    @pytest.mark.parametrize(
        ("files", "is_named"),
        [
            ({"pyproject.toml": PROJECT + SOURCES}, True),
            ({"pyproject.toml": PROJECT + "[tool.uv.workspace]\nmembers = ['x']\n"}, True),
            ({"pyproject.toml": POETRY + "a = {path = 'libs/a'}\n"}, True),
            ({"pyproject.toml": '[project]\nname = "x"\ndependencies = ["a @ {root:uri}/a"]\n'}, True),
            ({"pyproject.toml": '[dependency-groups]\ntest = ["a @ file:///project/a"]\n'}, True),
            ({"pyproject.toml": '[project]\nname = "x"\ndynamic = ["dependencies"]\n'}, True),
            ({"Pipfile": "[packages]\nshop = {path = '.', editable = true}\n"}, True),
            ({"pyproject.toml": PROJECT + "[tool.uv.sources]\na = {git = 'https://x'}\n"}, False),
            ({"pyproject.toml": '[project]\nname = "x"\ndynamic = ["version"]\n'}, False),
            ({"Pipfile": "[packages]\ndjango = '*'\n"}, False),
        ],
    )
    def test_folders_and_builds_are_seen(self, tmp_path: Path, files: dict[str, str], is_named: bool) -> None:
        assert installers.names_folders(PackagingFiles(write(tmp_path, files))) is is_named


def test_an_index_of_pip_holds_for_each_tool() -> None:
    found = installers.from_pip({"PIP_INDEX_URL": "https://x.example/simple", "PIP_TRUSTED_HOST": "x.example"})
    assert found == {
        "POETRY_PYPI_MIRROR_URL": "https://x.example/simple",
        "PIPENV_PYPI_MIRROR": "https://x.example/simple",
        "PDM_PYPI_URL": "https://x.example/simple",
        "UV_INSECURE_HOST": "x.example",
    }
    assert installers.from_pip({}) == {"POETRY_PYPI_MIRROR_URL": installers.PUBLIC_INDEX}


PIP = """#!/bin/sh
case "$1" in
  install) echo "$@" >>installed; [ -z "$BREAKS" ] || echo "$BREAKS" >>conflicts;;
  check) [ ! -s conflicts ] || { cat conflicts; exit 1; }; echo "No broken requirements found.";;
esac
"""
KNOWN = "a 1.0 has requirement Django<5, but you have django {}."
OTHER = "b 2.0 has requirement Django<6,>=5, but you have django 6.1.3."


class TestDjango:
    """The command that installs the Django that was asked for, by a real shell with a pip of its own."""

    def run(
        self, folder: Path, conflicts: str = "", breaks: str = "", origin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        info = folder / "django-5.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Django\nVersion: 5.2\n")
        (info / "direct_url.json").write_text(origin)
        (folder / "pip").write_text(PIP)
        (folder / "pip").chmod(0o755)
        (folder / "conflicts").write_text(conflicts)
        script = f"PATH={folder}:$PATH\nln -s $(command -v python3) python\n{installers.django_command('6.1')}"
        variables = {"PATH": "/usr/bin:/bin", "BREAKS": breaks, "PYTHONPATH": str(folder)}
        return subprocess.run(["sh", "-c", script], cwd=folder, env=variables, capture_output=True, text=True)

    def test_the_newest_of_the_series_is_installed(self, tmp_path: Path) -> None:
        assert self.run(tmp_path).returncode == 0
        assert (tmp_path / "installed").read_text() == "install --upgrade Django~=6.1.0\n"

    def test_a_requirement_that_breaks_is_printed_and_fails(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, KNOWN.format("5.2") + "\n", OTHER)
        assert (done.returncode, done.stdout) == (1, f"{OTHER}\n")

    def test_a_requirement_that_was_broken_before_does_not_count(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, KNOWN.format("5.2") + "\n", KNOWN.format("6.1.3")).returncode == 0

    def test_a_django_from_a_repository_or_a_folder_stays(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, origin='{"url": "https://git.example/django"}').returncode == 0
        assert not (tmp_path / "installed").exists()

    def test_the_next_step_names_the_packages_in_conflict(self) -> None:
        advice = installers.django_advice("6.1", f"ERROR: pip's resolver\n{OTHER}\n{KNOWN.format('6.1.3')}\n")
        assert advice.startswith(
            "b 2.0 requires Django<6,>=5, and would get django 6.1.3; a 1.0 requires Django<5, and"
        )
        assert advice.endswith("Name another version of b, a in the project's files, or leave 6.1 out of django.")

    @pytest.mark.parametrize(
        ("ignored", "expected"),
        [
            ("", "The index has no release of Django 7.0"),
            ("6.1.3 Requires-Python >=3.12", "The index has no release of Django 7.0"),
            ("6.1.3 Requires-Python >=3.12; 7.0 Requires-Python >=3.14", "Django 7.0 requires Python >=3.14"),
            ("7.0.1 Requires-Python >=3.14; 7.1 Requires-Python >=3.15", "Django 7.0.1 requires Python >=3.14"),
        ],
    )
    def test_a_release_that_is_not_there_has_its_reason(self, ignored: str, expected: str) -> None:
        output = f"ERROR: Ignored the following versions that require a different python version: {ignored}\n" * bool(
            ignored
        )
        advice = installers.django_advice("7.0", f"{output}ERROR: No matching distribution found for Django~=7.0.0\n")
        assert advice.startswith(expected)

    def test_any_other_output_has_no_advice(self) -> None:
        assert installers.django_advice("6.1", "ERROR: could not resolve host") == ""

    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            ({"pyproject.toml": "[tool.uv.sources]\nDjango = {index = 'company'}\n"}, "company"),
            (
                {"pyproject.toml": "[tool.poetry.dependencies]\ndjango = {version = '*', source = 'company'}\n"},
                "company",
            ),
            ({"pyproject.toml": "[tool.poetry.group.dev.dependencies]\ndjango = {source = 'company'}\n"}, "company"),
            ({"Pipfile": "[packages]\nDjango = {version = '*', index = 'company'}\n"}, "company"),
            ({"pyproject.toml": "[tool.uv.sources]\nother = {index = 'company'}\ndjango = {git = 'https://x'}\n"}, ""),
            ({"pyproject.toml": POETRY}, ""),
        ],
    )
    def test_an_index_for_django_alone_is_seen(self, tmp_path: Path, files: dict[str, str], expected: str) -> None:
        assert installers.django_index(PackagingFiles(write(tmp_path, files))) == expected
