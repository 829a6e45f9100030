"""The values of ``--db``: backends, of all aliases or of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

from harness.errors import UsageError
from harness.host import engines
from harness.host.config.values import nearest

SYNONYMS = {"postgresql": "postgres", "sqlite3": "sqlite"}
SQLITE = "sqlite"
"""The backend without a server and without versions."""


@dataclass(frozen=True, slots=True)
class DbSpec:
    """One value of ``--db``. ``version`` is ``None`` for the engine's default, ``alias`` is ``None`` for all other aliases."""

    engine: str
    version: str | None = None
    alias: str | None = None

    def __str__(self) -> str:
        alias = f"{self.alias}=" if self.alias is not None else ""
        version = f":{self.version}" if self.version is not None else ""
        return f"{alias}{self.engine}{version}"


def exact(spec: DbSpec) -> DbSpec:
    """*spec* with its version, the engine's default if it names none; SQLite has no version."""
    engine = engines.ENGINES.get(spec.engine)
    return spec if spec.version is not None or engine is None else replace(spec, version=engine.default_version)


def read_databases(texts: Iterable[str], place: str) -> tuple[DbSpec, ...]:
    """The specs of *texts*; errors name their *place*.

    A spec for all aliases is a backend, and each backend is one run; a spec for one alias applies to every run. Raises
    ``UsageError``.
    """
    specs = tuple(_read_database(text, place) for text in texts)
    for one, other in combinations(specs, 2):
        if one.alias == other.alias and one.alias is not None:
            raise UsageError(f"{place}: two backends for one alias: {one} and {other}.", hint="Name each alias once.")
        if exact(one) == exact(other):
            both = f"{one} and {other}" if one != other else str(one)
            raise UsageError(
                f"{place}: the same backend twice: {both}.", hint="Name each once: each backend is one run."
            )
    return specs


def _read_database(text: str, place: str) -> DbSpec:
    """``ENGINE`` or ``ENGINE:VERSION``, either behind ``ALIAS=``. An alias may hold any character."""
    alias, equals, backend = text.rpartition("=")
    word, colon, version = backend.partition(":")
    engine = SYNONYMS.get(word, word)
    known = (f"{each} {', '.join(versions)}; " for each, versions in engines.KNOWN.items())
    listing = f"Known: {''.join(known)}{SQLITE}."
    if engine == SQLITE and colon:
        raise UsageError(f"{place}: {text!r} names a version of SQLite.", hint="It is Python's own: write sqlite.")
    if engine != SQLITE and engine not in engines.KNOWN:
        near = nearest(word, (*engines.KNOWN, SQLITE))
        raise UsageError(f"{place}: unknown engine {word!r} in {text!r}.", hint=near + listing)
    if colon and version not in engines.KNOWN[engine]:
        raise UsageError(f"{place}: unknown version {version!r} of {engine} in {text!r}.", hint=listing)
    if equals and not alias:
        raise UsageError(f"{place}: no alias before '=' in {text!r}.", hint="Write ALIAS=ENGINE:VERSION.")
    return DbSpec(engine, version if colon else None, alias if equals else None)
