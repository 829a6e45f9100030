"""What builds are given of the configuration, of pip's own settings and of the environment."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.images import build_environment
from harness.host.images.build_environment import BROUGHT, BuildEnvironment, pip_settings, resolve

LISTING = """\
:env:.cert='/etc/ssl/proxy.pem'
:env:.find-links='/srv/wheels'
global.extra-index-url='https://one.test/simple\\nhttps://two.test/simple'
global.find-links='/srv/other'
global.index-url='https://global.test/simple'
global.timeout='30'
install.index-url='https://install.test/simple'
download.index-url='https://download.test/simple'
"""


def _config(tmp_path: Path, **variables: str) -> Config:
    return load(
        {}, {f"HARNESS_{name.upper()}": value for name, value in variables.items()}, tmp_path, need_settings=False
    )


def _file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def test_pips_settings_count_as_pip_counts_them() -> None:
    settings = pip_settings(LISTING)
    assert settings["index-url"] == "https://install.test/simple"
    assert settings["find-links"] == "/srv/wheels"
    assert settings["timeout"] == "30"
    assert settings["extra-index-url"].split() == ["https://one.test/simple", "https://two.test/simple"]


def test_pips_own_settings_are_the_default(tmp_path: Path) -> None:
    bundle = _file(tmp_path / "ca.pem")
    wheels = _file(tmp_path / "wheels" / "a.whl").parent
    constraints = _file(tmp_path / "constraints.txt")
    pip = {
        "cert": str(bundle),
        "index-url": "https://i.test/simple",
        "extra-index-url": "https://a.test/s https://b.test/s",
        "trusted-host": "i.test",
        "find-links": f"{wheels} https://links.test/",
        "constraint": str(constraints),
        "default-timeout": "180",
        "retries": "2",
    }
    found = resolve(_config(tmp_path), pip, {"https_proxy": "http://proxy.test:3128", "NO_PROXY": "i.test"})
    assert found == BuildEnvironment(
        ca_certificates=bundle,
        index_url="https://i.test/simple",
        extra_index_urls=("https://a.test/s", "https://b.test/s"),
        trusted_hosts=("i.test",),
        find_links=("https://links.test/",),
        find_links_folders=(wheels,),
        constraint_files=(constraints,),
        timeout_s=180,
        retries=2,
        proxies={"https_proxy": "http://proxy.test:3128", "no_proxy": "i.test"},
    )


def test_the_configuration_counts_over_pip(tmp_path: Path) -> None:
    ours, theirs = _file(tmp_path / "ours.pem"), _file(tmp_path / "theirs.pem")
    config = _config(
        tmp_path,
        ca_certificates=str(ours),
        pip_index_url="https://ours.test/simple",
        pip_find_links="https://ours.test/links",
        http_proxy="http://ours.test:1",
    )
    pip = {"cert": str(theirs), "index-url": "https://theirs.test/s", "find-links": str(tmp_path), "no-index": "1"}
    found = resolve(config, pip, {"http_proxy": "http://theirs.test:1"})
    assert found.ca_certificates == ours
    assert found.index_url == "https://ours.test/simple"
    assert found.find_links == ("https://ours.test/links",)
    assert found.find_links_folders == ()
    assert found.proxies == {"http_proxy": "http://ours.test:1"}
    assert not found.no_index


def test_variables_of_pip_count_where_there_is_no_pip_to_ask(tmp_path: Path) -> None:
    environ = {"PIP_INDEX_URL": "https://env.test/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_NO_INDEX": "true"}
    found = resolve(_config(tmp_path), {"extra-index-url": "https://file.test/s"}, environ)
    assert found.index_url == "https://env.test/simple"
    assert found.extra_index_urls == ("https://file.test/s",)
    assert found.no_index


def test_an_index_in_files_of_this_machine_is_left_out_with_a_notice(tmp_path: Path) -> None:
    pip = {"index-url": "file:///srv/pypi/simple", "extra-index-url": "/srv/more https://ok.test/simple"}
    found = resolve(_config(tmp_path), pip, {})
    assert (found.index_url, found.extra_index_urls) == ("", ("https://ok.test/simple",))
    assert [notice.split()[2] for notice in found.notices] == ["file:///srv/pypi/simple", "/srv/more"]


def test_an_empty_folder_of_packages_is_not_brought(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = resolve(_config(tmp_path), {"find-links": f"file://{tmp_path}/empty"}, {})
    assert (found.find_links, found.find_links_folders, found.notices) == ((), (), ())


def test_what_only_pip_names_and_is_not_there_is_a_notice(tmp_path: Path) -> None:
    pip = {"find-links": "/nowhere/wheels", "constraint": "/nowhere/c.txt", "cert": "/nowhere/ca.pem"}
    notices = resolve(_config(tmp_path), pip, {}).notices
    assert [path for path in pip.values() if not any(path in notice for notice in notices)] == []


@pytest.mark.parametrize("key", ["ca_certificates", "pip_find_links", "pip_constraints"])
def test_what_the_configuration_names_and_is_not_there_is_an_error(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(_config(tmp_path, **{key: "/nowhere/x"}), {}, {})
    assert key in caught.value.message
    assert "/nowhere/x" in caught.value.message


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_bundle_of_the_environment_is_taken(tmp_path: Path, variable: str) -> None:
    bundle = _file(tmp_path / "company.pem")
    assert resolve(_config(tmp_path), {}, {variable: str(bundle)}).ca_certificates == bundle


def test_a_proxy_of_this_machine_alone_is_a_notice(tmp_path: Path) -> None:
    found = resolve(_config(tmp_path), {}, {"HTTPS_PROXY": "http://localhost:3128"})
    assert ["localhost" in notice for notice in found.notices] == [True]


def test_pips_proxy_counts_where_nothing_else_names_one(tmp_path: Path) -> None:
    pip = {"proxy": "http://pip.test:1"}
    found = resolve(_config(tmp_path), pip, {"http_proxy": "http://env.test:1"})
    assert found.proxies == {"http_proxy": "http://env.test:1", "https_proxy": "http://pip.test:1"}


def test_a_container_sees_what_is_brought_under_its_own_paths(tmp_path: Path) -> None:
    environment = BuildEnvironment(
        ca_certificates=tmp_path / "ca.pem",
        extra_index_urls=("https://a.test/s", "https://b.test/s"),
        find_links=("https://links.test/",),
        find_links_folders=(tmp_path / "one", tmp_path / "two"),
        constraint_files=(tmp_path / "c.txt",),
        proxies={"http_proxy": "http://proxy.test:1"},
    )
    variables = environment.variables()
    assert variables["PIP_FIND_LINKS"] == f"https://links.test/ {BROUGHT}/find-links/0 {BROUGHT}/find-links/1"
    assert variables["PIP_CONSTRAINT"] == f"{BROUGHT}/constraints/0.txt"
    assert variables["PIP_EXTRA_INDEX_URL"] == "https://a.test/s https://b.test/s"
    assert {variables[name] for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")} == {
        f"{BROUGHT}/ca-certificates.crt"
    }
    assert variables["http_proxy"] == variables["HTTP_PROXY"] == "http://proxy.test:1"
    assert "PIP_INDEX_URL" not in variables
    assert str(tmp_path) not in " ".join(variables.values())
    assert dict(environment.brought())[f"{BROUGHT}/find-links/1"] == tmp_path / "two"


def test_credentials_are_shown_nowhere() -> None:
    environment = BuildEnvironment(
        index_url="https://build:s3cr%40t@i.test/simple", proxies={"https_proxy": "http://me:hush@proxy.test:1"}
    )
    text = "Looking in https://build:s3cr%40t@i.test/simple by me:hush, password s3cr@t"
    assert environment.redact(text) == "Looking in https://***@i.test/simple by ***, password ***"
    assert not any(secret in repr(environment) for secret in ("s3cr", "hush"))


def test_this_machines_pip_is_asked() -> None:
    listing = build_environment._pip_config_list({"PIP_INDEX_URL": "https://asked.test/simple", "PATH": ""})
    assert pip_settings(listing)["index-url"] == "https://asked.test/simple"
