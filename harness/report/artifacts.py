"""The artifacts folder: its layout, its lock, and which files of an earlier run may be cleared.

Each file is written under a temporary name and moved into place, so that a reader never sees half of it; the journal alone
grows line by line.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.report.formats import junit, replay, sql, summary, trace, warnings
from harness.report.model.run_report import RunReport
from harness.report.model.verdict import Verdict, with_unwritten

JUNIT = "junit.xml"
SUMMARY = "summary.json"
TRACE = "trace.json"
JOURNAL = "journal.ndjson"
QUERIES = "sql/queries.ndjson"
WARNINGS = "logs/warnings.txt"
DIFFERENCES = "differences.md"
COLLECTED = "collected"
"""The folder of files that the tests have written; the only one with folders of its own."""
DEFAULT = ".harness"
LOCK = ".lock"
"""Locked while a run writes here. Its lines are the files that the run made: the next run clears these and no others. A line
with a slash at its end is the folder of a run on one backend, which has a lock of its own.
"""

_FOLDERS = ("sql", "schema", "logs", "replay", COLLECTED)
_AT_THE_TOP = (JUNIT, SUMMARY, JOURNAL, TRACE, DIFFERENCES)
_PART = ".part"


class Artifacts:
    """An artifacts folder that one run holds alone, from ``open`` until ``close``; also a context manager."""

    def __init__(self, root: Path, lock: int) -> None:
        self.root = root
        self._lock = lock
        self._journal = -1
        self._is_torn = False
        self._lines: list[bytes] = []
        self._made: set[str] = set()
        self._written: set[str] = set()
        self._problems: dict[str, HarnessError] = {}

    @classmethod
    def open(cls, folder: Path, *, has_journal: bool = True, spares_runs: bool = False) -> Artifacts:
        """Lock *folder*, making it if need be, clear the files of an earlier run, and begin the journal.

        Pass ``has_journal=False`` when merging: the merged folder has no journal. ``spares_runs=True`` keeps the folders of
        runs on one backend that are in it, since the reports are made of them.

        Raises ``UsageError`` if it cannot be written, another run holds it, or a file that is not ours is in the way.
        """
        with contextlib.ExitStack() as on_error:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                root = folder.resolve(strict=True)
                lock = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
                on_error.callback(os.close, lock)
                if os.fstat(lock).st_nlink != 1:
                    raise OSError(errno.EMLINK, "the lock is a file with another name as well", str(root / LOCK))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                artifacts = cls(root, lock)
                artifacts._begin(has_journal, spares_runs)
                if folder.name == DEFAULT:
                    with contextlib.suppress(FileExistsError), (root / ".gitignore").open("x") as file:
                        file.write("*\n")
            except BlockingIOError as error:
                raise UsageError(
                    f"Another run is writing to the artifacts folder {folder}.",
                    hint="Give this run a folder of its own with --artifacts DIR, or wait until the other has ended.",
                ) from error
            except OSError as error:
                raise _unwritable(folder, error) from error
            on_error.pop_all()
        return artifacts

    def __enter__(self) -> Artifacts:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the journal and release the lock. Safe to call twice."""
        if self._journal >= 0:
            self.flush()
        for descriptor in (self._journal, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._journal = self._lock = -1

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that this run wrote in full, relative to the folder, sorted."""
        return tuple(sorted(self._written - self._problems.keys()))

    @property
    def problems(self) -> tuple[HarnessError, ...]:
        """The errors of files that could not be written, the first of each file, in the order of their occurrence."""
        return tuple(self._problems.values())

    def note(self, path: str, error: HarnessError) -> None:
        """Add *error* to the problems: *path* could not be written. The run goes on, and is never green."""
        self._problems.setdefault(path, error)

    def add(self, line: bytes) -> None:
        """Add one event's line to the journal, which ``flush`` or ``append`` writes."""
        self._lines.append(line if line.endswith(b"\n") else line + b"\n")

    def append(self, line: bytes) -> None:
        """Add one event's line to the journal, and write it."""
        self.add(line)
        self.flush()

    def flush(self) -> None:
        """Write the added lines. The kernel has them when this returns, so the host's death loses nothing.

        After a torn line it starts a new one, so that what follows stays readable. A line that cannot be written, as when the
        disk is full, is lost, and is among the ``problems``.
        """
        if not self._lines:
            return
        whole = b"".join(self._lines)
        self._lines.clear()
        rest = memoryview(b"\n" + whole if self._is_torn else whole)
        size = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._journal, rest) :]
            self._is_torn = False
        except OSError as error:
            self._is_torn = self._is_torn or len(rest) < size
            self.note(JOURNAL, _unwritable(self.root / JOURNAL, error))

    def write(self, path: str, content: str | bytes) -> None:
        """Write *content* to *path*, relative to the folder, whole or not at all; text as UTF-8, surrogates as escapes.

        Raises ``UsageError`` for a path that is not of the layout, and if it cannot be written.
        """
        raw = content if isinstance(content, bytes) else content.encode(errors="backslashreplace")
        try:
            if not _is_of_layout(path):
                raise UsageError(f"{path!r} is no path of the artifacts folder's layout.")
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.parent.resolve() != target.parent:
                raise UsageError(
                    f"{target.parent} leads out of the artifacts folder.",
                    hint="Remove the symbolic link, or choose another folder with --artifacts DIR.",
                )
            self._register(path)
            part = target.with_name(target.name + _PART)
            part.unlink(missing_ok=True)
            try:
                with part.open("xb") as file:
                    file.write(raw)
                part.replace(target)
            except OSError:
                part.unlink(missing_ok=True)  # the half that was written may fill the disk that the next file needs
                raise
        except OSError as error:
            raise _unwritable(self.root / path, error) from error
        self._written.add(path)

    def keep(self, path: str, content: str | bytes | Callable[[], str | bytes]) -> None:
        """``write`` *content* or its result. An error becomes one of the ``problems``, and so does a bug of ours in *content*."""
        try:
            self.write(path, content() if callable(content) else content)
        except HarnessError as error:
            self.note(path, error)
        except Exception as error:  # noqa: BLE001 - the other reports are written all the same
            text = "".join(traceback.format_exception(error))
            self.note(path, HarnessError(f"A bug in the harness: {path} could not be made.", "Please report it.", text))

    def adopt(self, name: str) -> Path:
        """Register the folder *name* within this one, for the artifacts of one backend's run, and return its path."""
        if not _is_of_layout(f"{name}/"):
            raise UsageError(f"{name!r} is no name for the folder of a run.")
        self._register(f"{name}/")
        return self.root / name

    def write_reports(self, report: RunReport, verdict: Verdict, *, prefix: str = "", strict: bool = False) -> None:
        """Write the SQL, replays and JUnit of *report*; JUnit comes last and includes what could not be written before it.

        *prefix* and *strict* as in ``junit.build``. Call ``write_summary`` after this and after all other files.
        """
        self.keep(QUERIES, lambda: sql.queries_text(report.queries))
        if report.shown_warnings:
            self.keep(WARNINGS, lambda: warnings.text(report.shown_warnings))
        for path, text in itertools.chain(sql.files(report), replay.files(report)):
            self.keep(path, text)
        known = with_unwritten(verdict, self.problems)
        self.keep(JUNIT, lambda: junit.build(report, known, prefix=prefix, strict=strict))

    def write_summary(self, report: RunReport, verdict: Verdict) -> Verdict:
        """Write ``trace.json`` and ``summary.json``. Returns the run's final verdict: *verdict* with all that could not be
        written.
        """
        self.keep(TRACE, lambda: trace.build([(report.asked.backend if report.asked else "", report)]))
        known = with_unwritten(verdict, self.problems)
        self.keep(SUMMARY, lambda: summary.build(report, known))
        return with_unwritten(verdict, self.problems)

    def append_step_summary(self, path: Path, markdown: str) -> None:
        """Add *markdown* to the step summary of GitHub Actions at *path*, which is not part of the folder."""
        try:
            with path.open("ab") as file:
                file.write(markdown.encode(errors="backslashreplace"))
        except OSError as error:
            self.note(str(path), _unwritable(path, error))

    def _begin(self, has_journal: bool, spares_runs: bool) -> None:
        """Clear what the lock file lists as ours, then begin the journal."""
        mine = _read_lock(self._lock)
        for name in _AT_THE_TOP:
            if name not in mine and os.path.lexists(self.root / name):
                raise UsageError(
                    f"The artifacts folder {self.root} holds a {name} that no run here is known to have written.",
                    hint="Choose another folder with --artifacts DIR, or move the file away.",
                )
        runs = sorted(path for path in mine if path.endswith("/"))
        for name in () if spares_runs else runs:
            _clear_run(self.root / name)
        _clear(self.root, mine)
        os.ftruncate(self._lock, 0)
        os.lseek(self._lock, 0, os.SEEK_SET)
        for name in runs if spares_runs else ():
            self._register(name)
        if has_journal:
            self._register(JOURNAL)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._journal = os.open(self.root / JOURNAL, flags, 0o666)
            self._written.add(JOURNAL)

    def _register(self, path: str) -> None:
        """List *path* in the lock file as ours, before it is made."""
        if path not in self._made:
            os.write(self._lock, os.fsencode(path + "\n"))
            self._made.add(path)


def condensed(folder: str, paths: Sequence[str]) -> list[str]:
    """*paths* below *folder* on one line: the files at the top, then the folders."""
    names = dict.fromkeys(path if "/" not in path else f"{path.partition('/')[0]}/" for path in paths)
    listed = sorted(names, key=lambda name: name.endswith("/"))
    return [f"{folder}/: {', '.join(listed)}"] if listed else []


def _is_of_layout(path: str) -> bool:
    """Whether *path* is of the layout: a file at the top or in one of its folders, or a run's folder with a slash."""
    first, slash, name = path.partition("/")
    parts = name.split("/") if first == COLLECTED else [name]
    if any("/" in part for part in parts) or {first, *parts} & {".", ".."} or (len(parts) > 1 and "" in parts):
        return False
    if not path.isprintable() or path.endswith(_PART):
        return False
    if not slash:
        return path in _AT_THE_TOP
    return first in _FOLDERS if name else bool(first) and first not in _FOLDERS


def _read_lock(lock: int) -> set[str]:
    """The paths of the layout that the lock file of *lock* names."""
    text = os.fsdecode(os.pread(lock, os.fstat(lock).st_size, 0))
    return {line for line in text.split("\n") if _is_of_layout(line)}


def _clear(root: Path, mine: set[str]) -> None:
    """Remove the files *mine*, and the folders that are empty then."""
    for path in sorted(path for path in mine if not path.endswith("/")):
        _remove_file(root / path)
        _remove_file(root / (path + _PART))
    nested = {str(parent) for path in mine if path.startswith(f"{COLLECTED}/") for parent in Path(path).parents}
    for folder in sorted(nested, key=len, reverse=True):
        if folder != ".":
            _remove_folder(root / folder)
    for folder in _FOLDERS:
        _remove_folder(root / folder)


def _clear_run(folder: Path) -> None:
    """Remove the files of an earlier run on one backend from *folder*. Raises ``BlockingIOError`` while a run writes there."""
    if folder.is_symlink():
        return
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(folder.resolve(), _read_lock(lock))
        _remove_file(folder.resolve() / LOCK)
    finally:
        os.close(lock)
    _remove_folder(folder)


def _remove_file(path: Path) -> None:
    """Remove *path* if it is a file or a link, unless a link is part of its folder's path."""
    if path.parent.resolve() == path.parent:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            path.unlink()


def _remove_folder(path: Path) -> None:
    """Remove a folder if it is empty and no link."""
    with contextlib.suppress(OSError):  # it does not exist, is a link, or holds files that are not ours
        path.rmdir()


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"Cannot write to {path}: {error.strerror or error}.",
        hint="Choose a folder that can be written with --artifacts DIR.",
    )
