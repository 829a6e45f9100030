"""Node ids that name no test: similar ones among those that pytest has collected. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ....errors import ProjectError

_NOT_FOUND = re.compile(r"^(?:not found: |found no collectors for )(.+)$", re.MULTILINE)
_NEAR = 5


def not_found(text: str, asked: Sequence[str]) -> list[str]:
    """Those of the node ids *asked* that pytest's error *text* names, without a parameter in it or with one."""
    endings = [_without_parameters(match) for match in _NOT_FOUND.findall(text)]
    found = [each for each in asked if any(f"/{end}".endswith(f"/{_without_parameters(each)}") for end in endings)]
    return found or endings


def explained(names: Sequence[str], known: Iterable[str], failed: dict[str, str]) -> ProjectError:
    """The error for the node ids *names*; *known* are others, and *failed* the texts of the files that cannot be collected."""
    files = dict.fromkeys(name.partition("::")[0] for name in names)
    texts = {file: failed[file] for file in files if file in failed}
    if texts:
        return ProjectError(
            f"pytest cannot collect {' and '.join(texts)}, so {' and '.join(names)} cannot be found in it.",
            hint="Correct the error in the file.",
            evidence="\n".join(texts.values()),
        )
    candidates = list(dict.fromkeys(each for each in known if "::" in each))
    near = dict.fromkeys(each for name in names for each in similar(name, candidates))
    file = next(iter(files))
    word = "id" if len(names) == 1 else "ids"
    return ProjectError(
        f"No test has the {word} {' and '.join(names)}.",
        hint=f"Near ids: {', '.join(near)}." if near else f"harness ci {file} runs the whole file.",
    )


def similar(name: str, candidates: Sequence[str]) -> list[str]:
    """The most similar of *candidates* to the node id *name*, in whole or in its last part, best first."""
    found = difflib.get_close_matches(name, candidates, _NEAR, 0.8)
    last = _without_parameters(name).rpartition("::")[2]
    file = name.partition("::")[0]
    by_last: dict[str, list[str]] = {}
    for each in candidates:
        if each.partition("::")[0] == file:
            by_last.setdefault(_without_parameters(each).rpartition("::")[2], []).append(each)
    for like in difflib.get_close_matches(last, list(by_last), _NEAR, 0.6):
        found += by_last[like]
    return list(dict.fromkeys(found))[:_NEAR]


def _without_parameters(node_id: str) -> str:
    return node_id.partition("[")[0]
