"""The map of the code: the tree of CONTRIBUTING.md, the walk from argv to junit.xml, and the places for changes.

Run as a program, this file writes the tree anew:  PYTHONPATH=. python tests/checks/test_map.py
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.markdown import ROOT

PACKAGE = ROOT / "harness"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
WALK = ROOT / "docs" / "explanation" / "from-argv-to-junit.md"
TREE = re.compile(r"(?<=<!-- tree -->\n```text\n).*?(?=```\n)", re.DOTALL)
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)]+)\)")
NAME = re.compile(r"`([a-z]+_[a-z_]+|[A-Z]\w+)`")


def folders() -> list[Path]:
    return sorted(path.parent for path in PACKAGE.rglob("__init__.py"))


def tree() -> str:
    """A line for each folder of the package: its path, and the first sentence of its docstring."""
    rows = []
    for folder in folders():
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
        sentence = re.split(r"(?<=[a-z)`])\.(?:\s|$)", docstring.replace("\n", " "))[0].rstrip(".")
        depth = len(folder.relative_to(ROOT).parts) - 1
        rows.append(f"{'  ' * depth + folder.name + '/':18} {sentence}\n")
    return "".join(rows)


def items(page: Path) -> list[str]:
    """The numbered steps and the table rows of a page."""
    return re.split(r"\n(?=\d+\. |\| )", page.read_text("utf-8"))[1:]


def linked(page: Path, item: str) -> dict[str, Path]:
    """The modules that *item* links to, by the texts of the links."""
    found = {match["text"]: (page.parent / match["target"]).resolve() for match in LINK.finditer(item)}
    return {text: path for text, path in found.items() if path.suffix == ".py"}


def defined(module: Path) -> set[str]:
    """The names that a module defines, its methods among them."""
    nodes = ast.walk(ast.parse(module.read_text("utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_the_tree_is_the_packages() -> None:
    found = TREE.search(CONTRIBUTING.read_text("utf-8"))
    assert found is not None
    assert found[0] == tree(), "PYTHONPATH=. python tests/checks/test_map.py writes it anew"


def test_the_walk_passes_through_every_folder() -> None:
    visited = {path.parent for item in items(WALK) for path in linked(WALK, item).values()}
    assert {folder.relative_to(ROOT) for folder in folders()} <= {path.relative_to(ROOT) for path in visited}


@pytest.mark.parametrize("page", [WALK, CONTRIBUTING], ids=lambda page: page.name)
def test_a_link_to_a_module_is_called_after_it(page: Path) -> None:
    for item in items(page):
        for text, path in linked(page, item).items():
            if text.startswith("`"):
                dotted = ".".join(path.with_suffix("").relative_to(PACKAGE.parent).parts)
                assert f".{dotted}".endswith(f".{text.strip('`')}"), f"{page.name}: {text} leads to {dotted}"


@pytest.mark.parametrize("page", [WALK, CONTRIBUTING], ids=lambda page: page.name)
def test_a_name_is_defined_in_a_module_beside_it(page: Path) -> None:
    protocol = set().union(*(defined(path) for path in (PACKAGE / "protocol").glob("*.py")))
    for item in items(page):
        modules = [path for path in linked(page, item).values() if path.is_relative_to(PACKAGE)]
        if modules:
            known = protocol.union(*map(defined, modules), (path.stem for path in modules))
            texts = {text.strip("`") for text in linked(page, item)}
            names = {name for name in NAME.findall(item) if name.upper() != name} - texts
            assert names <= known, f"{page.name}: {sorted(names - known)} stand in none of the modules linked there"


if __name__ == "__main__":
    CONTRIBUTING.write_text(TREE.sub(lambda _: tree(), CONTRIBUTING.read_text("utf-8"), count=1), "utf-8")
