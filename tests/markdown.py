"""Reads the repository's pages: fenced blocks with what is to be done with them, links, headings.

A comment right before a block says what tests do with it; CONTRIBUTING.md lists what it may say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.host.project.files import project_files

ROOT = Path(__file__).parents[1]

_FENCE = re.compile(
    r"(?:^<!-- (?P<directive>[^\n]*?) -->\n)?^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"\[[^\]\[]*\]\((?P<target>[^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block. The directive ``run: library, exit 1`` has the verb ``run`` and the argument ``library, exit 1``."""

    page: Path
    line: int
    language: str
    text: str
    verb: str
    argument: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def scene(self) -> str:
        return self.argument.partition(",")[0]

    @property
    def exit_code(self) -> int:
        return int(self.argument.partition(", exit ")[2] or 0)

    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command, without its prompt and what a comment says, and the lines of output that the page shows."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((re.sub(r"\s+# .*", "", line[2:]), []))
            elif found:
                found[-1][1].append(line)
            else:
                raise AssertionError(f"{self.where}: output before any command: {line}")
        return found


def pages() -> list[Path]:
    """Every page of the repository but those of fixture projects."""
    names = (name for name in project_files(ROOT) if name.endswith(".md") and not name.startswith("tests/projects/"))
    return [ROOT / name for name in names]


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        verb, _, argument = (match["directive"] or "").partition(":")
        line = text.count("\n", 0, match.start("fence")) + 1
        found.append(Block(page, line, match["language"].strip(), match["text"], verb.strip(), argument.strip()))
    return found


def all_blocks(*verbs: str) -> list[Block]:
    """The blocks of all pages whose directive begins with one of *verbs*."""
    return [block for page in pages() for block in blocks(page) if block.verb in verbs]


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def links(page: Path) -> Iterator[str]:
    """The targets of the page's links, as they are written."""
    for match in _LINK.finditer(_SPAN.sub("", _prose(page))):
        yield match["target"]


def code_spans(page: Path) -> list[str]:
    """The texts in backticks in the page's prose."""
    return _SPAN.findall(_prose(page))


def anchors(page: Path) -> set[str]:
    """The fragments (behind ``#``) of links to the page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+?)\s*$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
