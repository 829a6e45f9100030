"""The table that ``harness init`` wrote into a TOML file earlier: nothing in it says how the project itself is tested."""

from __future__ import annotations

import re

from harness.host.config.load import SECTION

_ANY_HEADER = re.compile(r"(?m)^[ \t]*\[\[?[ \t]*([^\]\n]+?)[ \t]*\]\]?[ \t]*(?:#[^\n]*)?$")


def without_table(text: str) -> str:
    """*text* without the lines of ``[tool.harness]`` and the tables below it."""
    kept, start, is_ours = "", 0, False
    for match in [*_ANY_HEADER.finditer(text), None]:
        end = match.start() if match else len(text)
        kept += "" if is_ours else text[start:end]
        start = end
        name = re.sub(r"[\s\"']", "", match[1]) if match else ""
        is_ours = name == SECTION or name.startswith(f"{SECTION}.")
    return kept.rstrip("\n") + "\n" if kept.strip() else ""
