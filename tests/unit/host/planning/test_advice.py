from harness.host.planning.advice import advise
from harness.protocol.topology import Alias, Topology
from tests.unit.host.planning.test_plan import MYSQL, SQLITE, alias


def codes(*aliases: Alias) -> list[tuple[str, str]]:
    return [(each.code, each.write) for each in advise(Topology(aliases))]


def mirror(name: str, primary: str) -> str:
    return f'DATABASES["{name}"]["TEST"] = {{"MIRROR": "{primary}"}}'


class TestUndeclaredReplica:
    def test_same_name_and_engine_on_another_host(self) -> None:
        expected = [("undeclared-replica", mirror("reader", "default"))]
        assert codes(alias("default"), alias("reader", host="db2")) == expected
        assert codes(alias("reader", host="db2"), alias("default")) == expected
        assert codes(alias("default"), alias("reader", port="5433")) == expected

    def test_databases_that_differ(self) -> None:
        assert codes(alias("default"), alias("other", database="other", host="db2")) == []
        assert codes(alias("default"), alias("other", backend=MYSQL, host="db2")) == []
        assert codes(alias("default", backend=SQLITE), alias("other", backend=SQLITE)) == []
        assert codes(alias("default", database=""), alias("other", database="", host="db2")) == []

    def test_settings_that_say_what_it_is(self) -> None:
        assert codes(alias("default"), alias("reader", host="db2", mirror="default")) == []
        assert codes(alias("default"), alias("other", host="db2", name="test_other")) == []
        assert codes(alias("default"), alias("other", host="db2", dependencies=())) == []

    def test_several_replicas_of_one_alias(self) -> None:
        found = codes(alias("default"), alias("a", host="db2"), alias("b", host="db3"))
        assert [write for _, write in found] == [mirror("a", "default"), mirror("b", "default")]


class TestMirrorOfMirror:
    def test_it_names_the_primary(self) -> None:
        chain = alias("default"), alias("a", host="db2", mirror="default"), alias("b", host="db3", mirror="a")
        assert codes(*chain) == [("mirror-of-mirror", mirror("b", "default"))]


class TestSameDatabase:
    def test_one_database_under_two_aliases(self) -> None:
        assert codes(alias("default"), alias("reports")) == [("same-database", mirror("reports", "default"))]
        assert codes(alias("reports"), alias("default")) == [("same-database", mirror("reports", "default"))]

    def test_another_name_or_a_mirror(self) -> None:
        assert codes(alias("default"), alias("reports", database="reports")) == []
        assert codes(alias("default"), alias("reports", mirror="default")) == []
