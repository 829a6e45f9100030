"""Shows a failed doctest as its examples: the standard library's text and frames name its own file instead."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from ...protocol.results import BriefLine, Failure, Frame

_DIVIDER = "-" * 70 + "\n"
_EXAMPLE = re.compile(
    r'File "(?P<file>[^"\n]+)", line (?P<line>\d+), in (?P<name>[^\n]*)\n(?P<text>Failed example:\n.*)', re.DOTALL
)


def with_examples(failure: Failure, relative: Callable[[str], str]) -> Failure:
    """*failure* of a doctest with the failed examples as its message, and the first one as its place.

    *relative* shortens the name of a file. A failure with another text, such as that of a ``setUp``, stays as it is.
    """
    found = [match for part in failure.message.split(_DIVIDER) if (match := _EXAMPLE.fullmatch(part))]
    if not found:
        return failure
    examples = [match["text"].strip() for match in found]
    places = [f"{relative(match['file'])}:{match['line']}" for match in found]
    first = found[0]
    brief = []
    for place, text in zip(places, examples, strict=True):
        source = text.split("\n")[1].strip()
        brief.append(BriefLine(f"{place}: {source}", "frame"))
        brief += [BriefLine(line, "error") for line in text.split("\n")]
    texts = [f"{place}\n{text}" for place, text in zip(places, examples, strict=True)]
    return dataclasses.replace(
        failure,
        message="\n\n".join(examples),
        traceback="\n\n".join(texts) + "\n",
        frames=(Frame(relative(first["file"]), int(first["line"]), first["name"]),),
        brief=tuple(brief),
    )
