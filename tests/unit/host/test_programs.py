from __future__ import annotations

from pathlib import Path

import pytest

from harness.host import programs

SHELL = ("sh", "-c")


class TestRun:
    def test_both_outputs_come_in_their_order(self) -> None:
        ended = programs.run([*SHELL, "echo one; echo two >&2; echo three; exit 3"], 10)
        assert ended == programs.Ended(3, "one\ntwo\nthree\n")

    def test_it_has_no_input_and_the_given_variables_and_folder(self, tmp_path: Path) -> None:
        ended = programs.run(["/bin/sh", "-c", 'cat; echo "$A"; pwd -P'], 10, {"A": "b"}, tmp_path)
        assert ended == programs.Ended(0, f"b\n{tmp_path.resolve()}\n")

    def test_bytes_that_are_no_text_are_replaced(self) -> None:
        assert programs.run([*SHELL, r"printf '\377'"], 10).output == "\ufffd"

    def test_one_that_cannot_be_started_says_why(self) -> None:
        ended = programs.run(["no-such-program"], 10)
        assert ended.code is None
        assert "no-such-program" in ended.output

    def test_one_that_takes_too_long_says_so(self) -> None:
        ended = programs.run(["sleep", "60"], 0.01)
        assert ended.code is None
        assert "timed out" in ended.output

    def test_the_last_lines_are_those_with_text(self) -> None:
        assert programs.Ended(1, "a\n\nb\n  \nc\n\n").last_lines(2) == "b\nc"


class TestAnswer:
    def test_it_is_the_standard_output_alone(self, tmp_path: Path) -> None:
        assert programs.answer([*SHELL, "echo warned >&2; pwd -P"], 10, tmp_path) == f"{tmp_path.resolve()}\n"

    @pytest.mark.parametrize("command", [("no-such-program",), (*SHELL, "echo half; exit 1"), ("sleep", "60")])
    def test_one_without_success_has_none(self, command: tuple[str, ...]) -> None:
        assert programs.answer(command, 0.5) == ""
