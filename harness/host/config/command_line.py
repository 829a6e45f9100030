"""Converts flags between words and values: finds the word that is a flag's value, and writes values as a command line.

``cli`` parses with click. This module decides, as click cannot, whether a word behind a flag with an optional value is
that value or a label.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from harness.host.config.options import OPTIONS, Config, Option
from harness.host.config.values import Mismatch
from harness.protocol.naming import is_dotted

if TYPE_CHECKING:
    from harness.report.model.typed_command import TypedCommand


def split_at_dashes(args: Sequence[str], valued: Mapping[str, Option | None]) -> tuple[list[str], list[str]]:
    """The words of *args* before ``--`` and those after it.

    Before it, the ``bare`` value is inserted behind each flag without a value, so that a label behind it stays a label. *valued*
    maps every flag of the command that takes a value to its option; ``None`` where it is none of ``OPTIONS``.
    """
    spelled: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        if arg == "--":
            return spelled, rest
        spelled.append(arg)
        flag = _valued_flag(arg, valued)
        if flag is None:
            continue
        option = valued[flag]
        if option is not None and option.bare and not (rest and _is_value(option, rest[0])):
            spelled.append(option.bare)
        elif rest:
            spelled.append(rest.pop(0))
    return spelled, []


def _valued_flag(arg: str, valued: Mapping[str, Option | None]) -> str | None:
    """The flag of *valued* that takes the word behind *arg*: *arg* itself, or the last letter of a group such as ``-rv``."""
    if arg.startswith("--") or len(arg) < 2 or not arg.startswith("-"):
        return arg if arg in valued else None
    for place, letter in enumerate(arg[1:], start=1):
        if f"-{letter}" in valued:
            return f"-{letter}" if place == len(arg) - 1 else None
    return None


def _is_value(option: Option, word: str) -> bool:
    """Whether *word* is meant as *option*'s value: it is valid, or it can be nothing else and is refused."""
    try:
        option.form.from_text(word)
    except Mismatch:
        return re.match(r"-\d", word) is not None or not (word.startswith("-") or is_label(word))
    return True


def is_label(word: str) -> bool:
    """Whether *word* can name tests: a dotted name, a path, or the id of a test in a file."""
    place = word.partition("::")[0]
    return bool(word) and (is_dotted(place) or "/" in place or Path(place).exists())


def typed(given: Mapping[str, object]) -> TypedCommand:
    """The ``harness ci`` that gives the values *given*, by their keys, without ``--replay``: its file names tests to replay."""
    from harness.report.model.typed_command import TypedCommand  # only a run needs the reports

    words = ["harness", "ci"]
    for option in OPTIONS:
        if option.key != "replay" and option.flag and "ci" in option.commands:
            words.extend(chain.from_iterable(_words(option, given.get(option.key))))
    labels, pytest_args = (given.get(key) or () for key in ("labels", "pytest_args"))
    assert isinstance(labels, (list, tuple))
    assert isinstance(pytest_args, (list, tuple))
    return TypedCommand(tuple(words), tuple(map(str, labels)), tuple(map(str, pytest_args)))


def django_args(config: Config) -> tuple[str, ...]:
    """The arguments of ``manage.py test`` that *config* asks for, each option in one word with its value."""
    options = (option for option in OPTIONS if option.is_django)
    return tuple("=".join(words) for option in options for words in _words(option, getattr(config, option.key)))


def _words(option: Option, value: object) -> list[tuple[str, ...]]:
    """The flag of *option* with each of its values; nothing for a value that is not set, or off."""
    if option.is_negated:
        return [(option.flag,)] if value is False else []
    if value is None or value is False:  # 0 is a seed, and a verbosity
        return []
    values = value if isinstance(value, (list, tuple)) else (value,)
    return [(option.flag,) if each is True else (option.flag, str(each)) for each in values]
