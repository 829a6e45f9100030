import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test.utils import dependency_ordered
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ProjectError
from harness.protocol import topology
from harness.protocol.topology import Alias, TestOptions, Topology, closure, creation_order, databases, primary_of


def alias(
    name: str,
    mirror: str | None = None,
    dependencies: Sequence[str] | None = None,
    database: str | None = None,
    **options: Any,
) -> Alias:
    """An alias of a PostgreSQL server; *database* is the one that it shares with others of the same."""
    return Alias(
        name,
        "django.db.backends.postgresql",
        "postgresql",
        test_name=f"test_{database or name}",
        test=TestOptions(mirror=mirror, dependencies=None if dependencies is None else tuple(dependencies)),
        **options,
    )


def topology_of(*aliases: Alias) -> Topology:
    return Topology(tuple(aliases))


names = ["default", "a", "b", "c", "d", "e"]
dependencies = st.none() | st.lists(st.sampled_from(names), max_size=3, unique=True)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Aliases in any order, some of which share a database."""
    order = draw(st.permutations(names))
    return topology_of(
        *[alias(name, database=draw(st.sampled_from([name, "x"])), dependencies=draw(dependencies)) for name in order]
    )


def assert_is_a_circle(found: Topology, error: ProjectError) -> None:
    """The circle that *error* writes out is one that the topology has."""
    owner = {name: group[0] for group in databases(found) for name in group}
    steps = error.message.removeprefix("TEST DEPENDENCIES go round in a circle: ").rstrip(".").split(" -> ")
    assert steps[0] == steps[-1]
    for first, then in itertools.pairwise(steps):
        sharing = [name for name in owner if owner[name] == first]
        assert then in {owner[each] for name in sharing for each in topology.dependencies_of(found, found[name])}


class TestAlias:
    def test_an_alias_is_found_by_its_name(self) -> None:
        found = topology_of(alias("default"), alias("other"))
        assert found["other"].name == "other"
        assert found.names == ("default", "other")
        with pytest.raises(KeyError):
            found["third"]

    def test_one_server_is_one_vendor_host_and_port(self) -> None:
        assert alias("a", host="db", port="1").server_key == alias("b", host="db", port="1").server_key
        assert alias("a", host="db").server_key != alias("a", host="127.0.0.1").server_key
        assert alias("a", port="1").server_key != alias("a", port="2").server_key

    def test_one_database_is_one_test_name_on_one_server(self) -> None:
        assert alias("a", database="x").signature == alias("b", database="x").signature
        assert alias("a", database="x").signature != alias("b", database="y").signature
        assert alias("a", database="x", host="h").signature != alias("b", database="x").signature


class TestMirrors:
    def test_the_primary_is_at_the_end_of_the_chain(self) -> None:
        found = topology_of(alias("far", mirror="near"), alias("near", mirror="default"), alias("default"))
        assert [primary_of(found, name) for name in found.names] == ["default", "default", "default"]

    def test_a_mirror_of_an_unknown_alias_names_the_known(self) -> None:
        found = topology_of(alias("default"), alias("replica", mirror="defualt"))
        with pytest.raises(ProjectError) as caught:
            primary_of(found, "replica")
        assert caught.value.message == "DATABASES['replica'] is a mirror of 'defualt', which is no alias."
        assert "default, replica" in caught.value.hint
        assert caught.value.exit_code == 4

    @pytest.mark.parametrize(
        ("aliases", "asked", "circle"),
        [
            ([alias("a", mirror="a")], "a", "a -> a"),
            ([alias("a", mirror="b"), alias("b", mirror="a")], "a", "a -> b -> a"),
            ([alias("x", mirror="a"), alias("a", mirror="b"), alias("b", mirror="a")], "x", "a -> b -> a"),
        ],
    )
    def test_a_circle_of_mirrors_is_shown(self, aliases: list[Alias], asked: str, circle: str) -> None:
        with pytest.raises(ProjectError, match=circle):
            primary_of(topology_of(*aliases), asked)


class TestDatabases:
    def test_aliases_of_one_signature_share_a_database(self) -> None:
        found = topology_of(
            alias("a", database="x"), alias("default", database="x"), alias("b", database="x"), alias("c")
        )
        assert databases(found) == (("default", "a", "b"), ("c",))

    def test_a_mirror_has_no_database(self) -> None:
        assert databases(topology_of(alias("default"), alias("replica", mirror="default"))) == (("default",),)

    def test_a_topology_without_aliases_has_none(self) -> None:
        assert databases(topology_of()) == ()
        assert creation_order(topology_of()) == ()


class TestOrder:
    def test_default_comes_first_without_dependencies(self) -> None:
        # "a" waits for the second pass, as it does in Django
        assert creation_order(topology_of(alias("a"), alias("default"), alias("b"))) == ("default", "b", "a")

    def test_an_empty_list_of_dependencies_excludes_default(self) -> None:
        assert creation_order(topology_of(alias("a", dependencies=[]), alias("default"))) == ("a", "default")

    def test_dependencies_come_first(self) -> None:
        found = topology_of(
            alias("default", dependencies=["b"]), alias("a", dependencies=["default"]), alias("b", dependencies=[])
        )
        assert creation_order(found) == ("b", "default", "a")

    def test_a_dependency_on_a_mirror_is_one_on_its_primary(self) -> None:
        found = topology_of(
            alias("default", dependencies=["replica"]), alias("b", dependencies=[]), alias("replica", mirror="b")
        )
        assert creation_order(found) == ("b", "default")

    def test_a_dependency_on_a_shared_database_counts_for_all(self) -> None:
        found = topology_of(
            alias("a", dependencies=["c"]),
            alias("b", database="x", dependencies=[]),
            alias("c", database="x", dependencies=[]),
        )
        assert creation_order(found) == ("b", "a")

    def test_a_dependency_on_no_alias_is_refused(self) -> None:
        found = topology_of(alias("default"), alias("a", dependencies=["nowhere"]))
        with pytest.raises(ProjectError, match=r"'a'.* depends on 'nowhere', which is no alias"):
            creation_order(found)
        with pytest.raises(ProjectError, match=r"'a'.* depends on 'nowhere', which is no alias"):
            closure(found, {"a"})

    @pytest.mark.parametrize(
        ("aliases", "circle"),
        [
            ([alias("default", dependencies=["default"])], "default -> default"),
            ([alias("default"), alias("a", dependencies=["b"]), alias("b", dependencies=["a"])], "a -> b -> a"),
            (
                [
                    alias("default", dependencies=["c"]),
                    alias("a"),
                    alias("b", dependencies=["a"]),
                    alias("c", dependencies=["b"]),
                ],
                "default -> c -> b -> a -> default",
            ),
            # aliases of one database
            (
                [alias("default", database="x"), alias("a", database="x", dependencies=["default"])],
                "default -> default",
            ),
            # through a mirror
            ([alias("default", dependencies=["replica"]), alias("replica", mirror="default")], "default -> default"),
        ],
    )
    def test_a_circle_of_dependencies_is_shown(self, aliases: list[Alias], circle: str) -> None:
        with pytest.raises(ProjectError) as caught:
            creation_order(topology_of(*aliases))
        assert caught.value.message == f"TEST DEPENDENCIES go round in a circle: {circle}."

    @given(topologies())
    def test_the_order_is_that_of_django(self, found: Topology) -> None:
        groups = [(group[0], (f"test_{group[0]}", list(group))) for group in databases(found)]
        wanted = {each.name: list(topology.dependencies_of(found, each)) for each in found.aliases}
        try:
            expected = tuple(signature for signature, _ in dependency_ordered(groups, wanted))
        except ImproperlyConfigured:
            with pytest.raises(ProjectError, match="circle") as caught:
                creation_order(found)
            assert_is_a_circle(found, caught.value)
        else:
            assert creation_order(found) == expected


class TestClosure:
    @pytest.mark.parametrize(
        ("asked", "needed"),
        [
            ({"default"}, {"default"}),
            ({"replica"}, {"replica", "default"}),
            ({"far"}, {"far", "default"}),
            ({"other"}, {"other", "default"}),
            ({"report"}, {"report", "far", "default"}),
            ({"alone"}, {"alone"}),
            (set(), set()),
        ],
    )
    def test_a_selection_brings_all_that_it_needs(self, asked: set[str], needed: set[str]) -> None:
        found = topology_of(
            alias("default"),
            alias("replica", mirror="default"),
            alias("far", mirror="replica"),
            alias("other"),
            alias("report", dependencies=["far"]),
            alias("alone", dependencies=[]),
        )
        assert closure(found, asked) == needed

    @given(topologies(), st.sets(st.sampled_from(names)))
    def test_a_closure_is_closed(self, found: Topology, asked: set[str]) -> None:
        needed = closure(found, asked)
        assert asked <= needed
        assert closure(found, needed) == needed
        for name in needed:
            assert set(topology.dependencies_of(found, found[name])) <= needed
