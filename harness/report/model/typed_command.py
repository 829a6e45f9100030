"""The command as it was typed, and the commands made of it: the failures again, a replay. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from harness.protocol import naming
from harness.report.model.run_report import Case, RunReport

RERUN_LABELS = 20
_LABEL = re.compile(r"[^\s-](.*\S)?")


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """A typed command: ``words`` are the program, its command and its flags without ``--replay``; ``labels`` and the options for
    pytest, which stand after ``--``, are separate.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...] = ()
    pytest_args: tuple[str, ...] = ()

    def with_labels(self, labels: Iterable[str]) -> str:
        """The same command with *labels* instead of its own, quoted for a shell."""
        return shlex.join([*self.words, *labels, *(("--", *self.pytest_args) if self.pytest_args else ())])

    def replaying(self, file: str) -> str:
        """The same command with ``--replay`` *file*. Its labels stay: they found the tests that the file names."""
        return replace(self, words=(*self.words, "--replay", file)).with_labels(self.labels)


def rerun_command(command: TypedCommand, report: RunReport) -> str:
    """*command* with the tests that make the run red as labels, or with their classes, their modules or its own labels if these
    are too many.

    Empty if no red test can be named by a label.
    """
    late = report.lag_check.failing if report.lag_check else {}
    again = (case for case in report.cases if case.is_red or case.test.id in late) if late else report.red
    labels = [found for case in again if (found := _labels(case))]
    names: list[str] = []
    for level in range(3):
        names = _without_covered([found[level] for found in labels])
        if len(names) <= RERUN_LABELS:
            break
    if not names:
        return ""
    return command.with_labels(names if len(names) <= RERUN_LABELS else command.labels)


def _labels(case: Case) -> tuple[str, str, str] | None:
    """The labels for *case*: of itself, its class and its module; a name that is no label is replaced by the next wider one.

    ``None`` if not even its module or its file is a label.
    """
    test = case.test
    if naming.is_node_id(test.id):
        path, *inner = naming.node_parts(test.id if case.is_planned else test.id.rpartition("::")[0])
        if not test.file:  # the tear-down of a session's fixtures
            return None
        ways = ["::".join([path, *inner]), "::".join([path, *inner[:-1]]), path]
    elif test.classname.startswith("unittest.loader."):  # a module that could not be imported
        ways = [test.name] * 3
    elif not case.is_planned and test.name.endswith("Module"):
        ways = [test.classname] * 3
    else:
        ways = [test.id if case.is_planned else test.classname, test.classname, test.classname.rpartition(".")[0]]
    ways.append(test.file.removesuffix(".py").replace("/", "."))
    # any id can be typed as a label, unless a terminal cannot show it
    typeable = [way if way.isprintable() and _LABEL.fullmatch(way) else "" for way in ways]
    found = [next(filter(None, typeable[level:]), "") for level in range(3)]
    return (found[0], found[1], found[2]) if found[2] else None


def _without_covered(names: list[str]) -> list[str]:
    """*names* without duplicates, and without those that another name includes."""
    known = set(names)
    covered = {name for name in known if any(name[: match.start()] in known for match in _inner_ends(name))}
    return [name for name in dict.fromkeys(names) if name not in covered]


def _inner_ends(label: str) -> Iterator[re.Match[str]]:
    """The places in *label* where the label of something wider may end."""
    return re.finditer(r"/|::|\[" if naming.is_node_id(label) else r"\.|\[", label)
