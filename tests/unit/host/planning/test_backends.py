"""The runs of a configuration: their names, and how many run at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host.config.databases import DbSpec
from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.planning.backends import (
    Backend,
    at_once,
    backends_of,
    left_out,
    matrix,
    matrix_document,
    workers_each,
)

GIB = 1 << 30
REPOSITORY = Path(__file__).parents[4]


def project(folder: Path, toml: str) -> Config:
    (folder / "pyproject.toml").write_text(f"[tool.harness]\n{toml}\n")
    return load({"project": str(folder)}, {}, folder, need_settings=False)


def backends(*names: str) -> list[Backend]:
    return [Backend(name, (DbSpec(name),)) for name in names]


class TestBackends:
    def test_each_backend_is_a_run_and_names_its_version(self) -> None:
        found = backends_of((DbSpec("postgres"), DbSpec("postgres", "15"), DbSpec("sqlite")))
        assert [(backend.name, str(backend)) for backend in found] == [
            ("postgres-17", "postgres:17"),
            ("postgres-15", "postgres:15"),
            ("sqlite", "sqlite"),
        ]

    def test_a_spec_for_one_alias_applies_to_every_run(self) -> None:
        found = backends_of((DbSpec("postgres"), DbSpec("sqlite", alias="analytics"), DbSpec("sqlite")))
        assert [(backend.name, str(backend)) for backend in found] == [
            ("postgres-17", "postgres:17 analytics=sqlite"),
            ("sqlite", "sqlite analytics=sqlite"),
        ]

    @pytest.mark.parametrize(
        ("db", "name"),
        [
            ((), "settings"),
            ((DbSpec("postgres", "15", "default"),), "default-postgres-15"),
            ((DbSpec("sqlite", None, "a"), DbSpec("postgres", None, "b")), "a-sqlite-b-postgres-17"),
            ((DbSpec("sqlite", None, "../x y"),), "x-y-sqlite"),
            ((DbSpec("sqlite", None, "=="),), "alias-sqlite"),
        ],
    )
    def test_without_one_for_all_aliases_there_is_one_run(self, db: tuple[DbSpec, ...], name: str) -> None:
        (backend,) = backends_of(db)
        assert (backend.name, backend.db) == (name, db)

    def test_each_django_is_a_run_on_every_backend(self) -> None:
        found = backends_of((DbSpec("postgres"), DbSpec("sqlite")), ("5.2", "6.1"))
        assert [(backend.name, str(backend), backend.django) for backend in found] == [
            ("postgres-17-django5.2", "postgres:17", "5.2"),
            ("postgres-17-django6.1", "postgres:17", "6.1"),
            ("sqlite-django5.2", "sqlite", "5.2"),
            ("sqlite-django6.1", "sqlite", "6.1"),
        ]
        assert [backend.name for backend in backends_of((), ("5.2",))] == ["settings-django5.2"]


class TestMatrix:
    def test_the_matrix_is_every_backend_on_every_python(self, tmp_path: Path) -> None:
        config = project(tmp_path, 'db = ["postgres", "sqlite"]\npython = ["3.12", "3.13"]')
        assert matrix_document(matrix(config)) == {
            "include": [
                {"db": "postgres:17", "django": "", "python": "3.12", "name": "postgres-17-py3.12"},
                {"db": "postgres:17", "django": "", "python": "3.13", "name": "postgres-17-py3.13"},
                {"db": "sqlite", "django": "", "python": "3.12", "name": "sqlite-py3.12"},
                {"db": "sqlite", "django": "", "python": "3.13", "name": "sqlite-py3.13"},
            ]
        }

    def test_each_django_is_a_job_on_the_pythons_that_it_admits(self, tmp_path: Path) -> None:
        config = project(tmp_path, 'db = ["sqlite"]\ndjango = ["5.2", "6.1"]\npython = ["3.11", "3.12"]')
        assert [(job.name, job.django) for job in matrix(config)] == [
            ("sqlite-django5.2-py3.11", "5.2"),
            ("sqlite-django5.2-py3.12", "5.2"),
            ("sqlite-django6.1-py3.12", "6.1"),
        ]
        assert left_out(config) == ("Django 6.1 does not run on Python 3.11: no job has both.",)
        assert str(matrix(config)[0]) == "sqlite-django5.2-py3.11: --python 3.11 --django 5.2 --db sqlite"

    def test_django_alone_makes_jobs_on_the_engines_of_the_settings(self, tmp_path: Path) -> None:
        jobs = matrix(project(tmp_path, 'django = ["5.2", "6.1"]'))
        assert [(job.name, job.db) for job in jobs] == [
            ("settings-django5.2-py3.13", ""),
            ("settings-django6.1-py3.13", ""),
        ]

    def test_a_matrix_without_a_python_for_django_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"Django 6\.1 requires Python 3\.12 or later"):
            matrix(project(tmp_path, 'db = ["sqlite"]\ndjango = ["6.1"]\npython = ["3.11"]'))

    def test_the_variable_accepts_the_db_of_a_job(self, tmp_path: Path) -> None:
        config = project(tmp_path, 'db = ["postgres", "sqlite", "catalog=sqlite"]')
        for job in matrix(config):
            again = load({"project": str(tmp_path)}, {"HARNESS_DB": job.db}, tmp_path, need_settings=False)
            assert [backend.name for backend in backends_of(again.db)] == [job.name.removesuffix("-py3.13")]

    def test_the_error_of_an_empty_matrix_shows_an_example(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError) as caught:
            matrix(project(tmp_path, 'python = ["3.12"]'))
        assert "names neither db nor django" in caught.value.message
        assert 'db = ["postgres:17", "sqlite"]' in caught.value.hint

    def test_an_alias_that_a_variable_cannot_hold_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="'my files=sqlite' has white space in it"):
            matrix(project(tmp_path, 'db = ["postgres", "my files=sqlite"]'))

    def test_a_matrix_of_more_jobs_than_github_takes_is_an_error(self, tmp_path: Path) -> None:
        pythons = ", ".join(f'"3.{minor}"' for minor in range(90))
        with pytest.raises(UsageError, match="270 jobs, and GitHub accepts 256 at most"):
            matrix(project(tmp_path, f'db = ["postgres", "postgres:15", "sqlite"]\npython = [{pythons}]'))

    def test_the_command_prints_json_or_text(self, tmp_path: Path) -> None:
        project(tmp_path, 'db = ["postgres", "sqlite", "catalog=sqlite"]')
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        run = [sys.executable, "-m", "harness", "matrix"]
        printed = subprocess.run(
            [*run, "--json"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        ).stdout
        assert printed.count("\n") == 1
        assert json.loads(printed)["include"][0]["db"] == "postgres:17 catalog=sqlite"
        printed = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout
        assert printed.splitlines()[0] == "postgres-17-py3.13: --python 3.13 --db postgres:17 --db catalog=sqlite"


class TestRunsAtOnce:
    @pytest.mark.parametrize(
        ("names", "cores", "memory", "workers", "expected"),
        [
            (("postgres", "sqlite"), 8, 64 * GIB, None, 2),
            (("postgres", "mysql", "mariadb", "sqlite"), 2, 64 * GIB, None, 2),
            (("postgres", "mysql", "mariadb", "sqlite"), 8, 64 * GIB, 4, 2),
            (("postgres", "sqlite"), 2, 64 * GIB, 8, 1),
            (("mysql", "mysql"), 8, 2 * GIB, None, 1),
            (("mysql", "sqlite"), 8, 3 * GIB, None, 2),
            (("postgres", "sqlite"), 0, 0, None, 1),
            (("unheard-of", "sqlite"), 8, 1 * GIB, None, 1),
        ],
    )
    def test_cores_and_memory_limit_the_runs_at_once(
        self, names: tuple[str, ...], cores: int, memory: int, workers: int | None, expected: int
    ) -> None:
        assert at_once(backends(*names), cores, memory, workers) == expected

    def test_parallel_runs_share_the_cores_unless_workers_are_given(self) -> None:
        assert [workers_each(at, 8, None) for at in (1, 2, 3, 8, 16)] == [8, 4, 2, 1, 1]
        assert workers_each(2, 8, 5) == 5
