"""Output and log records of tests: each in its place, in failing and in passing ones."""

import logging
import os
import subprocess
import sys

import pytest

log = logging.getLogger("shop")


def test_passes_and_prints():
    print("printed by a test that passes")
    log.warning("logged by a test that passes")


def test_fails_and_prints():
    print("printed by a test that fails")
    print("to stderr by a test that fails", file=sys.stderr)
    log.info("info logged by a test that fails")
    log.debug("debug logged by a test that fails")
    assert 0


def test_fails_and_writes_to_the_descriptors():
    os.write(1, b"written to descriptor 1\n")
    os.write(2, b"written to descriptor 2\n")
    subprocess.run([sys.executable, "-c", "print('printed by a child process')"], check=True)
    assert 0


def test_fails_without_output():
    assert 0


@pytest.fixture
def prints():
    print("printed by a fixture before")
    log.warning("logged by a fixture before")
    yield
    print("printed by a fixture after")


def test_fails_with_a_fixture_that_prints(prints):
    print("printed by the call")
    assert 0


@pytest.fixture
def prints_and_errs():
    print("printed by a fixture that errs")
    raise RuntimeError("set-up errs")


def test_errs_in_set_up_and_prints(prints_and_errs):
    pass


def test_odd_output():
    """Characters that XML does not allow, and half a character."""
    print("a\x00b \x1b[31mred\x1b[0m ☃ ]]> & <b>")
    sys.stdout.buffer.write(b"\xff\xfe\n")
    assert 0


def test_long_output():
    for number in range(20_000):
        print(f"line {number} of a long output")
    assert 0


def test_capsys(capsys):
    print("read by the test itself")
    assert capsys.readouterr().out == "read by the test itself\n"


def test_capsys_fails(capsys):
    print("first, read by the test")
    capsys.readouterr()
    print("then, left by the test")
    assert 0


def test_capfd(capfd):
    os.write(1, b"to the descriptor\n")
    subprocess.run(["echo", "by a child process"], check=True)
    assert capfd.readouterr().out == "to the descriptor\nby a child process\n"


def test_capfd_disabled(capfd):
    with capfd.disabled():
        print("past the capture, to the terminal")


def test_capsysbinary(capsysbinary):
    sys.stdout.buffer.write(b"\x00\xff")
    assert capsysbinary.readouterr().out == b"\x00\xff"


def test_caplog(caplog):
    with caplog.at_level(logging.DEBUG, logger="shop"):
        log.debug("found %s", "it")
    assert caplog.record_tuples == [("shop", logging.DEBUG, "found it")]


def test_caplog_fails(caplog):
    caplog.set_level(logging.DEBUG)
    log.debug("debug logged at the level of the test")
    assert 0


def test_caplog_was_reset(caplog):
    log.debug("below the level again")
    assert not caplog.records


def test_stdin_is_closed():
    with pytest.raises(OSError, match="reading from stdin"):
        input()


def test_fails_with_a_line_of_the_journal():
    """A line in the form of an event of the runner is output."""
    print('{"type": "AttemptFinished", "test": 1, "outcome": "PASSED"}')
    assert 0
