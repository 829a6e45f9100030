"""The engine's images: references, the answers of registries, the output of builds."""

from collections.abc import Mapping

import pytest

from harness.host.docker.images import BuildLog, Image, label_changes, pull_failure, registry_of


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("postgres:17", "docker.io"),
        ("postgis/postgis:17-3.5", "docker.io"),
        ("images.test/team/postgres:17", "images.test"),
        ("localhost:5000/postgres", "localhost:5000"),
        ("localhost/postgres", "localhost"),
    ],
)
def test_a_reference_names_its_registry(reference: str, registry: str) -> None:
    assert registry_of(reference) == registry


@pytest.mark.parametrize(
    ("event", "silent"),
    [
        (RuntimeError('Get "https://x": dial tcp: lookup x: no such host'), True),
        (TimeoutError("timeout: no answer in 15 s"), True),
        ({"error": "net/http: request canceled (Client.Timeout exceeded): context deadline exceeded"}, True),
        ({"error": "manifest for python:3.99-slim not found: manifest unknown"}, False),
        (RuntimeError("pull access denied for shop, repository does not exist"), False),
    ],
)
def test_an_unreachable_registry_is_marked(event: dict[str, str] | Exception, silent: bool) -> None:
    assert pull_failure(event).startswith("the registry does not answer") is silent


@pytest.mark.parametrize("event", [None, {"status": "Pull complete"}])
def test_other_events_are_no_failure(event: dict[str, str] | None) -> None:
    assert pull_failure(event) == ""


def test_labels_survive_as_instructions() -> None:
    assert label_changes({"a.b-c": 'x "y"'}) == ['LABEL a.b-c="x \\"y\\""']


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


@pytest.mark.parametrize(
    ("tags", "tag"),
    [(("mine:1", "harness-runner:3.13-0"), "harness-runner:3.13-0"), (("mine:1",), "sha256:a"), ((), "sha256:a")],
)
def test_an_image_is_used_by_our_tag_or_by_its_id(tags: tuple[str, ...], tag: str) -> None:
    labels: Mapping[str, str] = {}
    assert Image("sha256:a", tags, labels, 0).tag == tag
