from pathlib import Path

import pytest

from harness.runner.pytest_detection.config import Collection, files, read


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pytest.ini", "[pytest]\npython_files = tests.py test_*.py\ntestpaths =\n    unit\n    more\n"),
        (".pytest.ini", "[pytest]\npython_files = tests.py test_*.py\ntestpaths = unit more\n"),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\npython_files = ["tests.py", "test_*.py"]\ntestpaths = "unit more"\n',
        ),
        ("pyproject.toml", '[tool.pytest]\npython_files = ["tests.py", "test_*.py"]\ntestpaths = ["unit", "more"]\n'),
        ("pytest.toml", '[pytest]\npython_files = ["tests.py", "test_*.py"]\ntestpaths = ["unit", "more"]\n'),
        ("tox.ini", "[tox]\nenvlist = py\n[pytest]\npython_files = tests.py test_*.py\ntestpaths = unit more\n"),
        ("setup.cfg", "[tool:pytest]\npython_files = tests.py test_*.py\ntestpaths = unit more\n"),
    ],
)
def test_each_file_of_configuration_is_read(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    found = read(tmp_path)
    assert found.is_configured
    assert (found.files, found.paths, found.classes) == (("tests.py", "test_*.py"), ("unit", "more"), ("Test",))


@pytest.mark.parametrize(
    ("file", "text", "source"),
    [
        ("pytest.ini", "", "pytest.ini"),
        ("pytest.ini", "no ini at all", "pytest.ini"),
        ("pytest.toml", "[broken", "pytest.toml"),
        ("tox.ini", "[broken", ""),
        ("tox.ini", "[tox]\n", ""),
        ("pyproject.toml", "[tool.ruff]\n", ""),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "[tool.pytest] of pyproject.toml"),
        ("pyproject.toml", "[broken", ""),
    ],
)
def test_a_section_of_pytest_configures_a_project(tmp_path: Path, file: str, text: str, source: str) -> None:
    (tmp_path / file).write_text(text)
    found = read(tmp_path)
    assert found == Collection(source=source)
    assert found.is_configured == bool(source)


def test_names_match_prefixes_and_patterns() -> None:
    collection = Collection(
        files=("test_*.py", "unit/*_check.py"), classes=("Test", "*Suite"), functions=("test", "it_*")
    )
    assert collection.takes_file("a/test_x.py")
    assert collection.takes_file("a/unit/x_check.py")
    assert not collection.takes_file("a/x_check.py")
    assert [name for name in ("TestX", "XSuite", "XTest") if collection.takes_class(name)] == ["TestX", "XSuite"]
    assert [name for name in ("testx", "it_is", "x") if collection.takes_function(name)] == ["testx", "it_is"]


def test_folders_of_tools_are_not_entered(tmp_path: Path) -> None:
    for name in ("a/test_x.py", ".tox/test_x.py", "build/test_x.py", "env/test_x.py", "a/node_modules/test_x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "env/pyvenv.cfg").touch()
    assert list(files(tmp_path, Collection())) == ["a/test_x.py"]
