"""Flags as people type them, error texts, and exit codes of the process."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest

import harness
from harness import cli, subcommands
from harness.errors import ExitCode, HarnessError, Interrupted, ProjectError, ServerError, UsageError
from harness.host.config.command_line import django_args
from harness.host.config.databases import DbSpec
from harness.host.config.options import OPTIONS, Config
from tests.signals import DEFAULT_SIGNALS

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the current directory, without the variables of the process that runs the tests."""
    (tmp_path / "manage.py").write_text('import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n')
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("HARNESS_") or name == "DJANGO_SETTINGS_MODULE":
            monkeypatch.delenv(name)
    return tmp_path


def configured(*argv: str) -> Config:
    """The configuration that ``harness ci`` with *argv* would run with."""
    return subcommands.configure(subcommands.ci.make_context("ci", list(argv)).params)


def harness_process(*argv: str) -> subprocess.CompletedProcess[str]:
    environ = {"PYTHONPATH": str(REPOSITORY), **os.environ}
    return subprocess.run(
        [sys.executable, "-m", "harness", *argv], capture_output=True, text=True, timeout=60, env=environ
    )


class TestFlags:
    def test_every_flag(self) -> None:
        config = configured(
            *shlex.split(
                "orders catalog.tests.test_search shop/tests.py --db postgres:17 --project . --settings shop.test"
            ),
            *shlex.split("--parallel 4 --runner container --artifacts out --timeout 60 --retries 2 --fail-on-flaky"),
            *shlex.split("--mirrors replica --python 3.12 --junit-strict --console plain"),
            *shlex.split(
                "--failfast --keepdb --reverse --shuffle=42 --tag a --tag b --exclude-tag c -k cart* -k order*"
            ),
            *shlex.split("--pattern check_*.py --top-level-directory src --debug-sql --debug-mode --buffer --timing"),
            *shlex.split("--durations 10 -v 2"),
        )
        assert config.labels == ("orders", "catalog.tests.test_search", "shop/tests.py")
        assert config.db == (DbSpec("postgres", "17"),)
        assert config.project == Path.cwd()
        assert config.settings == "shop.test"
        assert config.parallel == 4
        assert config.runner == "container"
        assert config.artifacts == Path.cwd() / "out"
        assert config.timeout == 60.0
        assert config.retries == 2
        assert config.fail_on_flaky
        assert config.mirrors == "replica"
        assert config.python == "3.12"
        assert config.junit_strict
        assert config.console == "plain"
        assert config.durations == 10
        assert " ".join(django_args(config)) == (
            "--failfast --keepdb --reverse --shuffle=42 --tag=a --tag=b --exclude-tag=c -k=cart* -k=order* "
            "--pattern=check_*.py --top-level-directory=src --debug-sql --debug-mode --buffer --timing --verbosity=2"
        )

    def test_defaults(self) -> None:
        config = configured()
        assert {option.key: config.sources[option.key] for option in OPTIONS if option.key != "settings"} == {
            option.key: "default" for option in OPTIONS if option.key != "settings"
        }

    def test_short_flags_are_those_of_django(self) -> None:
        config = configured(*shlex.split("-r -d -b -p check_*.py -t src -k x -v3"))
        assert " ".join(django_args(config)) == (
            "--reverse -k=x --pattern=check_*.py --top-level-directory=src --debug-sql --buffer --verbosity=3"
        )

    @pytest.mark.parametrize(
        ("argv", "shuffle", "labels"),
        [
            ("--shuffle", True, ()),
            ("--shuffle=7", 7, ()),
            ("--shuffle 7", 7, ()),
            ("--shuffle shop.tests", True, ("shop.tests",)),
            ("shop.tests --shuffle", True, ("shop.tests",)),
            ("--shuffle --failfast", True, ()),
            ("--shuffle -- 7", True, ()),
            ("-- --shuffle", False, ()),
        ],
    )
    def test_the_seed_may_be_left_out(self, argv: str, shuffle: bool | int, labels: tuple[str, ...]) -> None:
        config = configured(*argv.split())
        assert (config.shuffle, config.labels) == (shuffle, labels)

    @pytest.mark.parametrize(
        ("argv", "parallel", "verbosity", "labels"),
        [
            ("--parallel shop", None, 1, ("shop",)),
            ("--parallel 3 shop", 3, 1, ("shop",)),
            ("--parallel auto shop", None, 1, ("shop",)),
            ("-v shop", None, 2, ("shop",)),
            ("-v 0 shop", None, 0, ("shop",)),
            ("--verbosity=3", None, 3, ()),
            ("--tag --parallel shop", None, 1, ("shop",)),
            ("-rv shop", None, 2, ("shop",)),
            ("-k -v shop", None, 1, ("shop",)),
            ("-kv 3", None, 1, ("3",)),
            ("--parallel ./shop", None, 1, ("./shop",)),
        ],
    )
    def test_a_label_behind_a_flag_that_may_stand_alone(
        self, argv: str, parallel: int | None, verbosity: int, labels: tuple[str, ...]
    ) -> None:
        config = configured(*argv.split())
        assert (config.parallel, config.verbosity, config.labels) == (parallel, verbosity, labels)

    @pytest.mark.parametrize(
        ("argv", "words"),
        [
            ("--parallel 0", "--parallel: expected"),
            ("--parallel -1", "seen -1"),
            ("--parallel 2x shop", "'2x'"),
            ("--parallel=shop", "'shop'"),
            ("-v 7", "--verbosity: expected 0, 1, 2 or 3"),
            ("--shuffle 1.5", "'1.5'"),
        ],
    )
    def test_a_wrong_value_of_a_flag_that_may_stand_alone(
        self, argv: str, words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["ci", *argv.split()]) == ExitCode.USAGE
        assert words in capsys.readouterr().err

    def test_variables_of_the_process_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HARNESS_TIMEOUT", "61")
        assert configured().sources["timeout"] == "HARNESS_TIMEOUT"


class TestHelp:
    @pytest.mark.parametrize("command", ["ci", "plan", "images build"])
    def test_it_lists_every_flag_of_a_command(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main([*command.split(), "--help"]) == ExitCode.GREEN
        words = capsys.readouterr().out.replace(",", " ").split()
        flags = [flag for option in OPTIONS if command in option.commands for flag in option.flags]
        assert flags
        for flag in flags:
            assert flag in words

    def test_it_lists_the_commands_in_their_order(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["-h"]) == ExitCode.GREEN
        lines = capsys.readouterr().out.splitlines()
        commands = [line.split()[0] for line in lines[lines.index("Commands:") + 1 :]]
        assert commands == ["ci", "plan", "up", "shell", "down", "merge", "matrix", "images", "init", "cache", "doctor"]


class TestErrors:
    def test_a_wrong_flag(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["ci", "--shuffel"]) == ExitCode.USAGE
        assert "--shuffle" in capsys.readouterr().err

    def test_a_wrong_value(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["ci", "--timeout", "soon"]) == ExitCode.USAGE
        error = capsys.readouterr().err
        assert error.startswith("harness: --timeout: expected seconds")
        assert "Next: " in error

    def test_an_unknown_engine(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["ci", "--db", "postgrs"]) == ExitCode.USAGE
        assert "Did you mean 'postgres'?" in capsys.readouterr().err

    def test_an_unknown_key(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "pyproject.toml").write_text("[tool.harness]\ntimeot = 1\n")
        assert cli.main(["plan"]) == ExitCode.USAGE
        assert "Did you mean 'timeout'?" in capsys.readouterr().err

    def test_no_project(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "manage.py").unlink()
        assert cli.main(["ci"]) == ExitCode.PROJECT
        assert "is not a Django project" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("raised", "code"),
        [
            (UsageError("m", "h", "e"), 2),
            (ServerError("m", "h", "e"), 3),
            (ProjectError("m", "h", "e"), 4),
            (HarnessError("m", "h", "e"), 70),
            (Interrupted("m"), 130),
            (Interrupted("m", ExitCode.SIGTERM), 143),
            (KeyboardInterrupt(), 130),
            (RuntimeError("boom"), 70),
        ],
    )
    def test_each_exception_has_its_exit_code(
        self, raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: object, **kwargs: object) -> Never:
            raise raised

        monkeypatch.setattr("harness.host.config.load.load", fail)
        assert cli.main(["ci"]) == code

    def test_an_unexpected_exception_is_a_bug(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(*args: object, **kwargs: object) -> Never:
            raise RuntimeError("boom")

        monkeypatch.setattr("harness.host.config.load.load", fail)
        cli.main(["ci"])
        error = capsys.readouterr().err
        assert error.startswith(f"harness: a bug in the harness ({harness.__version__}): RuntimeError: boom")
        assert "Traceback" in error
        assert "in fail" in error

    def test_the_text_of_an_error(self) -> None:
        error = ServerError("The replica does not stream.", "Look at its log.", "FATAL: no slot\n  detail\n")
        assert cli.format_error(error) == (
            "harness: The replica does not stream.\n  | FATAL: no slot\n  |   detail\nNext: Look at its log."
        )
        assert cli.format_error(UsageError("No.")) == "harness: No."

    def test_evidence_is_printed_without_control_sequences(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(*args: object, **kwargs: object) -> Never:
            raise ServerError("It failed.", "Look.", "\x1b[2Jgone\n::add-mask::x\n##[error]y")

        monkeypatch.setattr("harness.host.config.load.load", fail)
        monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        cli.main(["ci"])
        assert capsys.readouterr().err.splitlines()[:2] == ["harness: It failed.", "  | \\x1b[2Jgone"]
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        cli.main(["ci"])
        first, *_, last = capsys.readouterr().err.splitlines()
        token = first.removeprefix("::stop-commands::")
        assert len(token) == 32
        assert last == f"::{token}::"


class TestProcess:
    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            ("harness im", "images"),
            ("harness ci --runn", "--runner"),
            ("harness ci --runner h", "host"),
            ("harness ci --parallel --mirrors prim", "primary"),
            ("harness images bu", "build"),
        ],
    )
    def test_bash_completes_commands_flags_and_words(self, words: str, offered: str, tmp_path: Path) -> None:
        (tmp_path / "harness").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness "$@"\n')
        (tmp_path / "harness").chmod(0o755)
        script = """
        eval "$(_HARNESS_COMPLETE=bash_source harness)"
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _harness_completion harness; printf '%s\n' "${COMPREPLY[@]}"
    """
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        typed = ["bash", "-c", script, "bash", *words.split()]
        process = subprocess.run(typed, capture_output=True, text=True, timeout=60, env=environ)
        assert process.stderr == ""
        assert process.stdout.split() == [offered]

    def test_the_module_runs(self) -> None:
        process = harness_process("--version")
        assert (process.returncode, process.stdout, process.stderr) == (0, f"harness {harness.__version__}\n", "")

    def test_it_exits_with_the_code_of_the_error(self, project: Path) -> None:
        (project / "manage.py").unlink()
        process = harness_process("ci")
        assert process.returncode == ExitCode.PROJECT
        assert process.stdout == ""

    def test_an_interrupt(self, project: Path) -> None:
        (project / "manage.py").unlink()
        os.mkfifo(project / "pyproject.toml")
        process = subprocess.Popen(
            [*DEFAULT_SIGNALS, sys.executable, "-m", "harness", "ci"],
            stderr=subprocess.PIPE,
            env={"PYTHONPATH": str(REPOSITORY), **os.environ},
        )
        try:
            with (project / "pyproject.toml").open(
                "w"
            ):  # opens when the process reads its configuration, which now hangs
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == ExitCode.SIGINT
        assert b"Traceback" not in errors

    def test_a_closed_output_is_an_error(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.run(
            [sys.executable, "-m", "harness", "ci", "--help"],
            stdout=writer,
            stderr=subprocess.PIPE,
            env={"PYTHONPATH": str(REPOSITORY), **os.environ},
            timeout=60,
        )
        os.close(writer)
        assert process.returncode == ExitCode.USAGE
        assert process.stderr.splitlines() == [b"harness: standard output cannot be written: Broken pipe"]

    def test_an_output_that_cannot_be_written_is_an_error(self, project: Path) -> None:
        (project / "pyproject.toml").write_text('[tool.harness]\ndb = ["sqlite"]\n')
        with Path("/dev/full").open("wb") as full:
            process = subprocess.run(
                [sys.executable, "-m", "harness", "matrix", "--project", str(project)],
                stdout=full,
                stderr=subprocess.PIPE,
                env={"PYTHONPATH": str(REPOSITORY), **os.environ},
                timeout=60,
            )
        assert process.returncode == ExitCode.USAGE
        assert process.stderr.splitlines() == [b"harness: standard output cannot be written: No space left on device"]

    def test_help_loads_neither_docker_nor_rich_nor_django(self) -> None:
        program = (
            "import sys, harness.cli\n"
            "harness.cli.main(['ci', '--help'])\n"
            "heavy = {'docker', 'testcontainers', 'rich', 'django', 'requests', 'harness.runner'}\n"
            "print('loaded:', *heavy & set(sys.modules))"
        )
        process = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            env={"PYTHONPATH": str(REPOSITORY), **os.environ},
        )
        assert process.stderr == ""
        assert process.stdout.splitlines()[-1] == "loaded:"


IMPORTS = """
import sys
before = set(sys.modules)
import {module}
print(*sorted(set(sys.modules) - before))
"""
CLI_MODULES = 40
"""Most modules of ours that the command line may import before a command runs."""


def imported(module: str) -> set[str]:
    """The modules that an import of *module* brings."""
    command = [sys.executable, "-c", IMPORTS.format(module=module)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split())


class TestImports:
    """No time is measured: the modules that make a start slow are not imported."""

    @pytest.mark.parametrize(
        ("module", "forbidden"),
        [
            (
                "harness.cli",
                "docker requests urllib3 testcontainers rich packaging junit_xml dotenv django ssl harness.report"
                " harness.runner harness.protocol.events harness.host.config.load harness.host.docker harness.host.run"
                " harness.host.local harness.host.launch",
            ),
            (
                "harness.host.run.session",
                "docker requests urllib3 testcontainers django harness.runner harness.host.docker harness.host.local"
                " harness.host.backends harness.host.init harness.host.doctor harness.host.run.servers",
            ),
        ],
    )
    def test_slow_modules_are_imported_late(self, module: str, forbidden: str) -> None:
        modules = imported(module)
        tops = [name for name in forbidden.split() if any(f"{each}.".startswith(f"{name}.") for each in modules)]
        assert tops == []

    def test_the_command_line_imports_few_modules(self) -> None:
        ours = {name for name in imported("harness.cli") if name.startswith("harness")}
        assert len(ours) <= CLI_MODULES, sorted(ours)
