"""The source of each value of a configuration, for ``harness plan -v 2``."""

from __future__ import annotations

from collections.abc import Mapping

from harness.host.config.load import Config
from harness.host.config.options import OPTIONS


def explain(config: Config) -> tuple[tuple[str, str, str], ...]:
    """Every key with its value as text and its source, in the order of ``OPTIONS``. Secrets are left out."""
    rows = []
    for option in OPTIONS:
        rows.append((option.key, _shown(getattr(config, option.key), option.secret), config.source(option.key)))
    return tuple(rows)


def _shown(value: object, secret: bool) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={'***' if secret else item}" for name, item in value.items()) or "-"
    if value is None or value == ():
        return "-"
    if secret:
        return "***"
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)
