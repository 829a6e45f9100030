"""Every name fits its place and differs from every other; a clone's name is parsed to its parts."""

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.protocol import naming

runs = st.text("0123456789abcdef", min_size=8, max_size=8)
aliases = st.text(max_size=80)
encodable = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
any_text = st.text(st.characters(exclude_categories=()), max_size=300)

HOSTILE = [
    "../../etc/passwd",
    "..",
    ".",
    "",
    "/etc/passwd",
    "/dev/null",
    "x" * 300,
    "a/" * 200,
    "nul\x00byte",
    "line\nbreak\r\x1b[0m\x7f",
    "C:\\windows\\system32",
    "CON",
    "nul",
    "com1.tests.T.t",
    "aux.tests.T.t",
    ".hidden",
    "~root",
    'a:"<>|*?b',
    "tab\tand \u202e marks",
    "shop.T.test (i=1, name='a/b')",
    "lone \ud800 surrogate",
    "%2e%2e/",
    "trailing ",
    "trailing.",
]


def folder_and_name(path: str) -> tuple[str, str]:
    folder, name = path.split("/")  # one slash alone, so the path neither climbs nor descends
    return folder, name


def assert_safe(path: str, folder: str) -> None:
    assert folder_and_name(path)[0] == folder
    name = folder_and_name(path)[1]
    assert len(name.encode()) <= 255
    assert not name.startswith((".", " "))
    assert name.isascii()
    assert name.isprintable()
    # upload-artifact and Windows refuse these
    assert not set(name) & set('\\:"<>|*?')
    assert name.partition(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}
    assert ".." not in PurePosixPath(path).parts


class TestServers:
    @given(runs, st.lists(aliases, min_size=1, max_size=6))
    def test_servers_of_a_run_have_containers_of_their_own(self, run: str, names: list[str]) -> None:
        taken: set[str] = set()
        for alias in names:
            taken.add(naming.server_id(alias, taken))
        assert len({naming.container(run, server) for server in (*taken, "runner")}) == len(names) + 1

    @given(aliases, st.sets(aliases.map(str.lower), max_size=5))
    def test_a_server_id_is_a_host_name(self, alias: str, taken: set[str]) -> None:
        server = naming.server_id(alias, taken)
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", server)
        assert len(server) <= 63
        assert server not in taken
        assert server not in {"runner", "localhost"}

    @pytest.mark.parametrize(
        ("alias", "server"),
        [
            ("default", "default"),
            ("Read Replica #2", "read-replica-2"),
            ("shop.orders", "shop-orders"),
            ("日本", "server"),
            ("", "server"),
            ("runner", "runner-server"),
            ("localhost", "localhost-server"),
            ("a" * 90, "a" * 40),
            ("a" * 39 + "-b", "a" * 39),
        ],
    )
    def test_a_server_id_resembles_its_alias(self, alias: str, server: str) -> None:
        assert naming.server_id(alias, set()) == server

    def test_servers_of_one_stem_are_numbered(self) -> None:
        assert naming.server_id("x y", {"x-y", "x-y-2"}) == "x-y-3"

    def test_a_network_belongs_to_one_run(self) -> None:
        assert naming.network("0123abcd") != naming.network("0123abce")


class TestDatabases:
    @given(encodable, st.integers(1, 9999), st.sampled_from([63, 64]))
    def test_a_clone_of_any_database_fits(self, name: str, slot: int, limit: int) -> None:
        assert len(naming.clone(naming.database(name, limit), slot).encode()) <= limit

    @given(encodable.filter(bool), st.integers(1, 9999))
    def test_a_clone_is_parsed_to_its_template_and_slot(self, name: str, slot: int) -> None:
        template = naming.database(name)
        assert naming.parse_clone(naming.clone(template, slot)) == (template, slot)

    @pytest.mark.parametrize(
        "name", ["test_shop", "test_shop_", "_1", "test_shop_01", "test_shop_x", "test_shop_\u0661", ""]
    )
    def test_a_name_without_a_slot_is_no_clone(self, name: str) -> None:
        assert naming.parse_clone(name) is None

    @given(encodable, encodable)
    def test_databases_of_different_names_stay_different(self, one: str, other: str) -> None:
        assume(one != other)
        assert naming.database(one) != naming.database(other)

    @pytest.mark.parametrize("length", [58, 59, 62, 63, 64, 200])
    def test_long_names_that_differ_at_the_end_stay_different(self, length: int) -> None:
        stem = "x" * (length - 1)
        names = {naming.clone(naming.database(stem + end), slot) for end in "ab" for slot in (1, 2, 10)}
        assert len(names) == 6
        assert all(len(name.encode()) <= 63 for name in names)

    def test_a_name_that_fits_is_left_alone(self) -> None:
        assert naming.database("test_" + "x" * 53) == "test_" + "x" * 53

    @pytest.mark.parametrize("character", ["é", "日", "🐘"])
    def test_a_name_is_cut_between_characters(self, character: str) -> None:
        cut = naming.database(character * 60)
        assert cut.rpartition("_")[0] == character * len(cut.rpartition("_")[0])
        assert len(cut.encode()) <= 58

    @given(encodable, st.text(max_size=20), st.text(max_size=20))
    def test_a_database_apart_is_its_owners_alone_and_fits(self, name: str, owner: str, other: str) -> None:
        assume(owner != other)
        assert naming.database_apart(name, owner) != naming.database_apart(name, other)
        assert len(naming.clone(naming.database_apart(name, owner), 9999).encode()) <= 63


class TestFiles:
    @pytest.mark.parametrize("test_id", HOSTILE)
    def test_the_sql_of_a_hostile_id_stays_in_its_folder(self, test_id: str) -> None:
        assert_safe(naming.sql_file(test_id), "sql")

    @given(any_text)
    def test_the_sql_of_any_id_stays_in_its_folder(self, test_id: str) -> None:
        assert_safe(naming.sql_file(test_id), "sql")

    @pytest.mark.parametrize("alias", HOSTILE)
    def test_the_schema_of_a_hostile_alias_stays_in_its_folder(self, alias: str) -> None:
        assert_safe(naming.schema_file(alias), "schema")

    @given(any_text, any_text)
    def test_different_names_have_different_files(self, one: str, other: str) -> None:
        assume(one != other)
        assert naming.sql_file(one) != naming.sql_file(other)
        assert naming.schema_file(one) != naming.schema_file(other)

    def test_an_ordinary_id_is_readable_in_its_file(self) -> None:
        assert naming.sql_file("shop.tests.CartTests.test_total") == "sql/shop.tests.CartTests.test_total.sql"

    @given(aliases)
    def test_the_log_of_any_server_stays_in_its_folder(self, alias: str) -> None:
        assert_safe(naming.log_file(naming.server_id(alias, set())), "logs")


@pytest.mark.parametrize(
    ("test_id", "expected"),
    [
        ("shop.tests.CartTests.test_add", ("shop.tests.CartTests", "test_add")),
        ("shop.tests.CartTests.test_::odd", ("shop.tests.CartTests", "test_::odd")),
        ("tests/test_x.py::test_b", ("tests.test_x", "test_b")),
        ("tests/test_x.py::TestA::TestB::test_c[1-x]", ("tests.test_x.TestA.TestB", "test_c[1-x]")),
        ("tests/test_x.py::test_c[a::b.c/d]", ("tests.test_x", "test_c[a::b.c/d]")),
        ("tests/test_x.py::TestA::test_c[a::b]::teardown", ("tests.test_x.TestA", "test_c[a::b]::teardown")),
        ("test_x.py::test_c", ("test_x", "test_c")),
        ("tests/test_x.py", ("tests.test_x", "(collection)")),
        ("docs/guide.rst::guide.rst", ("docs.guide.rst", "guide.rst")),
        ("session::teardown", ("session", "teardown")),
        ("", ("", "")),
    ],
)
def test_an_id_says_its_class_and_its_name(test_id: str, expected: tuple[str, str]) -> None:
    assert naming.class_and_name(test_id) == expected


@pytest.mark.parametrize("test_id", HOSTILE)
def test_a_hostile_id_has_a_name_too(test_id: str) -> None:
    owner, name = naming.class_and_name(test_id)
    assert isinstance(owner, str)
    assert isinstance(name, str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("shop", True), ("shop.settings", True), ("büro.tests", True), ("runtests.py --x", False), ("1st", False)]
    + [(text, False) for text in ("", ".shop", "shop.", "a..b", "shop-x", "shop/x", "shop\n")],
)
def test_the_form_of_a_dotted_name(text: str, expected: bool) -> None:
    assert naming.is_dotted(text) is expected
