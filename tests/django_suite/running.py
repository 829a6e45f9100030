"""Fetches Django's source distribution, and runs its suite by ``runtests.py`` and by the harness."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from harness.host.project import files
from tests.archives import source
from tests.django_suite import recorder
from tests.django_suite.compare import recorded
from tests.e2e import command, plain_django
from tests.random_suites.compare import Seen, seen

REQUIREMENT = "Django==5.2.19"
SHA256 = "ad03d8abc51dbff95ebf34b27123cf0c26a3b62db7ba0cd520783686362533d1"
CONFIGURATION = """
[tool.harness]
workdir = "tests"
bootstrap = "runtests.py {labels}"
apt = ["libmemcached-dev", "default-mysql-client"]
extra_install = ["psycopg[binary]", "psycopg-pool", "mysqlclient"]
"""
SETTINGS = "plain_settings"
CLIENT_OPTIONS = "[client]\nskip-ssl\n"
"""For mysqldump, by which Django makes its clones: Debian's is MariaDB's, and demands a certificate."""
PATIENCE_S = 3600.0


def prepare(folder: Path) -> Path:
    """Django's sources in *folder*, with the configuration of the harness, and with what ``by_django`` needs."""
    root = source(REQUIREMENT, SHA256, folder)
    with (root / "pyproject.toml").open("a") as file:
        file.write(CONFIGURATION)
    (root / "tests" / "my.cnf").write_text(CLIENT_OPTIONS)
    shutil.copy(recorder.__file__, root / "tests" / "recorder.py")
    return root


def by_django(root: Path, backend: str, parallel: int, labels: Sequence[str]) -> Seen:
    """The results of ``runtests.py``, run as Django's contributors run it, on two databases of one server."""
    (root / "tests" / f"{SETTINGS}.py").write_text(plain_django.settings(backend, "test_sqlite"))
    options = [f"--settings={SETTINGS}", f"--parallel={parallel}"]
    return recorded(
        plain_django.output_of(
            ["python", "recorder.py", "runtests.py", *options, *labels],
            root,
            backend,
            {"PYTHONPATH": files.FOLDER, "MYSQL_HOME": f"{files.FOLDER}/tests"},
            workdir="tests",
            timeout=PATIENCE_S,
        )
    )


def by_harness(root: Path, backend: str, parallel: int, labels: Sequence[str]) -> Seen:
    """The results of the harness."""
    ended = command.harness(
        "--project",
        str(root),
        "--db",
        backend,
        f"--parallel={parallel}",
        *labels,
        artifacts=root.parent / f"{backend}.harness",
        timeout=PATIENCE_S,
    )
    assert ended.code in (0, 1), ended.output[-5000:]
    return seen(ended.report)
