"""The environment variables of the tests, from ``env_file``, ``env``, ``env_for`` and ``pass_env``, each over those before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import dotenv

from harness.errors import UsageError
from harness.host.config.databases import SQLITE, DbSpec
from harness.host.config.values import TEXT_TABLE, Mismatch, unknown_key, wrong_value
from harness.host.engines import KNOWN

BACKENDS = (*KNOWN, SQLITE)


def read_variables(
    values: Mapping[str, Any], environ: Mapping[str, str], place: Callable[[str], str]
) -> dict[str, str]:
    """The variables of the tests. *values* are the checked options, *place* names a part of ``env_for``.

    A table of ``env_for`` counts where ``db`` asks for its backend. Raises ``UsageError`` for a file that cannot be read, an
    unknown backend, and a table that holds anything else than texts.
    """
    tables = {backend: _table(backend, content, place) for backend, content in values["env_for"].items()}
    variables = _from_file(values["env_file"])
    variables |= values["env"]
    for backend in _backends(values["db"]):
        variables |= tables.get(backend, {})
    return variables | _passed(values["pass_env"], environ)


def _backends(specs: Iterable[DbSpec]) -> list[str]:
    """The backends of *specs* for all aliases; where each names an alias, those of these."""
    of_all = [spec.engine for spec in specs if spec.alias is None]
    return list(dict.fromkeys(of_all or (spec.engine for spec in specs)))


def _passed(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in names if name in environ}


def _table(backend: str, content: object, place: Callable[[str], str]) -> dict[str, str]:
    if backend not in BACKENDS:
        raise unknown_key(backend, BACKENDS, place(""))
    if not isinstance(content, dict):
        raise wrong_value(place(f".{backend}"), "a table", content, 'For example NAME = "value".')
    try:
        table: Any = TEXT_TABLE.from_toml(content)
    except Mismatch as wrong:
        where, expected = place(f".{backend}{wrong.where}"), TEXT_TABLE.expected
        raise wrong_value(where, expected, wrong.seen, "Write each value as text.") from None
    return dict(table)


def _from_file(path: Path | None) -> dict[str, str]:
    """The variables of a file in the form that ``python-dotenv`` reads; names without a value are left out."""
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8") as file:
            found = dotenv.dotenv_values(stream=file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"env_file names {path}, which cannot be read.",
            hint="Correct env_file, or leave it out.",
            evidence=str(error),
        ) from error
    return {name: value for name, value in found.items() if value is not None}
