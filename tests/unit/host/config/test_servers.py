from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.config.servers import ServerConfig
from tests.unit.host.config.conftest import load, refuse, text_of


@pytest.mark.parametrize(
    ("toml", "server"),
    [
        ("[tool.harness.servers.mysql]\nin_memory = false", ServerConfig(in_memory=False)),
        ('[tool.harness.servers.mysql]\nimage = "percona:8"', ServerConfig(image="percona:8")),
        (
            '[tool.harness.servers.mysql]\nmemory_size = "2g"\nreplication = "position"',
            ServerConfig(memory_size=2 << 30, replication="position"),
        ),
    ],
)
def test_a_table_of_an_engine_is_read(project: Path, toml: str, server: ServerConfig) -> None:
    assert load(project, toml).servers == {"mysql": server}


@pytest.mark.parametrize(("text", "size"), [("64m", 64 << 20), ("2G", 2 << 30), ("512mb", 512 << 20), ("9k", 9 << 10)])
def test_sizes_are_written_as_docker_takes_them(project: Path, text: str, size: int) -> None:
    toml = f'[tool.harness.servers.mysql]\nmemory_size = "{text}"'
    assert load(project, toml).servers["mysql"].memory_size == size


@pytest.mark.parametrize("value", ["'2'", "2", "'0m'", "'-1g'", "'2t'", "'1.5g'", "true"])
def test_a_wrong_size_is_refused(project: Path, value: str) -> None:
    error = refuse(project, f"[tool.harness.servers.mysql]\nmemory_size = {value}")
    assert error.exit_code == ExitCode.USAGE
    assert 'expected a size such as "512m" or "2g"' in error.message
    assert "servers.mysql.memory_size in" in error.message


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[tool.harness.servers.postgress]\n", ("'postgress'", "Did you mean 'postgres'?")),
        ("[tool.harness.servers.postgres]\nimgae = 'x'\n", ("'imgae'", "servers.postgres in", "Did you mean 'image'?")),
        ("[tool.harness.servers.postgres]\nimage = 3\n", ("servers.postgres.image in", "a string", "3, an integer")),
        (
            "[tool.harness.servers.postgres]\nin_memory = 'no'\n",
            ("servers.postgres.in_memory in", "true or false", "'no', a string"),
        ),
        (
            "[tool.harness.servers.mysql]\nreplication = 'file'\n",
            ("servers.mysql.replication in", "one of gtid, position", "'file'", "MyISAM"),
        ),
        ("[tool.harness.servers.postgres]\nreplication = 'position'\n", ("servers.postgres.replication", "MySQL")),
        (
            "[tool.harness.servers.mysql]\nin_memory = false\nmemory_size = '1g'\n",
            ("servers.mysql", "memory_size", "in_memory = false"),
        ),
        ("[tool.harness.servers]\npostgres = 'x'\n", ("servers.postgres in", "a table", "'x', a string")),
        ("servers = 'x'\n", ("servers in", "a table", "'x', a string")),
    ],
)
def test_a_wrong_table_is_refused(project: Path, toml: str, words: tuple[str, ...]) -> None:
    error = refuse(project, toml)
    assert error.exit_code == ExitCode.USAGE
    for word in words:
        assert word in text_of(error)
    assert str(project / "pyproject.toml") in error.message
