from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host.docker.images import Image
from harness.host.engines.postgres import POSTGRES
from harness.host.images import specs
from harness.host.images.pythons.interpreters import Interpreter
from harness.host.images.recipe import Recipe
from harness.host.images.specs import Origin, Spec, Step, choose, runner_specs, server_specs
from harness.host.project.python_version import Wanted

RECIPE = Recipe("postgres", (("Dockerfile", b"FROM x"),))
SEEDED = Step("Dockerfile", "SOURCE")
SPEC = Spec("postgres", "17", Origin("postgres:17"), RECIPE, (SEEDED,))


def _image(spec: Spec = SPEC, origin_id: str = "sha256:1", created_at: float = 1, tag: str = "") -> Image:
    labels = spec.labels(spec.origin.reference, origin_id, spec.steps[-1])
    return Image(f"id-{created_at}", (tag or spec.tag(origin_id, spec.steps[-1]),), labels, created_at)


class TestTag:
    def test_it_names_the_image_its_version_and_its_content(self) -> None:
        tag = SPEC.tag("sha256:1", SEEDED)
        assert tag.startswith("harness-postgres:17-")
        assert len(tag.rpartition("-")[2]) == specs.TAG_DIGITS
        assert tag == SPEC.tag("sha256:1", SEEDED)

    @pytest.mark.parametrize(
        "other",
        [
            Spec("postgres", "17", Origin("postgres:17"), Recipe("postgres", (("Dockerfile", b"FROM y"),)), (SEEDED,)),
            Spec("postgres", "17", Origin("postgis/postgis:17-3.5"), RECIPE, (SEEDED,)),
            Spec("postgres", "17", Origin("postgres:17", "trixie"), RECIPE, (SEEDED,)),
            Spec("postgres", "17", Origin("postgres:17"), RECIPE, (Step("Dockerfile", "SOURCE", {"VERSION": "17"}),)),
            Spec("postgres", "17", Origin("postgres:17"), RECIPE, (Step("debian.Dockerfile", "SOURCE"),)),
        ],
    )
    def test_each_part_of_an_image_changes_it(self, other: Spec) -> None:
        assert other.tag("sha256:1", SEEDED) != SPEC.tag("sha256:1", SEEDED)

    def test_another_origin_under_the_same_name_changes_it(self) -> None:
        assert SPEC.tag("sha256:2", SEEDED) != SPEC.tag("sha256:1", SEEDED)

    def test_only_the_last_step_carries_the_key(self) -> None:
        _, packages = server_specs(POSTGRES, "17")
        keys = [packages.labels("o", "i", step)[specs.KEY_LABEL] for step in packages.steps]
        assert keys == ["", packages.key]


class TestChoice:
    def test_an_image_that_is_there_is_chosen(self) -> None:
        assert choose(SPEC, [_image()], {"postgres:17": "sha256:1"}) == _image()

    def test_the_newest_of_several_is_chosen(self) -> None:
        assert choose(SPEC, [_image(created_at=1), _image(created_at=3), _image(created_at=2)], {}) == _image(
            created_at=3
        )

    def test_an_image_is_out_of_date_if_its_origin_was_replaced(self) -> None:
        assert choose(SPEC, [_image(origin_id="sha256:1")], {"postgres:17": "sha256:2"}) is None

    def test_an_image_whose_origin_was_removed_is_still_good(self) -> None:
        assert choose(SPEC, [_image()], {}) == _image()

    def test_an_image_of_another_recipe_is_not_chosen(self) -> None:
        other = Spec("postgres", "17", SPEC.origin, Recipe("postgres", (("Dockerfile", b"FROM y"),)), (SEEDED,))
        assert choose(SPEC, [_image(other)], {}) is None

    @pytest.mark.parametrize("tag", ["mine:1", "harness-mine:1", "harness-postgres:17-0123456789ab"])
    def test_an_image_that_only_inherits_our_labels_is_not_chosen(self, tag: str) -> None:
        assert choose(SPEC, [_image(tag=tag)], {}) is None

    def test_a_base_made_here_counts_as_the_origin_too(self) -> None:
        spec = Spec("runner", "3.13", specs.debian_origin("trixie"), RECIPE, (SEEDED,))
        assert choose(spec, [_image(spec)], {"harness-base:trixie": "sha256:1", "debian:trixie-slim": "sha256:9"})
        assert choose(spec, [_image(spec)], {"harness-base:trixie": "sha256:2"}) is None


class TestServers:
    def test_debians_packages_come_after_the_official_image(self) -> None:
        official, packages = server_specs(POSTGRES, "17")
        assert official.origin == Origin("postgres:17")
        assert [(step.dockerfile, step.origin_argument) for step in official.steps] == [("server.Dockerfile", "SOURCE")]
        assert packages.origin == Origin("debian:trixie-slim", "trixie")
        assert [(step.dockerfile, step.origin_argument) for step in packages.steps] == [
            ("debian.Dockerfile", "BASE"),
            ("server.Dockerfile", "SOURCE"),
        ]
        assert all(step.arguments["VERSION"] == "17" for step in packages.steps)
        assert official.steps[0].arguments["ACCOUNT"] == "postgres"
        assert packages.tag("x", packages.steps[0]).startswith("harness-postgres-binaries:17-")

    def test_a_configured_image_is_the_only_source(self) -> None:
        (only,) = server_specs(POSTGRES, "17", "pgvector/pgvector:pg17")
        assert only.origin == Origin("pgvector/pgvector:pg17")

    def test_configured_packages_come_before_the_seed(self) -> None:
        ways = server_specs(POSTGRES, "17", apt=["postgresql-17-postgis-3", "postgresql-17-cron"])
        for way, plain in zip(ways, server_specs(POSTGRES, "17"), strict=True):
            *before, packages, seeded = way.steps
            assert (*before, seeded) == plain.steps
            assert packages.arguments == {"PACKAGES": "postgresql-17-postgis-3 postgresql-17-cron"}
            assert packages.dockerfile in dict(way.recipe.files)
            assert packages.dockerfile not in dict(plain.recipe.files)
            assert way.key != plain.key


class TestRunner:
    @pytest.mark.parametrize(("python", "suite"), [("3.11", "bookworm"), ("3.13", "trixie"), ("3.14", "sid")])
    def test_it_has_a_debian_for_its_python(self, python: str, suite: str) -> None:
        official, packages = runner_specs(python)
        assert official.origin.reference == f"python:{python}-slim"
        assert packages.origin.suite == suite

    def test_a_python_that_no_debian_has_comes_from_a_registry_alone(self) -> None:
        assert [spec.origin.references for spec in runner_specs("3.12")] == [("python:3.12-slim",)]

    def test_a_release_that_debian_lacks_is_not_taken_from_it(self) -> None:
        assert [spec.origin.reference for spec in runner_specs("3.13.2")] == ["python:3.13.2-slim"]
        assert [spec.origin.suite for spec in runner_specs("3.13.5")] == ["", "trixie"]
        assert [spec.origin.suite for spec in runner_specs("3.14.2")] == ["", "sid"]  # a rolling suite may have it

    def test_interpreters_that_were_copied_come_last(self) -> None:
        found = runner_specs("3.13", ["harness-python:3.13.0-x"])
        assert [spec.origin.reference for spec in found[2:]] == ["harness-python:3.13.0-x"]
        assert len({spec.key for spec in found}) == 3

    def test_an_unknown_python_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(UsageError) as caught:
            runner_specs("3.9")
        assert "3.13" in caught.value.hint


class TestCopies:
    INTERPRETER = Interpreter(
        executable=Path("/opt/bin/python3.12"),
        release="3.12.4",
        build="3.12.4 (main, Jan 1)",
        machine="x86_64",
        glibc="2.36",
        prefix=Path("/opt"),
        stdlib=Path("/opt/lib/python3.12"),
        includes=(),
    )

    def test_way_release_and_build_are_in_the_image(self) -> None:
        spec = specs.python_spec(self.INTERPRETER, "bookworm", "/opt/bin/python3.12 of this machine")
        labels = _image(spec).labels
        assert labels[specs.WAY_LABEL] == "/opt/bin/python3.12 of this machine"
        assert labels[specs.VERSION_LABEL] == "3.12.4"
        assert spec.tag("x", spec.steps[0]).startswith("harness-python:3.12.4-")
        rebuilt = replace(self.INTERPRETER, build="3.12.4 (main, Jan 2)")
        assert specs.python_spec(rebuilt, "bookworm", "").key != spec.key
        assert specs.python_spec(self.INTERPRETER, "trixie", "").key != spec.key

    def test_those_that_fit_are_found_again_the_newest_first(self) -> None:
        releases = ("3.12.4", "3.12.11", "3.13.0")
        made = [specs.python_spec(replace(self.INTERPRETER, release=each), "bookworm", "") for each in releases]
        found = specs.copies(map(_image, made), Wanted("3.12"))
        assert [tag.rpartition("-")[0] for tag in found] == ["harness-python:3.12.11", "harness-python:3.12.4"]
        assert specs.copies(map(_image, made), Wanted("3.12.7")) == ()

    def test_one_of_an_older_recipe_is_left(self) -> None:
        spec = specs.python_spec(self.INTERPRETER, "bookworm", "")
        older = replace(spec, more_labels={specs.RECIPE_LABEL: "0"})
        assert specs.copies([_image(older)], Wanted("3.12")) == ()


def test_the_hint_to_make_a_base_is_one_command() -> None:
    assert specs.base_hint("sid", is_root=True).startswith("'harness images base sid' makes a base")
    assert specs.base_hint("sid", is_root=False).startswith("""'sudo "$(command -v harness)" images base sid'""")
