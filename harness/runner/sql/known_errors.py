"""Advice for errors of the run's servers that the configuration can mend."""

from __future__ import annotations

import re

_NOT_BY_GTID = 1785
_EXTENSION = re.compile(r'extension "([^"]+)" is not available|/postgresql/(\d+)/extension/([^/"]+)\.control')
_TEMPLATE = re.compile(r'template database "([^"]+)" does not exist')
_PACKAGES = {"postgis": "postgis-3", "vector": "pgvector"}
"""Extensions whose Debian package is not called like them."""


def advice(error: BaseException) -> str:
    """Advice for *error*, a driver's or Django's; empty for an error that nothing is known of."""
    if error.args and error.args[0] == _NOT_BY_GTID:
        return (
            "Tables without transactions (MyISAM) and a primary that replicates by GTID exclude each other:"
            ' replication = "position" in [tool.harness.servers.mysql] replicates by position.'
        )
    text = str(error.args[0]) if error.args else ""
    if "extension" in text and (found := list(_EXTENSION.finditer(text))):
        name = found[0][1] or found[0][3]
        return _extension_advice(name, next((match[2] for match in found if match[2]), "17"))
    if found_template := _TEMPLATE.search(text):
        return (
            f"The run's servers are new, and have no {found_template[1]}: leave TEST['TEMPLATE'] out, and create extensions by"
            " migrations, such as CreateExtension of django.contrib.postgres."
        )
    return ""


def _extension_advice(extension: str, version: str) -> str:
    base = extension.partition("_")[0]
    package = _PACKAGES.get(base) or extension.removeprefix("pg_").replace("_", "-")
    return (
        f"The server has no extension {extension!r}. Debian's package adds it:"
        f' apt = ["postgresql-{version}-{package}"] in [tool.harness.servers.postgres]; image names an image that has it.'
    )
