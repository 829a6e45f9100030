"""The settings of builds: from the configuration, from pip's own settings and from the environment."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.images.build_environment import (
    FILES_FOLDER,
    BuildEnvironment,
    for_this_machine,
    resolve,
)

BUNDLE = f"{FILES_FOLDER}/ca-certificates.crt"
WHEELS = f"{FILES_FOLDER}/find-links/0"
CONSTRAINTS = f"{FILES_FOLDER}/constraint/0.txt"


def _config(tmp_path: Path, **variables: str) -> Config:
    return load(
        {}, {f"HARNESS_{name.upper()}": value for name, value in variables.items()}, tmp_path, need_settings=False
    )


def _file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


class TestPip:
    def test_its_settings_are_the_default(self, tmp_path: Path) -> None:
        bundle = _file(tmp_path / "ca.pem")
        wheels = _file(tmp_path / "wheels" / "a.whl").parent
        constraints = _file(tmp_path / "constraints.txt")
        pip = {
            "cert": str(bundle),
            "index-url": "https://i.test/simple",
            "extra-index-url": "https://a.test/s\nhttps://b.test/s",
            "trusted-host": "i.test",
            "find-links": f"{wheels} https://links.test/",
            "constraint": str(constraints),
            "default-timeout": "180",
            "retries": "2",
            "target": "/home/me/packages",
        }
        found = resolve(_config(tmp_path), pip, {"https_proxy": "http://proxy.test:3128", "NO_PROXY": "i.test"})
        assert found == BuildEnvironment(
            {
                "PIP_INDEX_URL": "https://i.test/simple",
                "PIP_EXTRA_INDEX_URL": "https://a.test/s https://b.test/s",
                "PIP_TRUSTED_HOST": "i.test",
                "PIP_FIND_LINKS": f"https://links.test/ {WHEELS}",
                "PIP_CONSTRAINT": CONSTRAINTS,
                "PIP_DEFAULT_TIMEOUT": "180",
                "PIP_RETRIES": "2",
            },
            {BUNDLE: bundle, WHEELS: wheels, CONSTRAINTS: constraints},
            {"https_proxy": "http://proxy.test:3128", "no_proxy": "i.test"},
        )

    def test_its_variables_count_where_there_is_no_pip_to_ask(self, tmp_path: Path) -> None:
        environ = {"PIP_INDEX_URL": "https://env.test/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_NO_INDEX": "true"}
        found = resolve(_config(tmp_path), {"extra-index-url": "https://file.test/s"}, environ)
        assert found.pip == {
            "PIP_INDEX_URL": "https://env.test/simple",
            "PIP_EXTRA_INDEX_URL": "https://file.test/s",
            "PIP_NO_INDEX": "true",
        }

    def test_its_proxy_counts_where_nothing_else_names_one(self, tmp_path: Path) -> None:
        found = resolve(_config(tmp_path), {"proxy": "http://pip.test:1"}, {"http_proxy": "http://env.test:1"})
        assert found.proxies == {"http_proxy": "http://env.test:1", "https_proxy": "http://pip.test:1"}


class TestConfiguration:
    def test_it_counts_over_pip(self, tmp_path: Path) -> None:
        ours, theirs = _file(tmp_path / "ours.pem"), _file(tmp_path / "theirs.pem")
        config = _config(
            tmp_path,
            ca_certificates=str(ours),
            pip_index_url="https://ours.test/simple",
            pip_find_links="https://ours.test/links",
            http_proxy="http://ours.test:1",
        )
        pip = {"cert": str(theirs), "index-url": "https://theirs.test/s", "find-links": str(tmp_path), "no-index": "1"}
        assert resolve(config, pip, {"http_proxy": "http://theirs.test:1"}) == BuildEnvironment(
            {"PIP_INDEX_URL": "https://ours.test/simple", "PIP_FIND_LINKS": "https://ours.test/links"},
            {BUNDLE: ours},
            {"http_proxy": "http://ours.test:1"},
        )

    @pytest.mark.parametrize("key", ["ca_certificates", "pip_find_links", "pip_constraints"])
    def test_a_file_that_it_names_and_is_missing_is_an_error(self, tmp_path: Path, key: str) -> None:
        with pytest.raises(UsageError) as caught:
            resolve(_config(tmp_path, **{key: "/nowhere/x"}), {}, {})
        assert key in caught.value.message
        assert "/nowhere/x" in caught.value.message

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_the_bundle_of_the_environment_is_taken(self, tmp_path: Path, variable: str) -> None:
        bundle = _file(tmp_path / "company.pem")
        assert resolve(_config(tmp_path), {}, {variable: str(bundle)}).files == {BUNDLE: bundle}


class TestTools:
    def test_choices_and_credentials_of_uv_and_poetry_hold(self, tmp_path: Path) -> None:
        environ = {
            "UV_DEFAULT_INDEX": "https://i.test/simple",
            "UV_INDEX_OURS_USERNAME": "me",
            "POETRY_HTTP_BASIC_OURS_PASSWORD": "secret",
            "UV_PRERELEASE": "",
            "UV_CACHE_DIR": "/home/me/cache",
            "POETRY_VIRTUALENVS_PATH": "/home/me/environments",
        }
        found = resolve(_config(tmp_path), {}, environ)
        names = {"UV_DEFAULT_INDEX", "UV_INDEX_OURS_USERNAME", "POETRY_HTTP_BASIC_OURS_PASSWORD"}
        assert found.tools == {name: environ[name] for name in names}
        assert found.variables().items() >= found.tools.items()
        assert not any(b"secret" in part or b"USERNAME" in part for part in found.key_parts())

    def test_files_that_uv_names_are_brought(self, tmp_path: Path) -> None:
        for name in ("one.txt", "two.txt", "wheels/a.whl"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("")
        one, two, wheels = tmp_path / "one.txt", tmp_path / "two.txt", tmp_path / "wheels"
        environ = {
            "UV_CONSTRAINT": f"{one} {two}",
            "UV_OVERRIDE": "/missing",
            "UV_FIND_LINKS": f"{wheels},https://x.test/",
        }
        found = resolve(_config(tmp_path), {}, environ)
        assert found.tools == {
            "UV_CONSTRAINT": "/run/harness/uv-constraint/0.txt /run/harness/uv-constraint/1.txt",
            "UV_FIND_LINKS": "https://x.test/,/run/harness/uv-find-links/0",
        }
        assert {place: path for place, path in found.files.items() if "uv-" in place} == {
            "/run/harness/uv-constraint/0.txt": one,
            "/run/harness/uv-constraint/1.txt": two,
            "/run/harness/uv-find-links/0": wheels,
        }
        assert found.notices == ("uv's file of overrides /missing is not there and does not reach image builds.",)

    def test_they_take_the_index_of_pip(self, tmp_path: Path) -> None:
        found = resolve(_config(tmp_path), {"index-url": "https://i.test/simple"}, {})
        assert found.variables()["POETRY_PYPI_MIRROR_URL"] == "https://i.test/simple"


class TestNotices:
    def test_an_index_in_files_of_this_machine_is_left_out(self, tmp_path: Path) -> None:
        pip = {"index-url": "file:///srv/pypi/simple", "extra-index-url": "/srv/more https://ok.test/simple"}
        found = resolve(_config(tmp_path), pip, {})
        assert found.pip == {"PIP_EXTRA_INDEX_URL": "https://ok.test/simple"}
        assert [notice.split()[2] for notice in found.notices] == ["file:///srv/pypi/simple", "/srv/more"]

    def test_an_empty_folder_of_packages_is_left_out_silently(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        found = resolve(_config(tmp_path), {"find-links": f"file://{tmp_path}/empty"}, {})
        assert (found.pip, found.notices) == ({}, ())

    def test_a_file_that_only_pip_names_and_is_missing(self, tmp_path: Path) -> None:
        pip = {"find-links": "/nowhere/wheels", "constraint": "/nowhere/c.txt", "cert": "/nowhere/ca.pem"}
        assert resolve(_config(tmp_path), pip, {}).notices == (
            "The certificate bundle /nowhere/ca.pem is no file and does not reach image builds.",
            "pip's find-links /nowhere/wheels is no folder and does not reach image builds.",
            "pip's constraints file /nowhere/c.txt is not there and does not reach image builds.",
        )

    def test_a_proxy_of_this_machine_alone(self, tmp_path: Path) -> None:
        found = resolve(_config(tmp_path), {}, {"HTTPS_PROXY": "http://localhost:3128"})
        assert ["localhost" in notice for notice in found.notices] == [True]


class TestContainer:
    def test_it_has_the_files_under_its_own_paths(self, tmp_path: Path) -> None:
        one, two = (_file(tmp_path / name / "a.whl").parent for name in ("one", "two"))
        found = resolve(_config(tmp_path), {"find-links": f"{one} https://links.test/ {two}"}, {})
        assert found.variables()["PIP_FIND_LINKS"] == f"https://links.test/ {WHEELS} {FILES_FOLDER}/find-links/1"
        assert found.files[f"{FILES_FOLDER}/find-links/1"] == two
        assert str(tmp_path) not in " ".join(found.variables().values())

    def test_other_tools_have_the_same_bundle_and_proxies(self, tmp_path: Path) -> None:
        environment = BuildEnvironment(
            files={BUNDLE: tmp_path / "ca.pem"}, proxies={"http_proxy": "http://proxy.test:1"}
        )
        variables = environment.variables()
        assert {variables[name] for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")} == {BUNDLE}
        assert variables["http_proxy"] == variables["HTTP_PROXY"] == "http://proxy.test:1"

    def test_credentials_are_shown_nowhere(self) -> None:
        environment = BuildEnvironment(
            {"PIP_INDEX_URL": "https://build:s3cr%40t@i.test/simple"},
            proxies={"https_proxy": "http://me:hush@proxy.test:1"},
            tools={"UV_INDEX_OURS_PASSWORD": "quiet", "UV_INDEX": "https://u:silent@i.test/simple"},
        )
        text = "Looking in https://build:s3cr%40t@i.test/simple by me:hush, password s3cr@t, silent, quiet"
        assert environment.redact(text) == "Looking in https://***@i.test/simple by ***, password ***, ***, ***"
        assert not any(secret in repr(environment) for secret in ("s3cr", "hush"))


def test_a_pip_on_this_machine_has_the_configuration_too(tmp_path: Path) -> None:
    bundle = _file(tmp_path / "bundle.pem")
    variables = {"pip_index_url": "https://index.test/simple", "https_proxy": "http://proxy:3128"}
    config = _config(tmp_path, ca_certificates=str(bundle), **variables)
    environ = for_this_machine(config, {"PIP_INDEX_URL": "https://other.test/simple", "PATH": "/bin"})
    assert environ == {
        "PATH": "/bin",
        "PIP_INDEX_URL": "https://index.test/simple",
        "PIP_CERT": str(bundle),
        "https_proxy": "http://proxy:3128",
    }
