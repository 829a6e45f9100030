"""The digests of migrations: equal imports are looked at once."""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.apps.registry import Apps

from harness.runner.seeds.facts import collect
from harness.runner.seeds.facts.collect import Collector, OwnSetUp
from harness.runner.seeds.facts.data_files import DataFiles
from harness.runner.seeds.facts.modules import Modules, Reached

MIGRATION = "from app.helpers import fill\n"
HELPERS = "from pathlib import Path\n\ndef fill():\n    return Path('rows.csv').read_text()\n"
MIGRATIONS = 40


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"app/__init__.py": "", "app/helpers.py": HELPERS, "app/migrations/__init__.py": "", "app/rows.csv": "1"}
    files |= {f"app/migrations/m{n}.py": f"{MIGRATION}NUMBER = {n}\n" for n in range(MIGRATIONS)}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(collect, "apps", Apps(()))
    monkeypatch.setattr(collect, "import_management", lambda: None)
    return tmp_path


def digests(project: Path) -> list[str]:
    collector = Collector((), str(project), OwnSetUp(), math.inf)
    return [
        collector._migration(f"app.migrations.m{n}", str(project / f"app/migrations/m{n}.py"))[0]
        for n in range(MIGRATIONS)
    ]


def test_what_many_migrations_import_is_looked_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Counter[str]()
    reach, read_by = Modules.reach, DataFiles.read_by

    def counted_reach(self: Modules, names: Iterable[str], *args: Iterable[str], has_packages: bool = True) -> Reached:
        calls["reach"] += 1
        return reach(self, names, *args, has_packages=has_packages)

    def counted_read(self: DataFiles, literals: Iterable[str], folders: Iterable[str]) -> list[str]:
        calls["read"] += 1
        return read_by(self, literals, folders)

    monkeypatch.setattr(Modules, "reach", counted_reach)
    monkeypatch.setattr(DataFiles, "read_by", counted_read)
    assert len(set(digests(project))) == MIGRATIONS
    assert calls == {"reach": 1, "read": 1}


def test_what_they_import_counts_in_each(project: Path) -> None:
    before = digests(project)
    (project / "app/rows.csv").write_text("2")
    assert not set(before) & set(digests(project))
