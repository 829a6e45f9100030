"""The answers of the host reach the worker that has asked, and no other."""

from harness.protocol import codec
from harness.protocol.messages import ServerActionDone
from harness.runner.servers.host_requests import HostRequests


def test_an_answer_goes_to_the_worker_that_asked() -> None:
    sent: list[tuple[int, bytes]] = []
    requests = HostRequests(lambda slot, line: sent.append((slot, line)))
    requests.take(1, "70.1")
    requests.take(2, "71.1")
    done = ServerActionDone("71.1", "frozen")
    requests.answer([done, done])
    assert [(slot, codec.decode_body(line)) for slot, line in sent] == [(2, done)]


def test_a_worker_that_has_ended_gets_no_answer() -> None:
    sent: list[tuple[int, bytes]] = []
    requests = HostRequests(lambda slot, line: sent.append((slot, line)))
    requests.take(1, "70.1")
    requests.forget(1)
    requests.answer([ServerActionDone("70.1"), ServerActionDone("unknown.1")])
    assert sent == []
