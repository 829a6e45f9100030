"""Converts flags between words and values: finds the word that is a flag's value, and writes values as a command line.

Owns the flags whose value may be left out. ``cli`` parses with click; this module decides, as click cannot, whether a
word behind such a flag is its value or a label.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.host.config.options import OPTIONS, Config, Option
from harness.host.config.values import Mismatch
from harness.report.model.typed_command import TypedCommand

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def spell_out(args: Sequence[str], valued: Mapping[str, Option | None]) -> list[str]:
    """*args* with a value behind each flag that may stand alone, so that a label behind it stays a label.

    *valued* maps every flag of the command that takes a value to its option; ``None`` where it is none of ``OPTIONS``.
    """
    spelled: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        spelled.append(arg)
        if arg == "--":
            return [*spelled, *rest]
        flag = _awaiting(arg, valued)
        if flag is None:
            continue
        option = valued[flag]
        if option is not None and option.bare and not (rest and _is_value(option, rest[0])):
            spelled.append(option.bare)
        elif rest:
            spelled.append(rest.pop(0))
    return spelled


def _awaiting(arg: str, valued: Mapping[str, Option | None]) -> str | None:
    """The flag of *valued* that takes the word behind *arg*: *arg* itself, or the last letter of a group such as ``-rv``."""
    if arg.startswith("--") or len(arg) < 2 or not arg.startswith("-"):
        return arg if arg in valued else None
    for place, letter in enumerate(arg[1:], start=1):
        if f"-{letter}" in valued:
            return f"-{letter}" if place == len(arg) - 1 else None
    return None


def _is_value(option: Option, word: str) -> bool:
    """Whether *word* is meant as *option*'s value: it is a valid one, or it can be nothing else and is refused as a value."""
    try:
        option.form.from_text(word)
    except Mismatch:
        return re.match(r"-\d", word) is not None or not (word.startswith("-") or is_label(word))
    return True


def is_label(word: str) -> bool:
    """Whether *word* can name tests: a dotted name, or a path."""
    return bool(word) and (_DOTTED.fullmatch(word) is not None or "/" in word or Path(word).exists())


def typed(given: Mapping[str, object], command: str = "ci") -> TypedCommand:
    """The command line that gives the values *given*, by their keys, without ``--replay``: its file names tests to replay."""
    words = ["harness", *command.split()]
    for option in OPTIONS:
        if option.key in given and option.key != "replay" and option.flag and command in option.commands:
            words.extend(_words(option, given[option.key]))
    labels = given.get("labels") or ()
    assert isinstance(labels, (list, tuple))
    return TypedCommand(tuple(words), tuple(map(str, labels)))


def django_args(config: Config) -> tuple[str, ...]:
    """The arguments of ``manage.py test`` that *config* asks for, each option in one word with its value."""
    words: list[str] = []
    for option in OPTIONS:
        value = getattr(config, option.key)
        if option.is_django and value is not None and value is not False:  # 0 is a seed, and a verbosity
            values = value if isinstance(value, tuple) else (value,)
            words.extend(option.flag if each is True else f"{option.flag}={each}" for each in values)
    return tuple(words)


def _words(option: Option, value: object) -> list[str]:
    if option.form.is_switch:
        return [option.flag] if value else []
    values = value if isinstance(value, (list, tuple)) else (value,)
    return [word for each in values for word in (option.flag, str(each))]
