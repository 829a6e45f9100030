"""The environment of a local server's programs: this process's own, without what names other servers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

LEFT_OUT = ("LD_PRELOAD", "PYTHON", "TMPDIR", "MYSQL_", "PG", "HARNESS_", "LC_", "LANG")
"""The beginnings of variables of this process that a server does not get: they name other servers, or its own language."""


def environment_of(folders: Sequence[str], variables: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the programs in *folders*: that of this process, without what belongs to other servers."""
    kept = {name: value for name, value in environ.items() if not name.startswith(LEFT_OUT)}
    path = os.pathsep.join([*folders, kept.get("PATH", os.defpath)])
    return {**kept, **variables, "PATH": path, "LC_ALL": "C"}


def socket_variables(folder: str, port: int) -> dict[str, str]:
    """The variables by which the clients of all engines find the server in *folder*."""
    return {"PGHOST": folder, "PGPORT": str(port), "MYSQL_UNIX_PORT": f"{folder}/mysqld.sock"}
