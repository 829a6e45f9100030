"""Runs a project's suite by its own command and by the harness, in one image and on servers of one image. Pure where it reads."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import ExitCode
from harness.host.config.load import load
from tests.django_suite.compare import record_in
from tests.e2e import command, plain_django
from tests.random_suites.compare import Seen, of_calls, seen

TOOLS = ("tests/django_suite/recorder.py", "tests/pytest_suites/pytest_recorder.py")
PATIENCE_S = 3600.0
_TOOK = re.compile(r"^took: ([0-9.]+)$", re.MULTILINE)


def by_pytest(root: Path, backend: str, line: str) -> tuple[Seen, float]:
    """The results of *line*, run by bash with the variables and the commands ``before`` of ``[tool.harness]``, and its seconds.

    ``$PLAIN_HOST`` and ``$PLAIN_PASSWORD`` in *line* are those of the server, whose user is ``harness``.
    """
    config = load({"project": str(root)}, {}, root, need_settings=False)
    path = [f"{plain_django.TOOLS}/{Path(name).parent}" for name in TOOLS]
    plugins = [config.env.get("PYTEST_PLUGINS", ""), "pytest_recorder"]
    variables = {
        **config.env,
        "PYTHONPATH": ":".join(filter(None, [config.env.get("PYTHONPATH", ""), *path])),
        "PYTEST_PLUGINS": ",".join(filter(None, plugins)),
        "TIMEFORMAT": "took: %R",
    }
    script = "\n".join(["set -e", *(f"({each})" for each in config.before), "set +e", f"time {{ {line}\n}}"])
    output = plain_django.output_of(
        ["bash", "-c", script],
        root,
        backend,
        variables,
        workdir=config.workdir or "",
        timeout=PATIENCE_S,
        tools=TOOLS,
    )
    return of_record(record_in(output)), sum(float(each) for each in _TOOK.findall(output))


def by_harness(root: Path, backend: str, options: Sequence[str], artifacts: Path) -> tuple[Seen, float]:
    """The results of the harness, and the seconds of the whole command, with the start of its servers.

    A ``--db`` in *options* replaces *backend*: it may name the backend of an alias.
    """
    started = time.monotonic()
    arguments = ["--project", str(root), *([] if "--db" in options else ["--db", backend]), *options]
    ended = command.harness(*arguments, artifacts=artifacts, timeout=PATIENCE_S)
    took = time.monotonic() - started
    assert ended.code in (ExitCode.GREEN, ExitCode.TESTS_FAILED, ExitCode.PROJECT), ended.output[-5000:]
    return seen(ended.report), took


def of_record(record: Mapping[str, Any]) -> Seen:
    """The results in the record of ``pytest_recorder.py``."""
    tests = {name: of_calls(calls, ("", "")) for name, calls in record["tests"].items()}
    fixtures = {
        name: frozenset((cls, message) for _, _, cls, message in calls) for name, calls in record["fixtures"].items()
    }
    return Seen(tests, fixtures, record["exit_code"])


def folder_of(node_id: str) -> str:
    """The folder of the file of a test by its *node_id*."""
    return node_id.partition("::")[0].rpartition("/")[0] or "."
