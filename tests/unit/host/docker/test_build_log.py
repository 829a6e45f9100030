"""The output of a build: its lines, and the error that it ends with."""

import pytest

from harness.host.docker.build_log import BuildLog


def _log() -> tuple[BuildLog, list[str]]:
    shown: list[str] = []
    log = BuildLog(
        "shop:1", lambda image, line: shown.append(f"{image}: {line}"), lambda text: text.replace("hush", "***")
    )
    return log, shown


class TestBuildLog:
    def test_lines_are_whole_plain_and_without_credentials(self) -> None:
        log, shown = _log()
        log.read([b"one\ntw", b"o 10%\rtwo 20%\r\n\n", b"\x1b[91mred hush\x1b[0m\nend"])
        assert shown == ["shop:1: one", "shop:1: two 10%", "shop:1: two 20%", "shop:1: red ***", "shop:1: end"]
        assert list(log.tail) == [line.removeprefix("shop:1: ") for line in shown]

    def test_an_announcement_is_no_output(self) -> None:
        log, shown = _log()
        log.announce("$ login hush")
        assert (shown, list(log.tail)) == (["shop:1: $ login ***"], [])

    @pytest.mark.parametrize(
        ("output", "reason", "hint"),
        [
            (b"step 1", "exit hush", "end of the build's log"),
            (b"E: Release file for x is expired", "exit 1", "--no-check-valid-until"),
            (b"cp", "no space left on device", "disk is full"),
        ],
    )
    def test_a_failure_ends_with_the_reason_and_the_next_step(self, output: bytes, reason: str, hint: str) -> None:
        log, _ = _log()
        log.read([output])
        error = log.failure(reason)
        assert error.message == "The image shop:1 could not be built."
        assert error.evidence.splitlines() == [output.decode(), reason.replace("hush", "***")]
        assert hint in error.hint
