"""The project's own metadata: as an installation would write it, and none where the project is no distribution."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.launch import distribution
from harness.host.launch.distribution import declared, files_of
from harness.host.project.packaging_files import PackagingFiles
from tests.files import write_files

STATIC = """
[project]
name = "Big.Shop"
version = "2.5"
requires-python = ">=3.11"
dependencies = ["django>=5.2", "tomli; python_version < '3.11'"]

[project.optional-dependencies]
pg = ["psycopg[binary]>=3", "tomli; python_version < '3.11'"]

[project.scripts]
shop = "shop.cli:app.main"

[project.entry-points."shop.parts"]
one = "shop.one"
"""
Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(files: dict[str, str]) -> Path:
        write_files(tmp_path, files)
        return tmp_path

    return make


def installed(root: Path, folder: Path) -> importlib.metadata.Distribution:
    """The distribution of the project in *root*, with its files in *folder*, as Python reads it."""
    write_files(folder, files_of(root, root))
    (found,) = importlib.metadata.distributions(path=[str(folder)])
    return found


class TestFiles:
    def test_python_reads_the_metadata(self, write: Write, tmp_path: Path) -> None:
        found = installed(write({"pyproject.toml": STATIC}), tmp_path / "packages")
        assert (found.name, found.version) == ("Big.Shop", "2.5")
        assert found.metadata["Requires-Python"] == ">=3.11"
        assert found.requires == [
            "django>=5.2",
            "tomli; python_version < '3.11'",
            'psycopg[binary]>=3; extra == "pg"',
            'tomli; (python_version < "3.11") and extra == "pg"',
        ]
        assert {(each.group, each.name, each.value) for each in found.entry_points} == {
            ("console_scripts", "shop", "shop.cli:app.main"),
            ("shop.parts", "one", "shop.one"),
        }

    def test_a_script_calls_the_attribute(self, write: Write) -> None:
        script = files_of(root := write({"pyproject.toml": STATIC}), root)["bin/shop"]
        assert script == "#!/opt/venv/bin/python\nimport sys\nfrom shop.cli import app\nsys.exit(app.main())\n"

    @pytest.mark.parametrize(("file", "path"), [("src/shop.py", "/project/src\n"), ("shop.py", "/project\n")])
    def test_the_folder_of_the_code_is_searched(self, write: Write, file: str, path: str) -> None:
        root = write({"pyproject.toml": STATIC, file: ""})
        assert files_of(root, root)["project.pth"] == path

    def test_a_project_in_a_folder_of_its_repository(self, write: Write) -> None:
        root = write({"pyproject.toml": STATIC, ".git/HEAD": "", "backend/manage.py": ""})
        files = files_of(root / "backend", root / "backend")
        assert "big_shop-2.5.dist-info/METADATA" in files
        assert "project.pth" not in files, "its code is not in the container"
        assert files_of(root / "backend", root)["project.pth"] == "/project\n"


class TestDeclared:
    @pytest.mark.parametrize(
        ("pyproject", "lock"),
        [
            ("", ""),
            ("[tool.black]", ""),
            ('[tool.poetry]\nname = "shop"\nversion = "1"\npackage-mode = false', ""),
            ('[project]\nname = "shop"\n[tool.uv]\npackage = false', ""),
            ('[project]\nname = "shop"\n[tool.pdm]\ndistribution = false', ""),
            ('[project]\nname = "shop"', "uv.lock"),
        ],
    )
    def test_no_distribution(self, write: Write, pyproject: str, lock: str) -> None:
        assert declared(PackagingFiles(write({"pyproject.toml": pyproject, **({lock: ""} if lock else {})}))) is None

    def test_poetrys_own_table(self, write: Write) -> None:
        table = '[tool.poetry]\nname = "shop"\nversion = "1.2"\n'
        scripts = '[tool.poetry.scripts]\nshop = "shop:main"\nfile = { reference = "x.sh", type = "file" }\n'
        plugins = '[tool.poetry.plugins."shop.parts"]\none = "shop.one"\n'
        found = declared(PackagingFiles(write({"pyproject.toml": table + scripts + plugins})))
        assert found
        assert (found.name, found.version) == ("shop", "1.2")
        assert found.entry_points == {"console_scripts": {"shop": "shop:main"}, "shop.parts": {"one": "shop.one"}}

    @pytest.mark.parametrize(
        ("table", "file", "text", "version"),
        [
            (
                '[tool.setuptools.dynamic]\nversion = {attr = "shop.VERSION"}',
                "shop/__init__.py",
                'VERSION = "3.1"',
                "3.1",
            ),
            ('[tool.setuptools.dynamic]\nversion = {file = "VERSION.txt"}', "VERSION.txt", "3.2\n", "3.2"),
            ('[tool.setuptools.dynamic]\nversion = {file = ["VERSION.txt"]}', "VERSION.txt", "3.3\n", "3.3"),
            ('[tool.hatch.version]\npath = "src/shop/about.py"', "src/shop/about.py", '__version__ = "3.4"', "3.4"),
            ('[tool.pdm.version]\nsource = "file"\npath = "shop.py"', "shop.py", '__version__ = "3.5"', "3.5"),
            ('[tool.flit.module]\nname = "shop"', "src/shop/__init__.py", '"""Shop."""\n__version__ = "3.6"', "3.6"),
            ("", "shop/__init__.py", "__version__ = compute()", distribution.UNKNOWN_VERSION),
            ("", "shop/__init__.py", "this is no Python", distribution.UNKNOWN_VERSION),
        ],
    )
    def test_dynamic_versions(self, write: Write, table: str, file: str, text: str, version: str) -> None:
        project = '[project]\nname = "shop"\ndynamic = ["version"]\n'
        found = declared(PackagingFiles(write({"pyproject.toml": project + table, file: text})))
        assert found
        assert found.version == version

    def test_a_version_from_git(self, write: Write) -> None:
        text = '[project]\nname = "shop"\ndynamic = ["version"]\n[build-system]\nrequires = ["hatch-vcs"]\n'
        found = declared(PackagingFiles(write({"pyproject.toml": text})))
        assert found
        assert found.version == "0.1.dev0"


def test_the_image_searches_the_folder() -> None:
    """The names in the Dockerfile are those of this module."""
    dockerfile = (Path(__file__).parents[4] / "Dockerfile").read_text()
    assert f'site.addsitedir("{distribution.FOLDER}")' in dockerfile
    assert f":{distribution.FOLDER}/bin\n" in dockerfile
