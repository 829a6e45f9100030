import subprocess
from pathlib import Path

import pytest

from harness.host.engines.driver import MYSQLCLIENT, PSYCOPG, Driver


@pytest.mark.parametrize(
    ("driver", "text", "is_named"),
    [
        (PSYCOPG, "Psycopg2-binary==2.9", True),
        (PSYCOPG, 'name = "psycopg"', True),
        (PSYCOPG, "django\nmysqlclient", False),
        (MYSQLCLIENT, "PyMySQL>=1", True),
        (MYSQLCLIENT, "django", False),
    ],
)
def test_a_package_with_a_driver_is_found_in_any_text(driver: Driver, text: str, is_named: bool) -> None:
    assert driver.is_named(text) is is_named


@pytest.mark.parametrize(
    ("there", "django", "installed"),
    [
        ("import psycopg", "", ""),
        ("import psycopg2", "", ""),
        ("", "exit", "install psycopg[binary]"),
        ("", "", "install psycopg2-binary"),
    ],
)
def test_the_driver_fits_django_and_is_no_second_one(tmp_path: Path, there: str, django: str, installed: str) -> None:
    """``python`` and ``pip`` are stand-ins: the first knows one of the two checks, the second writes its arguments down."""
    for name, script in {
        "python": f'[ "$2" = "{there}" ] || {{ [ -n "{django}" ] && case "$2" in *VERSION*) true;; *) false;; esac; }}',
        "pip": f'echo "$@" >{tmp_path}/installed',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    subprocess.run(["sh", "-c", PSYCOPG.command], env={"PATH": f"{tmp_path}:/bin"}, check=True)
    found = tmp_path / "installed"
    assert (found.read_text().strip() if found.exists() else "") == installed
