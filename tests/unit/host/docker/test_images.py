"""The engine's images: references, the answers of registries, labels and tags."""

from collections.abc import Mapping

import pytest

from harness.host.docker.images import Image, label_changes, pull_failure, registry_of


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


@pytest.mark.parametrize(
    ("tags", "tag"),
    [(("mine:1", "harness-runner:3.13-0"), "harness-runner:3.13-0"), (("mine:1",), "sha256:a"), ((), "sha256:a")],
)
def test_an_image_is_used_by_our_tag_or_by_its_id(tags: tuple[str, ...], tag: str) -> None:
    labels: Mapping[str, str] = {}
    assert Image("sha256:a", tags, labels, 0).tag == tag
