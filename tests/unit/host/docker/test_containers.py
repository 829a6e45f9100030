"""The first process of a container if the engine provides none: a shell that starts the command."""

import signal
import subprocess

import pytest

from harness.host.docker.containers import under_shell


def start(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        under_shell(["sh", "-c", script]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_it_ends_with_the_status_of_its_command(script: str, code: int) -> None:
    with start(script) as process:
        assert process.wait(30) == code


def test_the_command_has_the_input_to_its_end() -> None:
    with start("cat; echo end") as process:
        assert process.communicate("a\nb\n", 30)[0] == "a\nb\nend\n"


def test_a_word_of_the_command_is_not_cut() -> None:
    command = under_shell(["printf", "%s|", "a b", "$HOME", "*"])
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "a b|$HOME|*|"


def test_sigterm_reaches_the_command_which_may_take_its_time() -> None:
    script = "trap 'echo asked; sleep 0.1; exit 3' TERM; echo up; while :; do sleep 0.01; done"
    with start(script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30)[0] == "asked\n"
        assert process.returncode == 3


def test_a_sigterm_at_the_very_start_is_not_lost() -> None:
    """The status of a command that ends while the signal is passed on is not lost either."""
    for _ in range(100):
        with start("trap 'exit 3' TERM; kill -s TERM $PPID; while :; do sleep 0.001; done") as process:
            process.communicate(timeout=30)
            assert process.returncode == 3
