"""The arguments of ``pytest.main``, from the task of a run. Pure but for the files that labels name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ...errors import UsageError
from ...protocol.messages import RunSpec
from ...protocol.options import pytest_options
from .label_paths import node_ids

_XDIST = (
    *("-n", "--numprocesses", "--maxprocesses", "--max-worker-restart", "--dist", "--tx", "--px"),
    *("--rsyncdir", "--rsyncignore", "--testrunuid", "--maxschedchunk"),
)
_XDIST_SWITCHES = ("-d", "-f", "--looponfail", "--loadscope-reorder", "--no-loadscope-reorder")
_SWITCHES = "hlqsvVxdf"
"""pytest's and xdist's flags of one letter that take no value: several can stand in one word."""
_VALUED = "kmcoprWn"
"""Those that take one: the rest of the word, or the next word."""
_VERBOSITY = {"--verbosity=2": "-v", "--verbosity=3": "-vv"}
_IDENTIFIERS = re.compile(r"\**([^*?\[\]]*)\**")


@dataclass(frozen=True, slots=True)
class Given:
    """The words that the user gives for pytest, sorted. ``passed`` go to pytest; ``maxfail`` is the number of failures that end
    the run, 0 for no limit; ``xdist`` are options that distribute the tests, which the harness does itself.
    """

    passed: tuple[str, ...] = ()
    maxfail: int = 0
    xdist: tuple[str, ...] = ()


def pytest_arguments(spec: RunSpec, *, has_pytest_django: bool = True) -> tuple[str, ...]:
    """The arguments of ``pytest.main``: options first, then the labels as node ids.

    Without pytest-django, settings are those of the environment alone. Raises ``UsageError`` for an option that pytest has no
    place for, and ``ProjectError`` for a label that names nothing.
    """
    refused = pytest_options.refusal(
        spec.django_args, spec.pytest_args, legacy_discovery=spec.legacy_discovery, doctest=spec.doctest
    )
    if refused:
        raise refused
    passed = sorted_out(spec.pytest_args).passed
    patterns = [arg.removeprefix("-k=") for arg in spec.django_args if arg.startswith("-k=")]
    if patterns and any(word.startswith("-k") for word in passed):
        raise UsageError("-k is given before -- and after it.", hint='Give one: harness ci -k "first or second".')
    arguments = []
    if has_pytest_django:
        arguments += [f"--ds={spec.settings}"] if spec.settings and not spec.is_settings_variable else []
        arguments += ["--reuse-db"] if "--keepdb" in spec.django_args else []
        arguments += ["-o", "django_debug_mode=true"] if "--debug-mode" in spec.django_args else []
    arguments += ["-k", _expression(patterns)] if patterns else []
    arguments += [_VERBOSITY[arg] for arg in spec.django_args if arg in _VERBOSITY]
    return (*arguments, *passed, *node_ids(spec.labels, spec))


def maxfail(spec: RunSpec) -> int:
    """The number of failures that end the run; 0 for no limit."""
    return sorted_out(spec.pytest_args).maxfail or int("--failfast" in spec.django_args)


def xdist_notice(spec: RunSpec) -> str:
    """The notice about options after ``--`` that are left out, since the harness distributes the tests; empty for none."""
    words = sorted_out(spec.pytest_args).xdist
    if not words:
        return ""
    return (
        f"{' '.join(words)} is left out: the harness runs the tests in its own workers, each on its own databases."
        " --parallel is their number."
    )


def sorted_out(words: Iterable[str]) -> Given:
    """*words* after ``--``, sorted. Raises ``UsageError`` for a ``--maxfail`` that is no number."""
    passed: list[str] = []
    xdist: list[str] = []
    limit = 0
    for option in _options(words):
        word = option[0]
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if name in ("-x", "--exitfirst"):
            limit = 1
        elif name == "--maxfail":
            limit = _limit(word.partition("=")[2] or "".join(option[1:]))
        else:
            (xdist if name in (*_XDIST, *_XDIST_SWITCHES) else passed).extend(option)
    return Given(tuple(passed), limit, tuple(xdist))


def _options(words: Iterable[str]) -> Iterator[list[str]]:
    """Each option of *words* with its value, if that is the next word, as far as these options are known; else single words."""
    rest = iter(words)
    for word in rest:
        if re.match(r"-\w", word):
            yield from _letters(word, rest)
        else:
            yield [word, *_next(rest)] if word in (*_XDIST, "--maxfail") else [word]


def _letters(word: str, rest: Iterator[str]) -> Iterator[list[str]]:
    """Each flag of one letter in *word*; the value of the last one is the rest of the word, or the first of *rest*."""
    for place, letter in enumerate(word[1:], start=2):
        if letter not in _SWITCHES:
            value = word[place:]
            yield [f"-{letter}{value}"] if value or letter not in _VALUED else [f"-{letter}", *_next(rest)]
            return
        yield [f"-{letter}"]


def _next(rest: Iterator[str]) -> list[str]:
    """The next word, if there is one."""
    return list(islice(rest, 1))


def _limit(value: str) -> int:
    if not value.isdecimal():
        raise UsageError(f"--maxfail={value} after -- is no number.", hint="For example --maxfail=3.")
    return int(value)


def _expression(patterns: list[str]) -> str:
    """The patterns of ``-k`` as one expression of pytest; a pattern of unittest's, ``*cart*``, is its word."""
    words = [match[1] if (match := _IDENTIFIERS.fullmatch(each)) and match[1] else each for each in patterns]
    return words[0] if len(words) == 1 else " or ".join(f"({word})" for word in words)
