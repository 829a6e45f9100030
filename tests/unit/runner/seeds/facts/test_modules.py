import sys
from pathlib import Path

import pytest

from harness.runner.seeds.facts.modules import Modules, is_installed
from tests.files import write_files


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project beside an installed package; nothing of either is imported."""
    files = {
        "seedshop/__init__.py": "",
        "seedshop/migrations/__init__.py": "",
        "seedshop/migrations/m1.py": "from seedshop import helpers\nimport installed.api",
        "seedshop/migrations/m2.py": "from django.db import migrations",
        "seedshop/helpers.py": "from .deep import x\n",
        "seedshop/deep/__init__.py": "import seedshop.helpers",
        "seedshop/views.py": "",
        "lib/site-packages/installed/__init__.py": "",
        "lib/site-packages/installed/api.py": "from installed import conf\nNAME_A",
        "lib/site-packages/installed/conf.py": "NAME_B",
        "lib/site-packages/installed/signals.py": "from installed import conf",
        "seedshop/management/commands/fill.py": "",
        "seedshop/migrations/m3.py": "call_command('fill')",
    }
    write_files(tmp_path, files)
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "lib/site-packages"), *sys.path])
    return tmp_path


def names(root: Path, files: dict[str, object]) -> set[str]:
    return {Path(path).relative_to(root).as_posix() for path in files}


def test_files_of_the_project_are_followed_and_not_imported(project: Path) -> None:
    reached = Modules().reach(["seedshop.migrations.m1"])
    assert names(project, dict(reached.files)) == {
        *("seedshop/__init__.py", "seedshop/migrations/__init__.py", "seedshop/migrations/m1.py"),
        *("seedshop/helpers.py", "seedshop/deep/__init__.py"),
    }
    assert not [name for name in sys.modules if name.startswith("seedshop")]


def test_the_imported_module_of_a_package_counts_by_names(project: Path) -> None:
    around = Modules().reach(["seedshop.migrations.m1"]).around
    assert {"lib/site-packages/installed/__init__.py", "lib/site-packages/installed/api.py"} == names(
        project, dict(around)
    )
    receivers = Modules().reach(["installed.signals"]).around
    assert "lib/site-packages/installed/conf.py" in names(project, dict(receivers))
    migrations = Modules().reach(["installed.signals"], has_packages=False).around
    assert "lib/site-packages/installed/conf.py" not in names(project, dict(migrations))


def test_a_migration_of_django_alone_reaches_no_other_file(project: Path) -> None:
    assert "seedshop/helpers.py" not in names(project, dict(Modules().reach(["seedshop.migrations.m2"]).files))


def test_a_command_that_is_called_counts(project: Path) -> None:
    modules = Modules({"fill": "seedshop.management.commands.fill"})
    assert "seedshop/management/commands/fill.py" in names(
        project, dict(modules.reach(["seedshop.migrations.m3"]).files)
    )


def test_files_that_are_no_modules_are_followed(project: Path) -> None:
    (project / "conftest.py").write_text("import seedshop.views")
    reached = Modules().reach([], [str(project / "conftest.py")])
    assert names(project, dict(reached.files)) == {"conftest.py", "seedshop/__init__.py", "seedshop/views.py"}


def test_packages_standard_library_and_harness_are_installed() -> None:
    assert is_installed("/usr/lib/python3/dist-packages/django/__init__.py")
    assert is_installed(str(Path(json_file())))
    assert is_installed(str(Path(__file__).parents[5] / "harness" / "errors.py"))
    assert not is_installed("/project/shop/models.py")


def json_file() -> str:
    import json

    return json.__file__
