"""The settings by which a build reaches packages: certificates, pip's indexes, proxies.

Owns the order (the harness's own configuration, then that of the user's own pip) and the names of variables and files in
a container. ``read`` looks at the machine, the rest is pure. Imports no Docker.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import ssl
import subprocess
import sys
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.host.config.options import Config
from harness.host.project.declared_sources import without_credentials

BROUGHT = "/run/harness"
"""The folder in a container with the files of an installation; a volume, so no image keeps them."""

ARCHIVE_END_BYTES = 1 << 20
PIP_CONFIG_DEADLINE_S = 30
_CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


@dataclass(frozen=True, slots=True)
class BuildEnvironment:
    """The settings by which builds reach packages, parsed. Paths are this machine's and exist; URLs may hold
    credentials.

    ``timeout_s`` and ``retries`` are pip's own, 0 for its default. ``proxies`` maps variables in lower case to values.
    ``notices`` lists settings of the user's pip that cannot work in a container.
    """

    ca_certificates: Path | None = None
    index_url: str = field(default="", repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    find_links: tuple[str, ...] = field(default=(), repr=False)
    find_links_folders: tuple[Path, ...] = ()
    constraints: tuple[str, ...] = field(default=(), repr=False)
    constraint_files: tuple[Path, ...] = ()
    timeout_s: float = 0
    retries: int = 0
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    notices: tuple[str, ...] = ()

    def brought(self) -> Iterator[tuple[str, Path]]:
        """The files and folders that a container needs, each with its path in the container."""
        if self.ca_certificates:
            yield f"{BROUGHT}/ca-certificates.crt", self.ca_certificates
        for number, path in enumerate(self.find_links_folders):
            yield f"{BROUGHT}/find-links/{number}", path
        for number, path in enumerate(self.constraint_files):
            yield f"{BROUGHT}/constraints/{number}.txt", path

    def variables(self) -> dict[str, str]:
        """The variables of an installation in a container: for pip, and for other tools that read the same settings."""
        links = [place for place, _ in self.brought() if "/find-links/" in place]
        constraints = [place for place, _ in self.brought() if "/constraints/" in place]
        values = {
            "PIP_INDEX_URL": self.index_url,
            "PIP_EXTRA_INDEX_URL": " ".join(self.extra_index_urls),
            "PIP_NO_INDEX": "1" if self.no_index else "",
            "PIP_TRUSTED_HOST": " ".join(self.trusted_hosts),
            "PIP_FIND_LINKS": " ".join([*self.find_links, *links]),
            "PIP_CONSTRAINT": " ".join([*self.constraints, *constraints]),
            "PIP_DEFAULT_TIMEOUT": f"{self.timeout_s:g}" if self.timeout_s else "",
            "PIP_RETRIES": str(self.retries) if self.retries else "",
        }
        if self.ca_certificates:
            bundle = f"{BROUGHT}/ca-certificates.crt"
            names = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
            values |= dict.fromkeys(names, bundle)
        return {name: value for name, value in values.items() if value} | self.proxy_variables()

    @property
    def indexes(self) -> tuple[str, ...]:
        """The URLs of the indexes that pip searches in place of the public one, or beside it."""
        return tuple(filter(None, (self.index_url, *self.extra_index_urls)))

    def key_parts(self) -> Iterator[bytes]:
        """The parts of this that decide which packages an installation gets: indexes, links and constraints, with their
        files' content.

        Without credentials: another password leads to the same packages.
        """
        for name in ("index_url", "extra_index_urls", "find_links", "constraints"):
            values = getattr(self, name)
            yield name.encode()
            for url in (values,) if isinstance(values, str) else values:
                yield without_credentials(url).encode()
        yield b"no_index" if self.no_index else b""
        for path in self.constraint_files:
            yield b"constraint file"
            yield path.read_bytes()
        for folder in self.find_links_folders:
            yield b"find_links folder"
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                yield os.fsencode(file.relative_to(folder))
                yield _end_of(file)

    def proxy_variables(self) -> dict[str, str]:
        """The proxies in both spellings; the engine keeps build arguments of these names out of an image's history."""
        return {spelling: value for name, value in self.proxies.items() for spelling in (name, name.upper())}

    def redact(self, text: str) -> str:
        """*text* without the credentials of any URL here, for the terminal and for errors."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> set[str]:
        urls = (self.index_url, *self.extra_index_urls, *self.find_links, *self.constraints, *self.proxies.values())
        secrets: set[str] = set()
        for userinfo in filter(None, map(_userinfo, urls)):
            parts = {userinfo, userinfo.partition(":")[2]}
            secrets |= {part for part in parts | {urllib.parse.unquote(part) for part in parts} if part}
        return secrets


def read(config: Config, environ: Mapping[str, str] = os.environ) -> BuildEnvironment:
    """The build environment of this machine under *config*.

    Asks the pip of this interpreter, if it has one, for its configuration. Raises ``UsageError`` when a file that
    *config* names is not there.
    """
    return resolve(config, pip_settings(_pip_config_list(environ)), environ)


def resolve(config: Config, pip: Mapping[str, str], environ: Mapping[str, str]) -> BuildEnvironment:
    """The settings of *config*, and where it has none, those of *pip* (see ``pip_settings``) and *environ*.

    Reads no file, but checks that files exist. Raises ``UsageError`` for a file in *config* that does not.
    """
    notices: list[str] = []
    pip_variables = {name: value for name, value in _pip_variables(environ).items() if value}
    pip = {**pip, **pip_variables}
    index_url, *_ = _carried(_chosen(config.pip_index_url, pip.get("index-url", "").split()), notices) or [""]
    links, folders = _find_links(config, pip, notices)
    constraints, files = _constraints(config, pip, notices)
    proxies = _proxies(config, environ)
    if pip.get("proxy"):
        proxies = {"http_proxy": pip["proxy"], "https_proxy": pip["proxy"]} | proxies
    notices.extend(_loopback(proxies))
    return BuildEnvironment(
        ca_certificates=_certificates(config, pip, environ, notices),
        index_url=index_url,
        extra_index_urls=_carried(
            _chosen(config.pip_extra_index_urls, pip.get("extra-index-url", "").split()), notices
        ),
        no_index=config.pip_index_url is None and pip.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        trusted_hosts=_chosen(config.pip_trusted_hosts, pip.get("trusted-host", "").split()),
        find_links=links,
        find_links_folders=folders,
        constraints=constraints,
        constraint_files=files,
        timeout_s=_number(pip.get("timeout", pip.get("default-timeout", ""))),
        retries=int(_number(pip.get("retries", ""))),
        proxies=proxies,
        notices=tuple(notices),
    )


def pip_settings(listing: str) -> dict[str, str]:
    """The settings that apply to ``pip install`` in the output of ``pip config list``, without their section.

    A variable overrides a file, and in a file ``install`` overrides ``global``, as in pip.
    """
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listing.splitlines():
        match = re.fullmatch(r"(global|install|:env:)\.([a-z-]+)=(.*)", line.strip())
        if match:
            found[match[1]][match[2]] = _literal(match[3])
    return {**found["global"], **found["install"], **found[":env:"]}


def _end_of(file: Path) -> bytes:
    """The size of an archive and a digest of its end, where wheels and gzip files keep the checksums of their content."""
    size = file.stat().st_size
    with file.open("rb") as content:
        content.seek(max(0, size - ARCHIVE_END_BYTES))
        return b"%d %s" % (size, hashlib.sha256(content.read()).digest())


def _literal(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def _pip_config_list(environ: Mapping[str, str]) -> str:
    """The output of ``pip config list``; empty where this interpreter has no pip, as with uv: variables still apply."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_CONFIG_DEADLINE_S, env=dict(environ), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _pip_variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_")
    }


def _chosen(configured: str | Iterable[str] | None, otherwise: Iterable[str]) -> tuple[str, ...]:
    if configured is None:
        return tuple(otherwise)
    return (configured,) if isinstance(configured, str) else tuple(configured)


def _carried(urls: Iterable[str], notices: list[str]) -> tuple[str, ...]:
    """The *urls* that a container can reach; an index in this machine's files is not one of them."""
    kept = []
    for url in urls:
        if url.startswith(("http://", "https://")):
            kept.append(url)
        else:
            notices.append(f"pip's index {url} is local to this machine and does not reach image builds.")
    return tuple(kept)


def _find_links(config: Config, pip: Mapping[str, str], notices: list[str]) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    urls, folders = [], []
    for place in _chosen(config.pip_find_links, pip.get("find-links", "").split()):
        path = _local(place)
        if path is None:
            urls.append(place)
        elif path.is_dir():
            if any(path.iterdir()):
                folders.append(path)
        elif config.pip_find_links is not None:
            raise _missing("pip_find_links", path)
        else:
            notices.append(f"pip's find-links {place} is no folder and does not reach image builds.")
    return tuple(urls), tuple(folders)


def _constraints(
    config: Config, pip: Mapping[str, str], notices: list[str]
) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    urls, files = [], []
    for place in _chosen(config.pip_constraints, pip.get("constraint", "").split()):
        path = _local(place)
        if path is None:
            urls.append(place)
        elif path.is_file():
            files.append(path)
        elif config.pip_constraints is not None:
            raise _missing("pip_constraints", path)
        else:
            notices.append(f"pip's constraints file {place} is not there and does not reach image builds.")
    return tuple(urls), tuple(files)


def _local(place: str) -> Path | None:
    """*place* as a path of this machine, or ``None`` for a URL."""
    if place.startswith("file://"):
        return Path(urllib.parse.unquote(urllib.parse.urlsplit(place).path))
    return None if "://" in place else Path(place).expanduser()


def _certificates(
    config: Config, pip: Mapping[str, str], environ: Mapping[str, str], notices: list[str]
) -> Path | None:
    if config.ca_certificates is not None:
        if not config.ca_certificates.is_file():
            raise _missing("ca_certificates", config.ca_certificates)
        return config.ca_certificates
    named = [pip.get("cert", ""), *(environ.get(name, "") for name in _CERTIFICATE_VARIABLES)]
    for place in filter(None, named):
        if Path(place).is_file():
            return Path(place)
        notices.append(f"The certificate bundle {place} is no file and does not reach image builds.")
    # pip uses the system's certificates since 24.2, and companies install theirs there
    system = (ssl.get_default_verify_paths().openssl_cafile, *_SYSTEM_CERTIFICATES)
    return next((Path(place) for place in system if Path(place).is_file()), None)


def _missing(key: str, path: Path) -> UsageError:
    return UsageError(f"{key} names {path}, which is not there.", hint=f"Correct {key}, or leave it out.")


def _proxies(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    configured = {"http_proxy": config.http_proxy, "https_proxy": config.https_proxy, "no_proxy": config.no_proxy}
    values = {
        name: value if value is not None else environ.get(name, environ.get(name.upper(), ""))
        for name, value in configured.items()
    }
    return {name: value for name, value in values.items() if value}


def _loopback(proxies: Mapping[str, str]) -> Iterator[str]:
    for name in ("http_proxy", "https_proxy"):
        host = urllib.parse.urlsplit(proxies.get(name, "")).hostname or ""
        if host == "localhost" or host.startswith("127.") or host == "::1":
            yield f"{name} names {host}, which in a container is the container itself: image builds cannot reach it."


def _number(text: str) -> float:
    try:
        return max(float(text), 0)
    except ValueError:
        return 0


def _userinfo(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[0]
