"""Messages do not refer to text above or below: a terminal, JUnit and the summary each have an order of their own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "harness"
THING, PLACE = r"\b(lines?|log|words|output|stream|traceback|error)\b", r"\b(above|below)\b"
PLACED = re.compile(f"(?i){THING}[^.]*{PLACE}|{PLACE}[^.]*{THING}")
ALLOWED = {
    "\nNext: report this with the lines above; it says nothing about the tests.",  # printed on one stream, in this order
}


def texts(path: Path) -> Iterator[str]:
    """The strings of a module that are not docstrings."""
    tree = ast.parse(path.read_bytes())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


@pytest.mark.parametrize("path", sorted(HARNESS.rglob("*.py")), ids=lambda path: str(path.relative_to(HARNESS)))
def test_no_message_says_that_something_stands_above_or_below(path: Path) -> None:
    assert [text for text in texts(path) if PLACED.search(text) and text not in ALLOWED] == []
