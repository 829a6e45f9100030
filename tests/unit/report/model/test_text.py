import sys
import unicodedata

import pytest

from harness.report.model.text import (
    cut_bytes,
    first_line,
    for_terminal,
    keep_end_lines,
    keep_ends,
    one_line,
    plural,
    visible,
)


class TestVisible:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("plain\ttext\nand more", "plain\ttext\nand more"),
            ("a\x00b\x07c\x1b[2Jd\x7fe\x9bf", "a\\x00b\\x07c\\x1b[2Jd\\x7fe\\x9bf"),
            ("lone \udc80 and \ud83d", "lone \\udc80 and \\ud83d"),
            ("\ufffe\uffff", "\\ufffe\\uffff"),
            ("windows\r\nbar 10%\rbar 20%", "windows\nbar 10%\nbar 20%"),
            ("grüße 😀 ❤️ עברית", "grüße 😀 ❤️ עברית"),
            ("if user\u202e\u2066// admin\u2069", "if user\\u202e\\u2066// admin\\u2069"),
            ("a\u200bb\ufeff\u2028c\u2029\U000e0041", "a\\u200bb\\ufeff\\u2028c\\u2029\\U000e0041"),
        ],
    )
    def test_unfit_characters_are_escapes(self, text: str, expected: str) -> None:
        assert visible(text) == expected
        visible(text).encode()

    def test_every_invisible_character_is_an_escape(self) -> None:
        signs = {
            *range(0x600, 0x606),
            0x6DD,
            0x70F,
            0x890,
            0x891,
            0x8E2,
            0x110BD,
            0x110CD,
        }  # formats too, but with a shape
        unseen = ("Cc", "Cf", "Cs", "Zl", "Zp")
        found = {
            code
            for code in range(sys.maxunicode + 1)
            if unicodedata.category(chr(code)) in unseen
            and chr(code) not in "\t\n\r"
            and visible(chr(code)) == chr(code)
        }
        assert found <= signs

    def test_for_terminal_drops_colours_and_escapes_cursor_moves(self) -> None:
        assert for_terminal("\x1b[1;31mred\x1b[0m \x1b[2J") == "red \\x1b[2J"


class TestLimits:
    def test_one_line(self) -> None:
        assert one_line(" a\n\tb  c ") == "a b c"
        assert one_line("abcdef", 4) == "abc…"

    def test_cut_bytes_never_splits_a_character(self) -> None:
        assert cut_bytes("ü" * 10, 20) == "ü" * 10
        assert cut_bytes("ü" * 11, 20) == "ü" * 8 + "…"
        assert len(cut_bytes("😀" * 300, 1000).encode()) <= 1000

    def test_keep_ends_says_how_much_is_left_out(self) -> None:
        text = "head" + "ü" * 2000 + "tail"
        kept = keep_ends(text, 100)
        assert kept.startswith("head")
        assert kept.endswith("tail")
        dropped = len(text.encode()) - len(kept.split("\n")[0].encode()) - len(kept.split("\n")[2].encode())
        assert kept.split("\n")[1] == f"[... {dropped:,} bytes left out; the journal has them ...]"
        assert keep_ends("short", 5) == "short"

    def test_keep_end_lines(self) -> None:
        kept = keep_end_lines("\n".join(str(n) for n in range(100)), 9).split("\n")
        assert kept == ["0", "1", "2", "[... 91 lines left out ...]", "94", "95", "96", "97", "98", "99"]
        assert keep_end_lines("a\nb", 2) == "a\nb"


class TestWords:
    def test_first_line(self) -> None:
        assert first_line("\n  \n two \nthree") == "two"
        assert first_line(" \n") == ""

    def test_plural(self) -> None:
        assert [plural(n, "test") for n in (0, 1, 2)] == ["0 tests", "1 test", "2 tests"]
