"""The arguments and the output of the image commands; the engine's part is in tests/e2e."""

from harness.host.config.databases import DbSpec
from harness.host.engines import ENGINES
from harness.host.images.commands import STEP_S, paced, wanted_servers


def test_sqlite_needs_no_server() -> None:
    assert wanted_servers((DbSpec("sqlite"), DbSpec("postgres", "15"))) == (DbSpec("postgres", "15"),)
    assert wanted_servers((DbSpec("sqlite"),)) == ()


def test_every_engine_where_none_is_named_for_all() -> None:
    everything = tuple(DbSpec(name, engine.default_version) for name, engine in ENGINES.items())
    assert wanted_servers(()) == everything
    assert wanted_servers((DbSpec("postgres", "15", "catalog"),)) == (DbSpec("postgres", "15"), *everything)


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
