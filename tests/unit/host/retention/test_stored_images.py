"""The arguments and the output of the commands on stored images; the engine's part is in tests/e2e."""

import pytest

from harness.errors import UsageError
from harness.host.docker.images import NAME_LABEL, ORIGIN_LABEL, Image
from harness.host.retention.policy import DAY_S, Stored
from harness.host.retention.stored_images import age, chosen, description, rows, table

NOW = 30.0 * DAY_S
RUNNER = Image(
    "sha256:1",
    ("harness-runner:3.13-a",),
    {NAME_LABEL: "runner", ORIGIN_LABEL: "python:3.13-slim"},
    NOW - 2 * DAY_S,
    600_400_000,
    1_000_000,
)
UNTAGGED = Image("sha256:2", (), {}, NOW, 1_000_000)


def test_images_are_chosen_by_tag_or_id() -> None:
    assert chosen([RUNNER, UNTAGGED], []) == [RUNNER, UNTAGGED]
    assert chosen([RUNNER, UNTAGGED], ["harness-runner:3.13-a"]) == [RUNNER]
    assert chosen([RUNNER, UNTAGGED], ["sha256:2"]) == [UNTAGGED]


def test_another_image_is_not_removed() -> None:
    with pytest.raises(UsageError) as caught:
        chosen([RUNNER], ["debian:trixie"])
    assert "debian:trixie" in caught.value.message
    assert "harness-runner:3.13-a" in caught.value.hint


def test_the_listing() -> None:
    project = Image("sha256:3", ("harness-project:b",), {NAME_LABEL: "project"}, NOW - DAY_S, 620_000_000, 9_000_000)
    found = [Stored(UNTAGGED, NOW), Stored(RUNNER, NOW - 3600), Stored(project, NOW - 120, ("/shop", "/blog"))]
    assert table(rows(found, NOW)) == [
        "harness-project:b      dependencies  1 day ago   2 minutes ago  620 MB  9 MB  /shop, /blog",
        "harness-runner:3.13-a  Python        2 days ago  1 hour ago     600 MB  1 MB  python:3.13-slim",
        "sha256:2                             just now    just now       1 MB    0 MB",
    ]


@pytest.mark.parametrize(
    ("name", "what"),
    [("postgres", "server"), ("mysql-binaries", "server's binaries"), ("base", "Debian"), ("bare", "bare")],
)
def test_the_contents_of_an_image(name: str, what: str) -> None:
    assert rows([Stored(Image("1", (), {NAME_LABEL: name}, NOW), NOW)], NOW)[0][1] == what


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (3 * DAY_S + 1, "3 days ago")]
)
def test_an_age_has_one_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_a_line_names_project_and_last_use() -> None:
    image = Image("1", ("harness-project:b",), {}, NOW)
    assert description(Stored(image, NOW), NOW) == "harness-project:b (last used just now)"
    gone = Stored(image, NOW - DAY_S, ("/shop",), is_abandoned=True)
    assert description(gone, NOW) == "harness-project:b (of /shop, which is gone, last used 1 day ago)"
