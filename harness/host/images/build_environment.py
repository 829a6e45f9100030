"""The settings by which a build reaches packages: pip's variables, certificates, proxies, and the files that these name.

Owns the order (the harness's own configuration, then that of the user's own pip) and the paths in a container. ``read`` looks
at the machine, the rest is pure. Imports no Docker.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.host.config.options import Config
from harness.host.images import pip_configuration
from harness.host.project import installers

FILES_FOLDER = "/run/harness"
"""The folder in a container with the files of an installation; a volume, so no image keeps them."""

ARCHIVE_END_BYTES = 1 << 20

_BUNDLE = f"{FILES_FOLDER}/ca-certificates.crt"
_BUNDLE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
_CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

_INDEXES = ("index-url", "extra-index-url")
_PLACES = ("find-links", "constraint", "build-constraint")
_CHOICES = ("pre", "no-binary", "only-binary", "prefer-binary")
_CARRIED = (*_INDEXES, *_PLACES, *_CHOICES, "no-index", "trusted-host", "timeout", "default-timeout", "retries")
"""pip's settings that hold in a container as they do on this machine. Others name paths, or belong to other commands."""

_LACKING = {
    "find-links": "find-links {} is no folder",
    "constraint": "constraints file {} is not there",
    "build-constraint": "file of build constraints {} is not there",
    "override": "file of overrides {} is not there",
}
"""The settings of pip and uv that name files or folders, and the reason why one of these does not reach a container."""

_OF_UV = {
    "UV_FIND_LINKS": ("find-links", ","),
    "UV_CONSTRAINT": ("constraint", " "),
    "UV_BUILD_CONSTRAINT": ("build-constraint", " "),
    "UV_OVERRIDE": ("override", " "),
}
"""The variables of uv that name files or folders: the setting, and the character between two of its values."""

_DECIDING = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONSTRAINT")
"""The variables that decide which packages an installation gets, beside those of ``_OPTIONAL``."""

_OPTIONAL = (*_CHOICES, "build-constraint")

_TOOLS = re.compile(
    r"UV_(?:DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|INDEX_STRATEGY|RESOLUTION|PRERELEASE|EXCLUDE_NEWER)"
    r"|UV_(?:NO_BUILD|NO_BINARY|NO_SOURCES|NO_DEV|NO_DEFAULT_GROUPS)(?:_PACKAGE)?"
    r"|UV_INDEX_\w+_(?:USERNAME|PASSWORD)|POETRY_(?:HTTP_BASIC|PYPI_TOKEN)_\w+"
)
"""The variables of uv and Poetry that hold in a container as they do on this machine."""
_CREDENTIAL = re.compile(r"UV_INDEX_\w+_(?:USERNAME|PASSWORD)|POETRY_(?:HTTP_BASIC|PYPI_TOKEN)_\w+")


@dataclass(frozen=True, slots=True)
class BuildEnvironment:
    """The settings by which builds reach packages. URLs may hold credentials.

    ``pip`` maps pip's variables to values that hold in a container, ``tools`` those of uv and Poetry, ``files`` paths in a
    container to those of this machine, which exist. ``proxies`` maps variables in lower case to values. ``notices`` lists
    settings of the user's pip that cannot work in a container.
    """

    pip: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, Path] = field(default_factory=dict)
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    notices: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict, repr=False)

    def variables(self) -> dict[str, str]:
        """The variables of an installation in a container: for pip, and for other tools that read the same settings."""
        bundle = dict.fromkeys(_BUNDLE_VARIABLES, _BUNDLE) if _BUNDLE in self.files else {}
        return {**self.pip, **installers.from_pip(self.pip), **self.tools, **bundle, **self.proxy_variables()}

    def key_parts(self) -> Iterator[bytes]:
        """The parts of this that decide which packages an installation gets: indexes, links and constraints, with their
        files' content.

        Without credentials: another password leads to the same packages.
        """
        for name in (*_DECIDING, *(name for name in map(_variable, _OPTIONAL) if name in self.pip)):
            yield name.encode()
            yield from (_without_credentials(word).encode() for word in self.pip.get(name, "").split())
        for name, value in sorted(self.tools.items()):
            if not _CREDENTIAL.fullmatch(name):
                yield f"{name}={_without_credentials(value)}".encode()
        for place, path in self.files.items():
            if place == _BUNDLE:
                continue
            yield place.encode()
            if path.is_file():
                yield path.read_bytes()
            for file in sorted(each for each in path.rglob("*") if each.is_file()):
                yield os.fsencode(file.relative_to(path))
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
        secrets = {value for name, value in self.tools.items() if _CREDENTIAL.fullmatch(name)}
        words = " ".join([*self.pip.values(), *self.proxies.values(), *self.tools.values()]).split()
        for url in (word for word in words if "@" in word):
            userinfo = urllib.parse.urlsplit(url).netloc.rpartition("@")[0]
            parts = {userinfo, userinfo.partition(":")[2]}
            secrets |= {part for part in parts | {urllib.parse.unquote(part) for part in parts} if part}
        return secrets


def read(config: Config, environ: Mapping[str, str] = os.environ) -> BuildEnvironment:
    """The build environment of this machine under *config*.

    Raises ``UsageError`` when a file that *config* names is not there.
    """
    return resolve(config, pip_configuration.settings(environ), environ)


def resolve(config: Config, pip: Mapping[str, str], environ: Mapping[str, str]) -> BuildEnvironment:
    """The settings of *config*, and where it has none, those of *pip* (see ``pip_configuration.settings``) and *environ*.

    Reads no file, but checks that files exist. Raises ``UsageError`` for a file in *config* that does not.
    """
    notices: list[str] = []
    pip = {**pip, **_pip_variables(environ)}
    bundle = _certificates(config, pip, environ, notices)
    files = {_BUNDLE: bundle} if bundle else {}
    configured = _configured(config)
    values = {name: pip[name].split() for name in _CARRIED if pip.get(name)} | configured
    if config.pip_index_url is not None:
        values.pop("no-index", None)
    for name in _INDEXES:
        urls = values.get(name, [])
        values[name] = [url for url in urls if url.startswith(("http://", "https://"))]
        local = (url for url in urls if url not in values[name])
        notices += (f"pip's index {url} is local to this machine and does not reach image builds." for url in local)
    for name in _PLACES:
        key = {"find-links": "pip_find_links", "constraint": "pip_constraints"}.get(name, "")
        is_configured = name in configured
        values[name] = _in_container("pip", name, values.get(name, []), key if is_configured else "", files, notices)
    proxies = _proxies(config, environ)
    if pip.get("proxy"):
        proxies = {"http_proxy": pip["proxy"], "https_proxy": pip["proxy"]} | proxies
    notices += _loopback(proxies)
    variables = {_variable(name): " ".join(words) for name, words in values.items() if words}
    tools = {name: value for name, value in environ.items() if _TOOLS.fullmatch(name) and value}
    for variable, (name, between) in _OF_UV.items():
        places = list(filter(None, environ.get(variable, "").split(between)))
        if found := _in_container("uv", name, places, "", files, notices):
            tools[variable] = between.join(found)
    return BuildEnvironment(variables, files, proxies, tuple(notices), tools)


def for_this_machine(config: Config, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """*environ* with the settings of *config* for a pip that runs on this machine, over those of the user's pip."""
    variables = {_variable(name): " ".join(words) for name, words in _configured(config).items()}
    if config.ca_certificates is not None:
        variables["PIP_CERT"] = str(config.ca_certificates)
    return {**environ, **_proxies(config, environ), **variables}


def _variable(name: str) -> str:
    """The variable of pip's setting *name*: pip reads each of its options from one."""
    return f"PIP_{name.upper().replace('-', '_')}"


def _without_credentials(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def _end_of(file: Path) -> bytes:
    """The size of an archive and a digest of its end, where wheels and gzip files keep the checksums of their content."""
    size = file.stat().st_size
    with file.open("rb") as content:
        content.seek(max(0, size - ARCHIVE_END_BYTES))
        return b"%d %s" % (size, hashlib.sha256(content.read()).digest())


def _pip_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Pip's settings in *environ*, without empty ones."""
    return {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }


def _configured(config: Config) -> dict[str, list[str]]:
    """Pip's settings that the harness's own configuration has."""
    values: dict[str, Sequence[str] | None] = {
        "index-url": None if config.pip_index_url is None else (config.pip_index_url,),
        "extra-index-url": config.pip_extra_index_urls,
        "find-links": config.pip_find_links,
        "constraint": config.pip_constraints,
        "trusted-host": config.pip_trusted_hosts,
    }
    return {name: list(value) for name, value in values.items() if value is not None}


def _in_container(
    tool: str, name: str, places: Sequence[str], key: str, files: dict[str, Path], notices: list[str]
) -> list[str]:
    """*places* of the setting *name* of *tool* as they are called in a container; adds those of this machine to *files*.

    URLs come first. Leaves out empty folders and, with a notice, a place that does not exist; raises ``UsageError`` for one
    of the configuration's *key*.
    """
    urls, paths = [], []
    for place in places:
        path = _local(place)
        if path is None:
            urls.append(place)
        elif path.is_dir() if name == "find-links" else path.is_file():
            if path.is_file() or any(path.iterdir()):
                paths.append(path)
        elif key:
            raise _missing(key, path)
        else:
            notices.append(f"{tool}'s {_LACKING[name].format(place)} and does not reach image builds.")
    folder = name if tool == "pip" else f"{tool}-{name}"
    suffix = "" if name == "find-links" else ".txt"
    brought = {f"{FILES_FOLDER}/{folder}/{number}{suffix}": path for number, path in enumerate(paths)}
    files.update(brought)
    return [*urls, *brought]


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
