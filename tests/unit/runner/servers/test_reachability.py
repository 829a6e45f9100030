"""The findings of a check of the servers, and the first bytes that count as an answer."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from harness.errors import ServerError
from harness.runner.servers import reachability
from harness.runner.servers.reachability import GONE_S, Finding, findings, judge

ASKED = Finding("default", "asked")
END = Finding("", "asked")
SILENT = Finding("default", "silent", "refused")
SEVERED = Finding("replica", "severed", "has stopped receiving")
STOPPED = Finding("replica", "stopped", "has stopped applying", "look at the log", "error 1146")


def lines(*found: Finding) -> str:
    return "".join(finding.line() for finding in found)


class TestFindings:
    def test_a_check_of_answering_servers_finds_nothing(self) -> None:
        assert findings(lines(ASKED, END)) == ()

    def test_a_finding_is_returned(self) -> None:
        assert findings(lines(ASKED, SILENT, END)) == (SILENT,)

    def test_a_server_still_being_asked_does_not_answer(self) -> None:
        assert [(found.alias, found.kind) for found in findings(lines(ASKED))] == [("default", "silent")]

    def test_a_check_that_could_not_begin_finds_nothing(self) -> None:
        assert findings("") == ()


class TestJudge:
    @pytest.mark.parametrize(
        ("found", "waited_s", "decision"),
        [
            ([], 0.0, "go on"),
            ([SILENT], 0.0, "check again"),
            ([SILENT], GONE_S + 1, "give up"),
            ([SEVERED], 0.0, "check again"),
        ],
    )
    def test_a_silent_server_is_waited_for_then_given_up(
        self, found: list[Finding], waited_s: float, decision: str
    ) -> None:
        assert judge(found, waited_s) == decision

    @pytest.mark.parametrize(("found", "waited_s"), [(STOPPED, 0.0), (SEVERED, GONE_S + 1)])
    def test_a_stopped_replica_ends_the_run(self, found: Finding, waited_s: float) -> None:
        with pytest.raises(ServerError) as caught:
            judge([SILENT, found], waited_s)
        assert (caught.value.message, caught.value.evidence) == (found.message, found.evidence)


@contextlib.contextmanager
def server_that_sends(answer: bytes) -> Iterator[int]:
    """The port of a server that sends *answer* to its first client, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as link:
                link.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    link.recv(100)
                link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def refusal(code: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0Msomething\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


def packet(payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + b"\0" + payload


@pytest.mark.parametrize(
    ("probe", "answer", "is_up"),
    [
        pytest.param("postgresql", b"R\0\0\0\x08\0\0\0\0", True, id="postgresql asks for a password"),
        pytest.param("postgresql", refusal("53300"), True, id="postgresql has too many clients"),
        pytest.param("postgresql", refusal("28000"), True, id="postgresql knows no such role"),
        pytest.param("postgresql", refusal("57P03"), False, id="postgresql shuts down"),
        pytest.param("postgresql", b"", False, id="postgresql sends nothing"),
        pytest.param("mysql", packet(b"\x0a9.7.4\0"), True, id="mysql greets"),
        pytest.param(
            "mysql", packet(b"\xff" + (1040).to_bytes(2, "little") + b"Too many"), True, id="mysql has too many clients"
        ),
        pytest.param(
            "mysql", packet(b"\xff" + (1053).to_bytes(2, "little") + b"Shutdown"), False, id="mysql shuts down"
        ),
        pytest.param("mysql", b"", False, id="mysql sends nothing"),
    ],
)
def test_a_server_that_answers_is_up_unless_it_shuts_down(probe: str, answer: bytes, is_up: bool) -> None:
    with server_that_sends(answer) as port:
        assert reachability._PROBES[probe]("127.0.0.1", port) is is_up


def test_a_closed_port_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert not any(probe("127.0.0.1", port) for probe in reachability._PROBES.values())


def test_a_finding_is_one_line() -> None:
    assert json.loads(Finding("a", "silent", "two\nlines").line()) == ["a", "silent", "two\nlines", "", ""]
    assert Finding("a", "silent", "two\nlines").line().count("\n") == 1
