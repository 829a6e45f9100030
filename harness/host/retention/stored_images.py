"""``harness images list|remove|prune``, and the removal of a project's old images when it gets a new one.

Owns the output of these commands and the removal; ``policy`` beside this module decides which images may go.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import ExitCode, ServerError, UsageError
from harness.host.docker.build_log import OnProgress
from harness.host.docker.client import connect
from harness.host.docker.images import CACHE, ORIGIN_LABEL, PROJECT_LABEL, Image, Images
from harness.host.engines import ENGINES
from harness.host.retention import policy
from harness.host.retention.policy import Selection, Stored
from harness.host.retention.usage import Records, records_folder

_COLUMNS = ("image", "contents", "made", "last used", "size", "own", "project, or built on")
_CONTENTS = {
    "project": "dependencies",
    "system": "Debian packages",
    "runner": "Python",
    "python": "interpreter",
    "base": "Debian",
    CACHE: "downloads",
}
_IN_USE = ("a container uses it", "a run needs it")
_UNITS = ((policy.DAY_S, "day"), (3600, "hour"), (60, "minute"))


def list_images() -> ExitCode:
    """Print the images of the harness that the engine has."""
    with _images() as images:
        found = _stored(images)
    lines = table([_COLUMNS, *rows(found, time.time())]) if found else ["There are no images of the harness."]
    print("\n".join(lines))
    return ExitCode.GREEN


def remove_images(tags: Sequence[str]) -> ExitCode:
    """Remove the images called *tags*, or every one of the harness; ``SERVERS`` when one could not be removed.

    Raises ``UsageError`` for a tag that is not one of ours.
    """
    with _images() as images:
        left = chosen(images.ours(), tags)
        while left:
            refused: list[tuple[Image, str]] = []
            for image in left:
                if reason := images.remove(image):
                    refused.append((image, reason))
                else:
                    print(f"removed {image.tag}")
            if len(refused) == len(left):
                for image, reason in refused:
                    print(f"kept {image.tag}: {reason}", file=sys.stderr)
                return ExitCode.SERVERS
            left = [image for image, _ in refused]  # an image goes after those that are built on it
    return ExitCode.GREEN


def prune_images(selection: Selection, *, is_dry_run: bool = False) -> ExitCode:
    """Remove the images that *selection* describes, or only name them; ``SERVERS`` if the engine fails to remove one."""
    with _images() as images:
        found = _stored(images)
        going = policy.selected(found, selection, time.time())
        code, removed = ExitCode.GREEN, 0
        before = images.stored_bytes()
        for each in going:
            about = description(each, time.time())
            if is_dry_run:
                print(
                    f"would be kept {about}: a container uses it" if each.image.has_container else f"would go {about}"
                )
            elif reason := remove_unused(images, each):
                print(f"kept {each.image.tag}: {reason}", file=sys.stderr)
                code = code if reason in _IN_USE else ExitCode.SERVERS
            else:
                print(f"removed {about}")
                removed += 1
        if is_dry_run:
            own = sum(each.image.own_bytes for each in going if not each.image.has_container)
            print(
                f"Nothing was removed. At least {_size(own)} would be freed; layers that images share count once all are gone."
            )
        else:
            freed = max(0, before - images.stored_bytes())
            kept = len(found) - removed
            print(f"Removed {_count(removed)}, which freed {_size(freed)}; {_count(kept)} of the harness stay.")
    return code


def remove_outdated(images: Images, project: str, on_progress: OnProgress) -> None:
    """Remove the images of *project* that no run has used for long, after a new one was made. Raises nothing."""
    with contextlib.suppress(ServerError):
        if sum(image.labels.get(PROJECT_LABEL) == project for image in images.ours()) <= policy.KEPT_IMAGES:
            return
        for each in policy.outdated(_stored(images), project, time.time()):
            if not remove_unused(images, each):
                on_progress("project", f"removed {description(each, time.time())}")


def remove_unused(images: Images, each: Stored) -> str:
    """Remove the image unless it is in use; returns the reason if it stays, empty if it was removed."""
    if each.image.has_container:
        return _IN_USE[0]
    records = _records()
    with records.unused(each.image.tag) as is_unused:
        if not is_unused or records.read(each.image.tag).used_at > each.used_at:
            return _IN_USE[1]
        if reason := images.remove(each.image):
            return reason
        records.forget(each.image.tag)
    return ""


def chosen(found: Iterable[Image], tags: Sequence[str]) -> list[Image]:
    """The images of *found* that *tags* name, by a tag or their id; all of them without *tags*.

    Raises ``UsageError`` for a tag that none of them has.
    """
    found = list(found)
    if not tags:
        return found
    picked: list[Image] = []
    for tag in tags:
        named = [image for image in found if tag in image.tags or tag == image.id]
        if not named:
            known = ", ".join(sorted(image.tag for image in found))
            raise UsageError(f"{tag} is no image of the harness.", hint=f"There are: {known or 'none'}.")
        picked += named
    return picked


def rows(found: Iterable[Stored], now: float) -> list[tuple[str, ...]]:
    """A row of ``_COLUMNS`` for each image, by tag."""
    return [
        (
            each.image.tag,
            _contents(each.name),
            age(now - each.image.created_at),
            age(now - each.used_at),
            _size(each.image.size_bytes),
            _size(each.image.own_bytes),
            ", ".join(each.projects) or each.image.labels.get(ORIGIN_LABEL, ""),
        )
        for each in sorted(found, key=lambda each: each.image.tag)
    ]


def description(each: Stored, now: float) -> str:
    """The image for a line of output: its tag, project and last use."""
    of = f"of {', '.join(each.projects)}, " if each.projects else ""
    gone = ", which is gone" if each.is_abandoned else ""
    return f"{each.image.tag} ({of.removesuffix(', ')}{gone}{', ' if of else ''}last used {age(now - each.used_at)})"


def table(cells: Sequence[Sequence[str]]) -> list[str]:
    """The cells as lines of text, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def age(seconds: float) -> str:
    """A duration until now in its largest unit: ``3 days ago``."""
    for unit_s, name in _UNITS:
        if seconds >= unit_s:
            number = int(seconds // unit_s)
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return "just now"


def _contents(name: str) -> str:
    server = name.removesuffix("-binaries")
    return _CONTENTS.get(name) or (("server" if server == name else "server's binaries") if server in ENGINES else name)


def _size(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


def _count(number: int) -> str:
    return f"{number} image{'' if number == 1 else 's'}"


def _stored(images: Images) -> list[Stored]:
    found = images.in_detail()
    return policy.stored(found, _records().read, platform.node(), lambda folder: Path(folder).is_dir())


def _records() -> Records:
    return Records(records_folder(os.environ))


@contextlib.contextmanager
def _images() -> Iterator[Images]:
    with contextlib.closing(connect()) as client:
        yield Images(client, lambda *_: None)
