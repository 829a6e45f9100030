"""Decides which images may go. Pure: ``stored_images`` beside this module asks the engine and removes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.host.docker.images import CACHE, MACHINE_LABEL, NAME_LABEL, PROJECT_LABEL, Image
from harness.host.retention.usage import Usage

DAY_S = 86400
KEPT_IMAGES = 3
"""The number of a project's images that stay when a new one is made, even if no run has used them for long."""
KEPT_S = 7 * DAY_S
"""The time, in seconds, after its last use for which an image of a project stays in any case when a new one is made."""

OF_PROJECTS = ("project", "system", CACHE)
"""The names of the images that belong to projects; all others belong to the harness."""

_UNITS = {"h": 3600, "d": DAY_S, "w": 7 * DAY_S}


@dataclass(frozen=True, slots=True)
class Stored:
    """An image with its last use, in seconds of the epoch, and the folders of the projects that use it.

    ``is_abandoned``: none of these folders exists.
    """

    image: Image
    used_at: float
    projects: tuple[str, ...] = ()
    is_abandoned: bool = False

    @property
    def name(self) -> str:
        return self.image.labels.get(NAME_LABEL, "")


@dataclass(frozen=True, slots=True)
class Selection:
    """The images to remove: those that no run has used for ``older_than_s`` seconds, of projects alone.

    ``project`` limits it to images of that folder, ``is_everything`` adds the images of servers, runners and bases.
    ``has_abandoned`` adds those of projects whose folders do not exist, whatever their age.
    """

    older_than_s: float
    project: str = ""
    has_abandoned: bool = False
    is_everything: bool = False


def duration_s(text: str) -> float:
    """The seconds of ``12h``, ``14d`` or ``2w``. Raises ``UsageError`` for other text."""
    match = re.fullmatch(r"(\d+)([hdw])", text.strip())
    if match is None:
        raise UsageError(
            f"--older-than {text} is no duration.",
            hint="Give a number and a unit: 12h, 14d or 2w; 0d means every image.",
        )
    return float(match[1]) * _UNITS[match[2]]


def stored(
    images: Iterable[Image], usage: Callable[[str], Usage], machine: str, exists: Callable[[str], bool]
) -> list[Stored]:
    """*images* with their last use, by their *usage* and the engine's times. *machine* is this one's name.

    An image that others are made of is used when one of these is.
    """
    found = []
    for image in images:
        recorded = usage(image.tag)
        labelled = image.labels.get(PROJECT_LABEL, "") if image.labels.get(NAME_LABEL) in ("project", CACHE) else ""
        is_here = image.labels.get(MACHINE_LABEL) == machine
        folders = tuple(dict.fromkeys([*([labelled] if labelled and is_here else []), *recorded.projects]))
        is_abandoned = bool(folders) and not any(map(exists, folders)) and (is_here or not labelled)
        shown = folders or ((f"{image.labels.get(MACHINE_LABEL, '')}:{labelled}",) if labelled else ())
        used_at = max(image.created_at, image.tagged_at, recorded.used_at)
        found.append(Stored(image, used_at, shown, is_abandoned))
    return [replace(each, used_at=max(above.used_at for above in _with_made_of(each, found))) for each in found]


def selected(found: Sequence[Stored], selection: Selection, now: float) -> list[Stored]:
    """The images of *found* to remove, each after those that are made of it."""

    def is_chosen(each: Stored) -> bool:
        is_ours = each.name in OF_PROJECTS or selection.is_everything
        is_of_project = not selection.project or selection.project in each.projects
        is_old = each.used_at <= now - selection.older_than_s
        is_abandoned = selection.has_abandoned and each.is_abandoned
        return bool(each.image.tags) and is_ours and is_of_project and (is_old or is_abandoned)

    chosen = {each.image.id for each in found if is_chosen(each)}
    going = [each for each in found if all(above.image.id in chosen for above in _with_made_of(each, found))]
    return sorted(going, key=lambda each: (-len(each.image.layers), each.image.tag))


def outdated(found: Sequence[Stored], project: str, now: float) -> list[Stored]:
    """The images of *project* alone that go when it gets a new one: all but the last used ones."""
    own = sorted((each for each in found if each.projects == (project,)), key=lambda each: each.used_at, reverse=True)
    images, caches = [each for each in own if each.name != CACHE], [each for each in own if each.name == CACHE]
    chosen = [each for each in (*images[KEPT_IMAGES:], *caches) if each.used_at <= now - KEPT_S]
    return [each for each in chosen if all(above in chosen for above in _with_made_of(each, found))]


def _with_made_of(below: Stored, found: Iterable[Stored]) -> list[Stored]:
    """*below* and the images of *found* that are made of it: their layers begin with its layers."""
    layers = below.image.layers
    made = [each for each in found if layers and each is not below and each.image.layers[: len(layers)] == layers]
    return [below, *made]
