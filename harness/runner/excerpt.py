"""Shortens a traceback: each frame of the project with its source, each run of other frames folded into one line.

Owns the short form of an exception, and of the stacks of a process that died, for readers of a terminal. Texts of faulthandler
and unittest are parsed here alone: the host gets the kind of each line (frame, error, folded) as a field.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from traceback import FrameSummary, TracebackException
from types import FrameType, TracebackType

from ..protocol.events import BriefLine

EARLIER = 3
"""Limit of the earlier exceptions of a chain; of more, only the number is given."""
GROUPED = 10
"""Limit of the exceptions of a group."""
FRAMES = 12
"""Lines kept at each end of a traceback; the middle of a longer one is left out."""
_CHARACTERS = 400
_STANDARD = sysconfig.get_paths()["stdlib"] + "/"
_PACKAGE = f"{Path(__file__).parents[1]}/"
_INSTALLED = re.compile(r".*/(?:site|dist)-packages/(.*)")
_FAULT_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)')
_NESTED = "Traceback (most recent call last):"
_NESTED_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+)(, in .*)?')

Relative = Callable[[str], str]
"""Makes a file's name relative to the project's root if it lies below."""


def of_exception(error: TracebackException, relative: Relative, template: str = "") -> tuple[BriefLine, ...]:
    """The short form of *error*. *template* is the place in a template that raised it, if any."""
    chain = _chain(error)
    lines: list[BriefLine] = []
    if (left_out := len(chain) - 1 - EARLIER) > 0:
        lines.append(BriefLine(f"... {left_out} exceptions before", "folded"))
    for one, following in pairwise(chain[-1 - EARLIER :]):
        link = "which directly caused" if following.__cause__ is one else "while that was handled"
        lines += [*_single(one, relative), BriefLine(f"{link}:", "folded")]
    return (*lines, *_single(chain[-1], relative, template))


def of_stacks(text: str, relative: Relative) -> tuple[BriefLine, ...]:
    """The short form of ``faulthandler``'s output: the stack of each thread, most recent frame first."""
    lines: list[BriefLine] = []
    printed = [line for line in text.splitlines() if line.strip() and not line.startswith("Extension modules:")]
    for is_frame, group in groupby(printed, key=lambda line: bool(_FAULT_FRAME.match(line))):
        if not is_frame:
            lines += [BriefLine(line, "error") for line in group]
            continue
        found = [match for line in group if (match := _FAULT_FRAME.match(line))]
        folded = list(_folded((one["file"], _stack_text(one, relative)) for one in found))
        # drop the outermost frames: frameworks and the harness, which called the test
        lines += folded[:-1] if len(folded) > 1 and folded[-1].kind == "folded" else folded
    return tuple(lines)


def _stack_text(frame: re.Match[str], relative: Relative) -> str:
    return f"{relative(frame['file'])}:{frame['line']} in {frame['function']}"


def template_of(error: BaseException, tb: TracebackType | None, relative: Relative) -> str:
    """The innermost place in a Django template that *tb* passes through: ``templates/page.html:12``.

    For a template that cannot be compiled, the line is taken from *error*.
    """
    name, line = "", None
    while tb is not None:
        if str(tb.tb_frame.f_globals.get("__name__", "")).startswith("django.template."):
            found = _template_place(tb.tb_frame)
            name, line = found if found[0] else (name, line)
        tb = tb.tb_next
    if not name or name.startswith("<"):
        return ""
    line = _line_of(error) if line is None else line
    return f"{relative(name)}:{line}" if isinstance(line, int) else relative(name)


def _template_place(frame: FrameType) -> tuple[str, object]:
    node = frame.f_locals.get("self")
    try:
        return str(getattr(getattr(node, "origin", None), "name", "") or ""), _line_of(node)
    except Exception:  # noqa: BLE001 - a template tag of the project may return anything, or raise
        return "", None


def _line_of(node: object) -> object:
    """The line of a template's node, or of the error of one that cannot be compiled."""
    return getattr(getattr(node, "token", None), "lineno", None)


def _chain(error: TracebackException) -> list[TracebackException]:
    """The exceptions that led to *error*, oldest first, then *error*; without those that a framework only wrapped."""
    chain, seen = [error], {id(error)}
    while True:
        last = chain[-1]
        earlier = _earlier(last)
        while earlier is not None and id(earlier) not in seen and _only_wraps(last, earlier):
            seen.add(id(earlier))
            earlier = _earlier(earlier)
        if earlier is None or id(earlier) in seen:
            return chain[::-1]
        seen.add(id(earlier))
        chain.append(earlier)


def _earlier(error: TracebackException) -> TracebackException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _only_wraps(later: TracebackException, earlier: TracebackException) -> bool:
    """Whether *later* only wraps *earlier*, a framework's exception: for example Django's around a driver's."""
    if any(not is_framework(frame.filename) for frame in earlier.stack):
        return False
    return _message(earlier) in _message(later)


def _message(error: TracebackException) -> str:
    return "".join(error.format_exception_only()).partition(": ")[2].strip()


def _single(error: TracebackException, relative: Relative, template: str = "") -> Iterator[BriefLine]:
    """The short form of *error* alone, without its chain."""
    lines = "".join(error.format_exception_only()).rstrip("\n").split("\n")
    if _NESTED in lines:
        yield from _of_nested(lines, relative)
        return
    yield from _folded((frame.filename, _frame_text(frame, relative)) for frame in error.stack)
    if template:
        yield BriefLine(f"{template}: in this template", "frame")
    yield from (BriefLine(line, "error") for line in lines)
    grouped = error.exceptions or ()
    for other in grouped[:GROUPED]:
        yield from (BriefLine(f"  {line.text}", line.kind) for line in of_exception(other, relative))
    if len(grouped) > GROUPED:
        yield BriefLine(f"  ... {len(grouped) - GROUPED} more exceptions", "folded")


def _of_nested(lines: list[str], relative: Relative) -> Iterator[BriefLine]:
    """The short form of a message that contains a traceback, such as unittest's for a module that it could not import."""
    frames: list[tuple[str, str]] = []
    for line in [*lines, ""]:
        if match := _NESTED_FRAME.fullmatch(line):
            frames.append((match["file"], f"{relative(match['file'])}:{match['line']}"))
        elif frames and line.startswith("    "):
            file, text = frames[-1]
            if ": " not in text:  # the first line below a frame is its source, the others mark a part of it
                frames[-1] = file, f"{text}: {line.strip()[:_CHARACTERS]}"
        else:
            yield from _folded(frames)
            frames.clear()
            if line and line != _NESTED:
                yield BriefLine(line, "error")


def _frame_text(frame: FrameSummary, relative: Relative) -> str:
    place = f"{relative(frame.filename)}:{frame.lineno}"
    source = (frame.line or "").strip()
    return f"{place}: {source[:_CHARACTERS]}" if source else f"{place} in {frame.name}"


def _folded(found: Iterable[tuple[str, str]]) -> Iterator[BriefLine]:
    """A line for each frame of the project, and one for each run of others; if none is the project's, also the last frame."""
    frames = list(found)
    if frames and all(is_framework(file) for file, _ in frames):
        file, text = frames.pop()
        yield from _fold([file for file, _ in frames])
        yield BriefLine(f"... {_shortened(file, text)}", "folded")
        return
    lines: list[BriefLine] = []
    for is_foreign, group in groupby(frames, key=lambda frame: is_framework(frame[0])):
        if is_foreign:
            lines += _fold([file for file, _ in group])
        else:
            lines += _without_repeats([text for _, text in group])
    yield from _ends(lines)


def _fold(files: list[str]) -> Iterator[BriefLine]:
    if files:
        packages = ", ".join(dict.fromkeys(map(package_of, files)))
        yield BriefLine(f"... {len(files)} {'frame' if len(files) == 1 else 'frames'} of {packages}", "folded")


def _without_repeats(texts: list[str]) -> Iterator[BriefLine]:
    for text, group in groupby(texts):
        times = sum(1 for _ in group)
        yield BriefLine(text, "frame")
        if times > 1:
            yield BriefLine(f"... {times - 1} times more", "folded")


def _ends(lines: list[BriefLine]) -> list[BriefLine]:
    if len(lines) <= 2 * FRAMES:
        return lines
    left_out = len(lines) - 2 * FRAMES + 1
    return [*lines[: FRAMES - 1], BriefLine(f"... {left_out} lines of frames", "folded"), *lines[-FRAMES:]]


def is_framework(file: str) -> bool:
    """Whether *file* was installed, came with Python, or is the harness's: a reader looks at other files first."""
    return file.startswith((_STANDARD, "<frozen ")) or _INSTALLED.match(file) is not None or is_ours(file)


def package_of(file: str) -> str:
    """The package of a *file* for which ``is_framework`` holds."""
    if file.startswith("<frozen "):
        return file[len("<frozen ") :].rstrip(">").partition(".")[0]
    if is_ours(file):
        return "harness"
    return _shorter(file).partition("/")[0].removesuffix(".py")


def _shorter(file: str) -> str:
    """*file* relative to the folder that its package lies in."""
    installed = _INSTALLED.match(file)
    return installed[1] if installed else file.removeprefix(_STANDARD)


def _shortened(file: str, text: str) -> str:
    return _shorter(file) + text[len(file) :] if text.startswith(file) else text


def is_ours(file: str) -> bool:
    """Whether *file* is a module of the harness."""
    return file.startswith(_PACKAGE)
