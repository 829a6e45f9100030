from __future__ import annotations

from pathlib import Path

import pytest

from harness.host.init.ci_files.steps import Command, Step, words_of
from harness.host.init.preparation import debian_packages, packages, preparing_commands, python_of_ci
from tests.unit.host.project.conftest import write


def job(text: str, folder: str = "") -> list[Command]:
    return [Command(words, Step("ci.yml", text, folder)) for words, _ in words_of(text)]


def installed(root: Path, text: str) -> dict[str, tuple[str, ...]]:
    return {key: value for key, value, _ in packages(root, job(text))}


class TestDebian:
    def test_libraries_under_their_names_in_debian(self) -> None:
        commands = job("sudo apt-get -qq install -y libmysqlclient-dev redis-server \\\n gdal-bin && pip install apt")
        assert debian_packages(commands) == {"default-libmysqlclient-dev": "ci.yml", "gdal-bin": "ci.yml"}


class TestPackages:
    def test_those_of_the_job_that_no_file_names(self, tmp_path: Path) -> None:
        write(tmp_path, {"requirements.txt": "Django\nsix\n"})
        job = "python -m pip install -U pip Django coverage pytest-cov six 'mock>=5' $MORE ./wheel.whl -e . && make"
        assert installed(tmp_path, job) == {"extra_install": ("mock>=5",)}

    @pytest.mark.parametrize(
        ("text", "drivers"),
        [
            ("psycopg2 mysqlclient", ("psycopg2", "mysqlclient")),
            ("psycopg2-binary psycopg[binary]", ("psycopg[binary]",)),
            ("'psycopg[c]>=3' psycopg2", ("psycopg[c]>=3",)),
        ],
    )
    def test_one_driver_for_each_engine(self, tmp_path: Path, text: str, drivers: tuple[str, ...]) -> None:
        write(tmp_path, {"requirements.txt": "Django\n"})
        assert installed(tmp_path, f"pip install {text}") == {"extra_install": drivers}
        write(tmp_path, {"requirements.txt": "Django\npsycopg2-binary\nPyMySQL\n"})
        assert installed(tmp_path, f"pip install {text}") == {}

    def test_further_requirements_files(self, tmp_path: Path) -> None:
        files = dict.fromkeys(("requirements.txt", "requirements/db.txt", "requirements/dj5.txt"), "Django\n")
        write(tmp_path, files)
        text = "uv pip install -r requirements.txt -r requirements/${{ matrix.dj }}.txt -r requirements/db.txt"
        assert installed(tmp_path, text) == {"extra_install": ("--requirement=requirements/db.txt",)}
        assert installed(tmp_path, "pip install -r requirements.txt -r missing.txt") == {}

    def test_a_file_of_tools_alone(self, tmp_path: Path) -> None:
        files = {
            "requirements.txt": "Django\n",
            "tox.txt": "-r coverage.txt\ntox==4.26\n",
            "coverage.txt": "coverage[toml]\n",
        }
        write(tmp_path, files)
        assert installed(tmp_path, "pip install -r tox.txt") == {}

    def test_other_requirements_files(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"requirements.txt": "Django<5\n", "deploy/all.txt": "Django\n-r more.txt\n", "deploy/more.txt": "six"},
        )
        assert installed(tmp_path, "pip install -r deploy/all.txt mock six") == {
            "install": ("pip install -r deploy/all.txt",),
            "extra_install": ("mock",),
        }

    def test_no_file_beside_a_lock(self, tmp_path: Path) -> None:
        write(tmp_path, {"uv.lock": "", "pyproject.toml": "[project]\nname = 'a'\n", "all.txt": "Django\n"})
        assert installed(tmp_path, "pip install -r all.txt mock") == {"extra_install": ("mock",)}

    @pytest.mark.parametrize(
        ("file", "text", "is_named"),
        [
            ("setup.py", 'setup(install_requires=["Django>=4.2"])', True),
            ("setup.py", 'setup(classifiers=["Framework :: Django", "Framework :: Django :: 5.2"])', False),
            ("setup.cfg", "[options]\ninstall_requires =\n    Django >= 4.2\n", True),
            (
                "setup.cfg",
                "[metadata]\ndescription = for Django\nclassifiers =\n    Framework :: Django :: 5.2\n",
                False,
            ),
            ("requirements.txt", "asgiref\ndjango[argon2]\n", True),
            ("pyproject.toml", "[project]\nname = 'a'\ndependencies = ['asgiref', 'Django']\n", True),
        ],
    )
    def test_django_is_installed_where_no_file_requires_it(
        self, tmp_path: Path, file: str, text: str, is_named: bool
    ) -> None:
        write(tmp_path, {file: text})
        found = installed(tmp_path, "pip install 'Django~=5.2'")
        assert found == ({} if is_named else {"extra_install": ("Django~=5.2",)})

    def test_extras_and_groups(self, tmp_path: Path) -> None:
        pyproject = """
[project]
name = "a"
dependencies = ["Django"]
[project.optional-dependencies]
tests = ["six"]
browser = ["mock", "a[tests]"]
[dependency-groups]
clock = ["freezegun"]
"""
        write(tmp_path, {"pyproject.toml": pyproject})
        assert installed(tmp_path, "pip install -e .[browser] --group clock") == {
            "extra_install": ("mock", "freezegun")
        }

    def test_extras_that_only_a_build_knows(self, tmp_path: Path) -> None:
        write(tmp_path, {"setup.py": "setup(extras_require=EXTRAS)\n"})
        assert installed(tmp_path, "pip install -e .[browser] mock") == {
            "install": ("pip install '.[browser]'",),
            "extra_install": ("mock",),
        }

    def test_its_own_table_does_not_count(self, tmp_path: Path) -> None:
        write(tmp_path, {"setup.py": "", "pyproject.toml": "[tool.harness]\nextra_install = ['mock']\n"})
        assert installed(tmp_path, "pip install mock") == {"extra_install": ("mock",)}


class TestPreparing:
    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("uv run manage.py collectstatic --noinput", ["python manage.py collectstatic --noinput"]),
            ("python -m django compilemessages && python manage.py check", ["python manage.py compilemessages"]),
            ("cp .env.test .env && cp missing b && cp .env.test /etc", ["cp .env.test .env"]),
            ("mkdir a /tmp/b && mkdir ../c && touch $D && mv a b", ["mkdir -p a /tmp/b"]),
        ],
    )
    def test_commands_that_write_files(self, tmp_path: Path, text: str, lines: list[str]) -> None:
        write(tmp_path, {".env.test": ""})
        assert list(preparing_commands(tmp_path, "manage.py", "", job(text))) == lines

    def test_they_are_seen_from_the_folder_of_the_tests(self, tmp_path: Path) -> None:
        found = preparing_commands(tmp_path, "", "server/site", [*job("touch a"), *job("touch b", "server/site")])
        assert list(found) == ["cd ../.. && touch a", "touch b"]


@pytest.mark.parametrize(
    ("declared", "tested", "python"),
    [
        ("", ("3.12",), "3.12"),
        ("", ("3.11", "3.12.4"), "3.12"),
        ("", ("3.12", "3.13"), None),
        ("", ("3.9", "3.x", "pypy-3.10"), None),
        (">=3.10", ("3.11",), "3.11"),
        ("<3.12", ("3.12",), None),
        ("==3.12.*", ("3.12",), None),
        ("<3.9", ("3.12",), None),
    ],
)
def test_the_python_of_ci_counts_if_a_run_took_another(
    tmp_path: Path, declared: str, tested: tuple[str, ...], python: str | None
) -> None:
    if declared:
        (tmp_path / "pyproject.toml").write_text(f'[project]\nrequires-python = "{declared}"\n')
    steps = [Step("ci.yml", "pytest", pythons=tested)]
    assert python_of_ci(tmp_path, steps, "3.13") == ((python, "ci.yml") if python else None)
