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

from ..protocol.results import BriefLine

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
_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+)(?:, in .*|(?P<function> in .*))?')
_NESTED = "Traceback (most recent call last):"

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
    lines = [line for line in text.splitlines() if not line.startswith("Extension modules:")]
    return tuple(_of_text(lines, relative, is_outermost_last=True))


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
    earlier = _earlier(error)
    while earlier is not None and id(earlier) not in seen:
        seen.add(id(earlier))
        if not _only_wraps(chain[-1], earlier):
            chain.append(earlier)
        earlier = _earlier(earlier)
    return chain[::-1]


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
        # unittest has the traceback of a module that it could not import in the message
        yield from _of_text(lines, relative)
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


def _of_text(lines: list[str], relative: Relative, *, is_outermost_last: bool = False) -> Iterator[BriefLine]:
    """The short form of *lines* that contain frames as ``traceback`` or ``faulthandler`` prints them."""
    frames: list[tuple[str, str]] = []
    for line in [*lines, ""]:
        if match := _FRAME.fullmatch(line):
            frames.append((match["file"], f"{relative(match['file'])}:{match['line']}{match['function'] or ''}"))
        elif frames and line.startswith("    "):
            file, text = frames[-1]
            if ": " not in text:  # the first line below a frame is its source, the others mark a part of it
                frames[-1] = file, f"{text}: {line.strip()[:_CHARACTERS]}"
        else:
            folded = _folded(frames)
            if is_outermost_last and len(folded) > 1 and folded[-1].kind == "folded":
                folded.pop()  # frameworks and the harness, which called the test
            yield from folded
            frames.clear()
            if line and line != _NESTED:
                yield BriefLine(line, "error")


def _frame_text(frame: FrameSummary, relative: Relative) -> str:
    place = f"{relative(frame.filename)}:{frame.lineno}"
    source = (frame.line or "").strip()
    return f"{place}: {source[:_CHARACTERS]}" if source else f"{place} in {frame.name}"


def _folded(found: Iterable[tuple[str, str]]) -> list[BriefLine]:
    """A line for each frame of the project, and one for each run of others; if none is the project's, also the last frame."""
    frames, lines, shown = list(found), list[BriefLine](), list[BriefLine]()
    if frames and all(is_framework(file) for file, _ in frames):
        file, text = frames.pop()
        shown = [BriefLine(f"... {text.replace(file, _shorter(file), 1)}", "folded")]
    # frames of one kind are folded together; of the project's, repeated ones, such as those of a recursion
    for text, group in groupby(frames, key=lambda frame: "" if is_framework(frame[0]) else frame[1]):
        files = [file for file, _ in group]
        if not text:
            packages = ", ".join(dict.fromkeys(map(package_of, files)))
            noun = "frame" if len(files) == 1 else "frames"
            lines.append(BriefLine(f"... {len(files)} {noun} of {packages}", "folded"))
        else:
            lines.append(BriefLine(text, "frame"))
        if text and len(files) > 1:
            lines.append(BriefLine(f"... {len(files) - 1} times more", "folded"))
    if (left_out := len(lines) - 2 * FRAMES) > 0:
        lines[FRAMES - 1 : -FRAMES] = [BriefLine(f"... {left_out + 1} lines of frames", "folded")]
    return [*lines, *shown]


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


def is_ours(file: str) -> bool:
    """Whether *file* is a module of the harness."""
    return file.startswith(_PACKAGE)
