"""The arguments and the output of the image commands; the engine's part is in tests/e2e."""

import pytest

from harness.errors import UsageError
from harness.host.config.databases import DbSpec
from harness.host.docker.images import Image
from harness.host.engines import ENGINES
from harness.host.images.commands import STEP_S, chosen, paced, rows, table, wanted_servers
from harness.host.images.specs import ORIGIN_LABEL

RUNNER = Image("sha256:1", ("harness-runner:3.13-a",), {ORIGIN_LABEL: "python:3.13-slim"}, 1.0, 600_400_000)
UNTAGGED = Image("sha256:2", (), {}, 2.0, 1_000_000)


def test_sqlite_needs_no_server() -> None:
    assert wanted_servers((DbSpec("sqlite"), DbSpec("postgres", "15"))) == (DbSpec("postgres", "15"),)
    assert wanted_servers((DbSpec("sqlite"),)) == ()


def test_every_engine_where_none_is_named_for_all() -> None:
    everything = tuple(DbSpec(name, engine.default_version) for name, engine in ENGINES.items())
    assert wanted_servers(()) == everything
    assert wanted_servers((DbSpec("postgres", "15", "catalog"),)) == (DbSpec("postgres", "15"), *everything)


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
    assert table([("image", "size", "built on"), *rows([UNTAGGED, RUNNER])]) == [
        "image                  size    built on",
        "harness-runner:3.13-a  600 MB  python:3.13-slim",
        "sha256:2               1 MB",
    ]


def test_steps_of_debootstrap_are_printed_now_and_then() -> None:
    shown, now = [], 0.0
    on_progress = paced(lambda image, line: shown.append((image, line)), lambda: now)
    for second in range(8):
        now = float(second)
        on_progress("base", f"I: Extracting package {second}...")
    on_progress("base", "W: something is odd")
    on_progress("base", "made")
    assert shown == [
        ("base", "Extracting package 0..."),
        ("base", f"Extracting package {STEP_S:.0f}..."),
        ("base", "W: something is odd"),
        ("base", "made"),
    ]
