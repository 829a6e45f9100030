"""The last run is remembered by its options, and a fingerprint of files says whether the memory is of use."""

from pathlib import Path

from harness.host.seeds.memory import LastRun, Memory, fingerprint, identity
from harness.protocol.events import TopologyFound
from harness.protocol.topology import Alias, Topology

FOUND = TopologyFound(
    Topology((Alias("default", "django.db.backends.postgresql", "postgresql"),)), "shop.settings", "3.13", "6.1"
)


class TestMemory:
    def test_a_run_comes_back(self, tmp_path: Path) -> None:
        memory = Memory(tmp_path)
        assert memory.read("shop") is None
        last = LastRun("print", FOUND, "key", "near", ("models:1",))
        memory.write("shop", last)
        assert memory.read("shop") == last
        assert memory.read("other") is None
        memory.clear()
        assert memory.read("shop") is None

    def test_a_torn_file_is_none(self, tmp_path: Path) -> None:
        memory = Memory(tmp_path)
        memory.write("shop", LastRun("print", FOUND, "key"))
        path = tmp_path / "runs" / "shop"
        whole = path.read_text()
        for length in range(0, len(whole), 7):
            path.write_text(whole[:length])
            assert memory.read("shop") is None

    def test_nothing_is_raised_without_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "runs").write_text("a file")
        Memory(tmp_path).write("shop", LastRun("print", FOUND, "key"))

    def test_options_are_told_apart(self) -> None:
        assert identity(["a", "b"]) == identity(["a", "b"]) != identity(["ab", ""])


class TestFingerprint:
    def test_follows_migrations_settings_and_packages(self, tmp_path: Path) -> None:
        names = [
            "shop/migrations/0001_initial.py",
            "config/settings/test.py",
            "requirements/test-requirements.txt",
            "shop/tests.py",
        ]
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("1")
        before = fingerprint(tmp_path, names, "config.settings.test")
        for name in names:
            (tmp_path / name).write_text("2")
            after = fingerprint(tmp_path, reversed(names), "config.settings.test")
            assert (after == before) == (name == "shop/tests.py")
            before = after
        assert fingerprint(tmp_path, [*names, "shop/migrations/gone.py"], "config.settings.test") == before
