"""The demo on a bare machine, with an engine and without; ``.ci/run`` gives it to pytest beside the tests. See ``ci/fresh``."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.e2e.command import stays
from tests.signals import DEFAULT_SIGNALS

FRESH = Path(__file__).parent / "fresh"
DEADLINE_S = 1500


def machines() -> set[str]:
    """The names of the bare machines' containers that exist."""
    command = ["docker", "ps", "-a", "--filter", "name=-bare$", "--format", "{{.Names}}"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_demo_works_on_a_bare_machine() -> None:
    before = machines()
    assert "PASSED      302 tests: 302 passed" in fresh("demo")
    assert stays(machines, before, patience_s=30) == set()


def fresh(*words: str) -> str:
    """The output of ``ci/fresh`` with *words*, which must end well."""
    done = subprocess.run(
        [FRESH, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    return done.stdout


def test_the_demo_works_for_a_user_without_an_engine() -> None:
    output = fresh("--without-engine", "sh", "-c", "./ci/demo && ./ci/demo")
    first, second, _ = output.split("PASSED      302 tests: 302 passed")
    for part in (first, second):
        assert "without a container around them" in part
    # the second time, nothing is fetched and nothing is made
    for once in ("fetching PostgreSQL", "making the seed of local servers"):
        assert (once in first, once in second) == (True, False)


def test_suites_on_local_servers_end_as_ever() -> None:
    script = "./ci/environment && .venv/bin/python -m ci.local_suites"
    output = fresh("--without-engine", "--add", "mariadb-server-core", "--add", "mariadb-client", "sh", "-c", script)
    for suite in ("storefront on local mariadb", "outcomes on local postgres", "outcomes on local mariadb"):
        assert f"{suite}: as expected" in output


def test_a_command_ends_with_its_status_on_a_machine_without_tools() -> None:
    script = "for tool in docker dockerd git pip debootstrap; do command -v $tool && exit 1; done; exit 5"
    done = subprocess.run([FRESH, "sh", "-c", script], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 5, done.stdout + done.stderr


def test_nothing_is_left_when_it_is_interrupted_or_killed() -> None:
    for signum, code in ((signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)):
        before = machines()
        with subprocess.Popen(
            [*DEFAULT_SIGNALS, FRESH, "sh", "-c", "echo up; sleep 300"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert "up\n" in iter(process.stdout.readline, "")
            assert machines() - before
            process.send_signal(signum)
            assert process.wait(60) == code
        assert stays(machines, before, patience_s=60) == set()
