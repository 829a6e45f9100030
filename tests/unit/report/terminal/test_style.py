from harness.report.terminal.style import clip_start, encodable


def test_encodable_replaces_what_the_encoding_lacks() -> None:
    assert encodable("─│… é 😀", "utf-8") == "─│… é 😀"
    assert encodable("─│… é 😀", "latin-1") == "-|... é \\U0001f600"


def test_clip_start_keeps_the_end() -> None:
    assert clip_start("shop.tests.test_x", 10) == "…ts.test_x"
    assert clip_start("short", 10) == "short"
