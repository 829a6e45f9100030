"""The servers that are installed on a machine: where they are looked for, and what their version says."""

import os
import tempfile
from pathlib import Path

import pytest

from harness.host.local.binaries.machine import installed, is_open_to_others, is_version, parse_version, read_machine

POSTGRES = "postgres (PostgreSQL) 17.10"


def program(path: Path, output: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root folder that a user without rights can read."""
    temporary = Path(tempfile.gettempdir())
    for folder in (tmp_path, *(parent for parent in tmp_path.parents if temporary in parent.parents)):
        folder.chmod(0o755)
    return tmp_path


class TestVersions:
    @pytest.mark.parametrize(
        ("engine", "text", "version"),
        [
            ("postgres", POSTGRES, "17.10"),
            ("postgres", "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
            ("postgres", "postgres (PostgreSQL) 19beta2", "19beta2"),
            ("postgres", "postgres (EnterpriseDB) 17.1", ""),
            ("mysql", "/usr/sbin/mysqld  Ver 8.0.44-0ubuntu0.24.04.1 for Linux on x86_64 ((Ubuntu))", "8.0.44"),
            ("mysql", "/usr/sbin/mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)", "9.7.4"),
            ("mysql", "mysqld  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)", ""),
            (
                "mariadb",
                "mysqld  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)",
                "10.11.14",
            ),
            ("mariadb", "mariadbd from 12.1.2-MariaDB, Ver 12.1.2-MariaDB for osx10.20 on arm64 (Homebrew)", "12.1.2"),
            ("mariadb", "/usr/sbin/mysqld  Ver 8.0.44 for Linux on x86_64 (MySQL Community Server - GPL)", ""),
        ],
    )
    def test_the_version_tells_the_engines_apart(self, engine: str, text: str, version: str) -> None:
        assert parse_version(engine, text) == version

    @pytest.mark.parametrize(
        ("exact", "wanted", "expected"),
        [
            ("17.10", "17", True),
            ("17.10", "17.1", False),
            ("17.10", "1", False),
            ("10.11.14", "10.11", True),
            ("10.11.14", "10.1", False),
            ("19beta2", "19", True),
        ],
    )
    def test_a_release_belongs_to_its_version(self, exact: str, wanted: str, expected: bool) -> None:
        assert is_version(exact, wanted) is expected


class TestInstalled:
    def test_usual_folders_are_looked_at_beside_path(self, root: Path) -> None:
        for series, release in (("15", "15.18"), ("17", "17.10")):
            folder = root / "usr/lib/postgresql" / series / "bin"
            program(folder / "postgres", f"postgres (PostgreSQL) {release}")
            program(folder / "initdb", "")
        assert [each.version for each in installed("postgres", {"PATH": ""}, root)] == ["17.10", "15.18"]

    def test_one_program_by_two_names_counts_once(self, root: Path) -> None:
        real = program(root / "usr/sbin/mariadbd", "mariadbd  Ver 10.11.14-MariaDB for debian-linux-gnu on x86_64")
        (root / "usr/sbin/mysqld").symlink_to("mariadbd")
        (found,) = installed("mariadb", {"PATH": f"{root}/usr/sbin"}, root)
        assert (found.program, found.place, found.unusable) == (real, f"{root}/usr/sbin", "")
        assert installed("mysql", {"PATH": f"{root}/usr/sbin"}, root) == []

    def test_what_is_no_server_is_passed_over(self, root: Path) -> None:
        program(root / "bin/postgres", "something else").chmod(0o644)
        program(root / "usr/pgsql-17/bin/postgres", "something else")
        (root / "usr/pgsql-16/bin/postgres").mkdir(parents=True)
        assert installed("postgres", {"PATH": f"{root}/bin:relative:"}, root) == []

    def test_without_initdb_it_cannot_be_used(self, root: Path) -> None:
        program(root / "bin/postgres", POSTGRES)
        (found,) = installed("postgres", {"PATH": f"{root}/bin"}, root)
        assert found.unusable == f"{root}/bin has no initdb"

    def test_root_needs_one_that_others_can_run(self, root: Path) -> None:
        path = program(root / "mine/postgres", POSTGRES)
        program(root / "mine/initdb", "")
        path.parent.chmod(0o700)
        assert not is_open_to_others(path)
        (found,) = installed("postgres", {"PATH": f"{root}/mine"}, root)
        assert bool(found.unusable) == (os.geteuid() == 0)


def test_this_machine_has_a_title_and_tags() -> None:
    machine = read_machine()
    assert machine.title.startswith(f"{machine.system} {machine.processor}")
    assert machine.tags
