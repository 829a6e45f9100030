"""Which images may go."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from harness.errors import UsageError
from harness.host.docker.images import MACHINE_LABEL, NAME_LABEL, PROJECT_LABEL, Image
from harness.host.retention.policy import (
    DAY_S,
    KEPT_IMAGES,
    KEPT_S,
    Selection,
    Stored,
    duration_s,
    outdated,
    selected,
    stored,
)
from harness.host.retention.usage import Usage

NOW = 100.0 * DAY_S
OLD = NOW - 20 * DAY_S
FORTNIGHT = 14.0 * DAY_S


def image(
    name: str, layers: str, made_at: float = OLD, labels: Mapping[str, str] | None = None, tagged_at: float = 0.0
) -> Image:
    """An image called by its *layers*, a letter for each."""
    given = {NAME_LABEL: name, **(labels or {})}
    return Image(layers, (f"harness-{name}:{layers}",), given, made_at, tagged_at=tagged_at, layers=tuple(layers))


def seen(
    *images: Image, usage: Mapping[str, Usage] | None = None, folders: frozenset[str] = frozenset()
) -> list[Stored]:
    """*images* as this machine, ``here``, sees them, where *folders* exist."""
    return stored(images, lambda tag: (usage or {}).get(tag, Usage()), "here", lambda folder: folder in folders)


def tags(found: list[Stored]) -> list[str]:
    return [each.image.id for each in found]


class TestLastUse:
    def test_the_newest_of_all_times_counts(self) -> None:
        made, tagged, recorded = (
            image("project", "a", 7.0),
            image("project", "b", 1.0, tagged_at=8.0),
            image("project", "c"),
        )
        found = seen(made, tagged, recorded, usage={recorded.tag: Usage(NOW)})
        assert [each.used_at for each in found] == [7.0, 8.0, NOW]

    def test_an_image_is_used_with_those_that_are_made_of_it(self) -> None:
        found = seen(image("runner", "a"), image("project", "ab", NOW), image("project", "c"))
        assert [each.used_at for each in found] == [NOW, NOW, OLD]


class TestProjects:
    LABELS: ClassVar = {PROJECT_LABEL: "/shop", MACHINE_LABEL: "here"}

    def test_are_those_of_the_label_and_of_the_record(self) -> None:
        made = image("project", "a", labels=self.LABELS)
        (found,) = seen(made, usage={made.tag: Usage(1.0, ("/blog", "/shop"))}, folders=frozenset({"/blog"}))
        assert found.projects == ("/shop", "/blog")
        assert not found.is_abandoned

    def test_are_gone_when_no_folder_is_left(self) -> None:
        assert seen(image("project", "a", labels=self.LABELS))[0].is_abandoned
        assert not seen(image("project", "a"))[0].is_abandoned

    def test_of_another_machine_are_not_looked_for(self) -> None:
        (found,) = seen(image("project", "a", labels={**self.LABELS, MACHINE_LABEL: "there"}))
        assert found.projects == ("there:/shop",)
        assert not found.is_abandoned

    def test_of_an_image_below_do_not_count(self) -> None:
        assert seen(image("postgres", "a", labels=self.LABELS))[0].projects == ()


class TestSelected:
    def test_are_old_images_of_projects(self) -> None:
        found = seen(image("project", "a"), image("project", "b", NOW), image("postgres", "c"), image("system", "d"))
        assert tags(selected(found, Selection(FORTNIGHT), NOW)) == ["a", "d"]
        assert tags(selected(found, Selection(FORTNIGHT, is_everything=True), NOW)) == ["c", "a", "d"]
        assert tags(selected(found, Selection(0), NOW)) == ["a", "b", "d"]

    def test_an_image_goes_after_those_that_are_made_of_it(self) -> None:
        found = seen(image("project", "ab"), image("project", "abc"), image("system", "a"))
        assert tags(selected(found, Selection(FORTNIGHT), NOW)) == ["abc", "ab", "a"]

    def test_one_that_an_image_which_stays_is_made_of_stays(self) -> None:
        mine, theirs = ({PROJECT_LABEL: folder, MACHINE_LABEL: "here"} for folder in ("/shop", "/blog"))
        found = seen(
            image("project", "a", labels=mine),
            image("project", "ab", labels=theirs),
            image("project", "c", labels=mine),
        )
        assert tags(selected(found, Selection(FORTNIGHT, "/shop"), NOW)) == ["c"]

    def test_of_projects_that_are_gone_have_any_age(self) -> None:
        labels = {PROJECT_LABEL: "/shop", MACHINE_LABEL: "here"}
        found = seen(image("project", "a", NOW, labels), image("project", "b", NOW))
        assert tags(selected(found, Selection(FORTNIGHT, has_abandoned=True), NOW)) == ["a"]
        assert selected(found, Selection(FORTNIGHT), NOW) == []

    def test_one_without_a_tag_of_ours_stays(self) -> None:
        untagged = Image("a", (), {NAME_LABEL: "project"}, OLD)
        assert selected(seen(untagged), Selection(0, is_everything=True), NOW) == []


class TestOutdated:
    def found(self, *ages_s: float, projects: tuple[str, ...] = ("/shop",)) -> list[Stored]:
        return [
            Stored(image("project", chr(97 + number)), NOW - age_s, projects) for number, age_s in enumerate(ages_s)
        ]

    def test_are_all_but_the_last_used(self) -> None:
        old = KEPT_S + 1
        ages = [old + number for number in range(KEPT_IMAGES + 2)]
        assert len(outdated(self.found(*ages), "/shop", NOW)) == 2
        assert outdated(self.found(*ages), "/blog", NOW) == []

    def test_one_used_lately_stays(self) -> None:
        """A project on four versions of Python and three of Django uses twelve images, all of them each day."""
        assert outdated(self.found(*range(12)), "/shop", NOW) == []

    def test_one_of_another_project_too_stays(self) -> None:
        ages = [KEPT_S + number for number in range(9)]
        assert outdated(self.found(*ages, projects=("/shop", "/blog")), "/shop", NOW) == []

    def test_downloads_go_and_are_none_of_the_images_that_stay(self) -> None:
        ages = [KEPT_S] * KEPT_IMAGES
        cache = Stored(image("cache", "z"), NOW - KEPT_S, ("/shop",))
        used = Stored(image("cache", "y"), NOW, ("/shop",))
        assert outdated([cache, used, *self.found(*ages)], "/shop", NOW) == [cache]

    def test_one_that_another_is_made_of_stays(self) -> None:
        ages = [KEPT_S + number for number in range(KEPT_IMAGES)]
        base = Stored(image("project", "z"), NOW - 2 * KEPT_S, ("/shop",))
        above = Stored(image("project", "zy"), NOW, ("/shop",))
        assert outdated([*self.found(*ages), base, above], "/shop", NOW) == [self.found(*ages)[-1]]


@pytest.mark.parametrize(("text", "seconds"), [("12h", 43200.0), ("14d", FORTNIGHT), (" 2w ", FORTNIGHT), ("0d", 0.0)])
def test_a_duration(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "14", "d", "1.5d", "-1d", "14 days"])
def test_another_text_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        duration_s(text)
    assert "14d" in caught.value.hint
