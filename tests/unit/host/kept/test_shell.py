"""The environment of a command on kept servers, and the Python that runs Django's."""

import json
import os
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.kept.shell import STARTUP, django_command, environment_of, pythons
from harness.host.retention.kept_servers import KeptAlias, KeptServer, KeptServers
from harness.protocol.naming import DATABASES_VARIABLE

PG = "django.db.backends.postgresql"


def kept(original: str = PG, settings: str = "shop.settings") -> KeptServers:
    server = KeptServer("default", "postgres", "PostgreSQL 17", None, "127.0.0.1", 40001)
    alias = KeptAlias("default", "default", PG, "shop", "web", None, (original, "shop"))
    return KeptServers("ab12", "docker", "/srv/shop", True, 1.0, settings, servers=(server,), aliases=(alias,))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\nenv = { SECRET = "s" }\n')
    return load({}, {}, tmp_path, need_settings=False)


class TestEnvironment:
    def test_it_has_the_addresses_and_the_variables_of_the_tests(self, config: Config) -> None:
        found = environment_of(config, kept(), "pw")
        assert found["SECRET"] == "s"
        assert found["DJANGO_SETTINGS_MODULE"] == "shop.settings"
        assert found["DATABASE_URL"] == "postgres://web:pw@127.0.0.1:40001/shop"
        assert found["PYTHONPATH"].split(os.pathsep)[0] == str(STARTUP)
        assert (STARTUP / "sitecustomize.py").exists()

    def test_options_of_the_settings_stay_without_the_address(self, config: Config) -> None:
        entry = json.loads(environment_of(config, kept(), "pw")[DATABASES_VARIABLE])["default"]
        assert entry["options"] is None
        assert "sslmode" in entry["dropped"]
        assert entry["address"] == {
            "ENGINE": PG,
            "NAME": "shop",
            "USER": "web",
            "PASSWORD": "pw",
            "HOST": "127.0.0.1",
            "PORT": "40001",
        }

    def test_options_of_another_engine_are_dropped(self, config: Config) -> None:
        other = kept("django.db.backends.mysql")
        assert json.loads(environment_of(config, other, "pw")[DATABASES_VARIABLE])["default"]["options"] == []

    def test_a_script_is_no_settings_module(self, config: Config) -> None:
        assert "DJANGO_SETTINGS_MODULE" not in set(environment_of(config, kept(settings="run tests"), "")) - set(
            os.environ
        )


class TestCommand:
    def test_the_projects_script_runs_it(self, config: Config) -> None:
        (config.project / "manage.py").write_text("")
        found = load({}, {}, config.project, need_settings=False)
        assert django_command(found, kept(), "shell")[1:] == ("manage.py", "shell")

    def test_django_itself_runs_it_without_a_script(self, config: Config) -> None:
        assert django_command(config, kept(), "shell")[1:] == ("-m", "django", "shell")

    def test_a_script_of_the_tests_cannot(self, config: Config) -> None:
        with pytest.raises(UsageError, match="neither"):
            django_command(config, kept(settings="runtests.py x"), "shell")

    def test_the_active_environment_comes_before_the_projects(self, tmp_path: Path) -> None:
        for folder in ("active", ".venv"):
            (tmp_path / folder / "bin").mkdir(parents=True)
            (tmp_path / folder / "bin" / "python").touch()
        environ = {"VIRTUAL_ENV": str(tmp_path / "active"), "PATH": ""}
        found = list(pythons(tmp_path, environ))
        assert found == [str(tmp_path / "active/bin/python"), str(tmp_path / ".venv/bin/python"), sys.executable]
