from types import SimpleNamespace
from typing import Any

from harness.protocol.topology import Alias, TestOptions, Topology
from harness.runner.replication.selection import advise

MIRRORS = {"replica": "default"}


def alias(name: str, **test: Any) -> Alias:
    return Alias(name, "django.db.backends.postgresql", "postgresql", test=TestOptions(**test))


TOPOLOGY = Topology((alias("default"), alias("replica", mirror="default")))
DEPENDENT = Topology((alias("default"), alias("users"), alias("shop", dependencies=("users", "default"))))


def case(databases: object) -> object:
    return type("Tests", (), {"databases": databases})()


def item(databases: object, cls: type | None = None) -> object:
    marker = SimpleNamespace(kwargs={"databases": databases} if databases else {})
    return SimpleNamespace(nodeid="tests.py::test_a", cls=cls, get_closest_marker=lambda _name: marker)


def found(*instances: object, topology: Topology = TOPOLOGY) -> list[tuple[str, str]]:
    mirrors = MIRRORS if topology is TOPOLOGY else {}
    return [(each.code, each.write) for each in advise(topology, mirrors, instances)]


class TestMirrorAlone:
    EXPECTED = ("mirror-alone", 'databases = {"default", "replica"}')

    def test_a_mirror_without_its_primary(self) -> None:
        assert found(case({"replica"}), case({"replica"})) == [self.EXPECTED]
        assert found(item(["replica"])) == [self.EXPECTED]
        assert found(item(None, type(case({"replica"})))) == [self.EXPECTED]

    def test_both_or_neither(self) -> None:
        assert found(case({"default", "replica"}), case("__all__"), case({"default"}), case(None), item(None)) == []

    def test_it_names_few_classes(self) -> None:
        instances = [type(f"Tests{number}", (), {"databases": {"replica"}})() for number in range(9)]
        (advice,) = advise(TOPOLOGY, MIRRORS, instances)
        assert "Tests0" in advice.text
        assert "Tests8" not in advice.text


class TestDependencyUnused:
    def test_a_dependency_that_no_test_names(self) -> None:
        (one,) = found(case({"shop", "default"}), topology=DEPENDENT)
        assert one == ("dependency-unused", 'databases = {"shop", "users"}, or TEST DEPENDENCIES without it')

    def test_a_dependency_that_a_test_names(self) -> None:
        assert found(case({"shop", "default"}), case({"users"}), topology=DEPENDENT) == []

    def test_an_alias_that_no_test_names(self) -> None:
        assert found(case({"default"}), topology=DEPENDENT) == []


def test_no_test_is_looked_at_without_mirrors_and_dependencies() -> None:
    def none() -> Any:
        raise AssertionError
        yield

    assert list(advise(Topology((alias("default"),)), {}, none())) == []
