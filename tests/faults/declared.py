"""Faults that are test classes of the project: the first line of the class says which, ``expected`` what must come of it.

``shows`` names what the report of a test must have in it: in its failures, its output, its SQL.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Declared:
    """The expectations that a class declares."""

    name: str
    fault: str
    expected: dict[str, str] = field(default_factory=dict)
    shows: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read(module: Path) -> list[Declared]:
    """The classes of *module* that are faults, read and not imported: their tests run elsewhere."""
    found: dict[str, Declared] = {}
    bases = set()
    for node in ast.parse(module.read_text()).body:
        if not isinstance(node, ast.ClassDef) or not (text := ast.get_docstring(node)):
            continue
        declared = Declared(node.name, text.splitlines()[0])
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in found:
                declared.expected = found[base.id].expected
                bases.add(base.id)
        for statement in node.body:
            name = getattr(statement.targets[0], "id", "") if isinstance(statement, ast.Assign) else ""
            if isinstance(statement, ast.Assign) and name in ("expected", "shows"):
                value = ast.literal_eval(statement.value)
                if name == "shows":
                    value = {test: (text,) if isinstance(text, str) else text for test, text in value.items()}
                setattr(declared, name, value)
        found[node.name] = declared
    return [declared for name, declared in found.items() if name not in bases]
