"""The output of ``harness images base`` while it works."""

from harness.host.images.make_base import STEP_S, paced


def test_one_step_of_debootstrap_is_printed_in_a_while_and_all_else_at_once() -> None:
    told, now = [], 0.0
    tell = paced(lambda image, line: told.append((image, line)), lambda: now)
    for second in range(8):
        now = float(second)
        tell("base", f"I: Extracting package {second}...")
    tell("base", "W: something is odd")
    tell("base", "made")
    assert told == [
        ("base", "Extracting package 0..."),
        ("base", f"Extracting package {STEP_S:.0f}..."),
        ("base", "W: something is odd"),
        ("base", "made"),
    ]
