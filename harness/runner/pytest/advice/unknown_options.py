"""Options that pytest does not know: similar ones, and the plugins that have them. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ...text import listed

_UNKNOWN = re.compile(r"error: unrecognized arguments: (.*)")
_NAMED = 10
_NEAR = 3
_PLUGINS = {
    "allure-pytest": ("--alluredir", "--clean-alluredir", "--allure-"),
    "hypothesis": ("--hypothesis-",),
    "inline-snapshot": ("--inline-snapshot",),
    "pytest-asyncio": ("--asyncio-",),
    "pytest-benchmark": ("--benchmark-",),
    "pytest-black": ("--black",),
    "pytest-cov": ("--cov", "--cov-", "--no-cov"),
    "pytest-deadfixtures": ("--dead-fixtures",),
    "pytest-django": ("--ds", "--dc", "--reuse-db", "--create-db", "--migrations", "--no-migrations", "--nomigrations"),
    "pytest-env": ("--envfile",),
    "pytest-flake8": ("--flake8",),
    "pytest-html": ("--html", "--self-contained-html", "--css"),
    "pytest-isort": ("--isort",),
    "pytest-json-report": ("--json-report",),
    "pytest-md-report": ("--md-report",),
    "pytest-mypy": ("--mypy",),
    "pytest-order": ("--order-", "--indulgent-ordering"),
    "pytest-picked": ("--picked",),
    "pytest-playwright": ("--browser", "--headed", "--slowmo", "--tracing", "--screenshot", "--video"),
    "pytest-profiling": ("--profile",),
    "pytest-pylint": ("--pylint",),
    "pytest-random-order": ("--random-order",),
    "pytest-randomly": ("--randomly-",),
    "pytest-recording": ("--record-mode", "--block-network"),
    "pytest-repeat": ("--count", "--repeat-scope"),
    "pytest-rerunfailures": ("--reruns", "--only-rerun", "--rerun-except"),
    "pytest-ruff": ("--ruff",),
    "pytest-selenium": ("--driver",),
    "pytest-socket": ("--disable-socket", "--allow-hosts", "--allow-unix-socket"),
    "pytest-split": ("--splits", "--group", "--store-durations", "--durations-path", "--splitting-algorithm"),
    "pytest-sugar": ("--force-sugar", "--old-summary"),
    "pytest-testmon": ("--testmon",),
    "pytest-timeout": ("--timeout", "--session-timeout"),
    "pytest-xdist": ("-n", "--numprocesses", "--maxprocesses", "--dist", "--tx", "--px", "--max-worker-restart"),
    "syrupy": ("--snapshot-",),
}
"""Packages of plugins, each with the beginnings of its options."""
_OWN = {
    "pytest-repeat": "--repeat",
    "pytest-rerunfailures": "--retries",
    "pytest-timeout": "--timeout",
    "pytest-xdist": "--parallel",
}
"""Packages that the harness replaces, each with its own option."""


def unknown_options(text: str) -> list[str]:
    """The options that pytest's error *text* calls unknown, without their values."""
    match = _UNKNOWN.search(text)
    words = match[1].split() if match else []
    return list(dict.fromkeys(_name(word) for word in words if re.match(r"--?[A-Za-z]", word)))


def package_of(option: str) -> str:
    """The package of the well-known plugin that has *option*; empty if it is of none."""
    found = [
        (len(start), package)
        for package, starts in _PLUGINS.items()
        for start in starts
        if option == start or (len(start) > 3 and option.startswith(start if start.endswith("-") else f"{start}-"))
    ]
    return max(found)[1] if found else ""


def advice(options: Sequence[str], known: Iterable[str]) -> str:
    """The next step for unknown *options*, where pytest and its plugins have the options *known*."""
    packages: dict[str, list[str]] = {}
    sentences = []
    names = sorted(set(known))
    for option in options:
        if package := package_of(option):
            packages.setdefault(package, []).append(option)
        elif near := difflib.get_close_matches(option, names, _NEAR, 0.7):
            sentences.append(f"Options near {option}: {', '.join(near)}.")
    for package, its in packages.items():
        verb = "is an option" if len(its) == 1 else "are options"
        sentence = f"{listed(its, _NAMED)} {verb} of {package}, which is not installed where the tests run."
        sentences.append(f"{sentence} harness ci does without it: {_OWN[package]}." if package in _OWN else sentence)
    if missing := [f'"{package}"' for package in packages if package not in _OWN]:
        sentences.append(f"[tool.harness] extra_install = [{', '.join(missing)}] installs what is missing.")
    return " ".join(sentences) or "pytest --help in the project lists the options. Those of harness ci stand before --."


def _name(word: str) -> str:
    return word.partition("=")[0] if word.startswith("--") else word[:2]
