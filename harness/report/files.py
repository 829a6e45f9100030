"""The artifacts folder: the only effects of this room.

Owns the layout of the folder, who may write there, and what an earlier run left that may be cleared. Each file is
written beside its place and moved into it, so that nobody ever reads half of one; the journal alone grows line by line.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType

from harness.contract import codec, naming
from harness.contract.events import Envelope
from harness.errors import UsageError
from harness.report import junit, replay, sql, summary
from harness.report.runreport import RunReport
from harness.report.verdict import Verdict

JUNIT = "junit.xml"
SUMMARY = "summary.json"
JOURNAL = "journal.ndjson"
QUERIES = "sql/queries.ndjson"
DIFFERENCES = "differences.md"
DEFAULT = ".harness"
LOCK = ".lock"
"""Held while a run writes here. Its lines are the files that the run made: the next run clears these and no others. A line
with a slash at its end is the folder of a run on one backend, which has a lock of its own.
"""

_FOLDERS = ("sql", "schema", "logs", "replay")
_PART = ".part"


class Artifacts:
    """An artifacts folder that this run has to itself, from ``open`` until ``close``; also a context manager."""

    def __init__(self, root: Path, lock: int) -> None:
        self.root = root
        self._lock = lock
        self._journal = -1
        self._made: set[str] = set()

    @classmethod
    def open(cls, folder: Path, *, has_journal: bool = True, spares_runs: bool = False) -> Artifacts:
        """Take *folder*, making it if need be, clear what an earlier run left there, and begin the journal.

        What is made of several runs *has_journal* not. ``spares_runs``: the folders of runs on one backend that are in it
        stay, since they are what the reports are made of.

        Raises ``UsageError`` if it cannot be written, another run holds it, or a file that is not ours is in the way.
        """
        lock = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            root = folder.resolve(strict=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            lock = os.open(root / LOCK, flags, 0o666)
            if os.fstat(lock).st_nlink != 1:
                raise OSError(errno.EMLINK, "the lock is a file with another name as well", str(root / LOCK))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            artifacts = cls(root, lock)
            artifacts._begin(has_journal, spares_runs)
            if folder.name == DEFAULT:
                _ignore(root)
        except BlockingIOError as error:
            os.close(lock)
            raise UsageError(
                f"Another run is writing to the artifacts folder {folder}.",
                hint="Give this run a folder of its own with --artifacts DIR, or wait until the other has ended.",
            ) from error
        except OSError as error:
            if lock >= 0:
                os.close(lock)
            raise _unwritable(folder, error) from error
        except UsageError:
            os.close(lock)
            raise
        return artifacts

    def __enter__(self) -> Artifacts:
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder. Safe to call twice."""
        for descriptor in (self._journal, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._journal = self._lock = -1

    @property
    def paths(self) -> tuple[str, ...]:
        """What this run wrote, relative to the folder, sorted."""
        return tuple(sorted(path for path in self._made if not path.endswith("/")))

    def append(self, line: bytes) -> None:
        """Add one event's line to the journal. It is the kernel's when this returns: the host's death loses nothing.

        A line that was torn is ended, so that what follows stays readable. Raises ``UsageError`` when the disk is full.
        """
        rest = memoryview(line if line.endswith(b"\n") else line + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._journal, rest) :]
        except OSError as error:
            raise _unwritable(self.root / JOURNAL, error) from error

    def record(self, envelope: Envelope) -> None:
        """Add an event of the host's own to the journal."""
        self.append(codec.encode(envelope).encode())

    def write(self, path: str, content: str | bytes) -> None:
        """Put *content* at *path*, relative to the folder, whole or not at all; text as UTF-8, surrogates as escapes.

        Raises ``UsageError`` for a path that is none of the layout's, and if it cannot be written.
        """
        raw = content if isinstance(content, bytes) else content.encode(errors="backslashreplace")
        try:
            target = self._place(path)
            self._register(path)
            part = target.with_name(target.name + _PART)
            part.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(part, flags, 0o666), "wb") as file:
                file.write(raw)
            part.replace(target)
        except OSError as error:
            raise _unwritable(self.root / path, error) from error

    def adopt(self, name: str) -> Path:
        """The folder called *name* within this one, for the artifacts of a run that is part of this."""
        if not _is_of_layout(f"{name}/"):
            raise UsageError(f"{name!r} is no name for the folder of a run.")
        self._register(f"{name}/")
        return self.root / name

    def write_schema(self, alias: str, text: str | bytes) -> None:
        """``schema/ALIAS.sql``: the test database's schema after migrations."""
        self.write(naming.schema_file(alias), text)

    def write_log(self, server: str, text: str | bytes) -> None:
        """``logs/SERVER.log``: what a server wrote."""
        self.write(naming.log_file(server), text)

    def write_reports(self, report: RunReport, verdict: Verdict, *, prefix: str = "", strict: bool = False) -> None:
        """Everything that is made from *report*: JUnit, SQL, summary. *prefix* and *strict* as in ``junit.build``.

        One that fails does not keep the others from being written; the first failure is raised after all.
        """
        steps: tuple[Callable[[], None], ...] = (
            lambda: self.write(JUNIT, junit.build(report, verdict, prefix=prefix, strict=strict)),
            lambda: self._write_sql(report),
            lambda: self._write_replays(report),
            lambda: self.write(SUMMARY, summary.build(report, verdict)),
        )
        errors: list[Exception] = []
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - raised below, when what can be saved is saved
                errors.append(error)
        if errors:
            raise errors[0]

    def _write_sql(self, report: RunReport) -> None:
        self.write(QUERIES, sql.queries_text(report.queries))
        for test_id, text in sql.files(report):
            self.write(naming.sql_file(test_id), text)

    def _write_replays(self, report: RunReport) -> None:
        for test_id, text in replay.files(report):
            self.write(naming.replay_file(test_id), text)

    def _begin(self, has_journal: bool, spares_runs: bool) -> None:
        """Clear what the lock file says is ours, then begin the journal."""
        mine = _read_lock(self._lock)
        for name in (JUNIT, SUMMARY, JOURNAL, DIFFERENCES):
            if name not in mine and os.path.lexists(self.root / name):
                raise UsageError(
                    f"The artifacts folder {self.root} holds a {name} that no run here is known to have written.",
                    hint="Choose another folder with --artifacts DIR, or move the file away.",
                )
        runs = sorted(path for path in mine if path.endswith("/"))
        if not spares_runs:
            for name in runs:
                _clear_run(self.root / name)
        _clear(self.root, mine)
        os.ftruncate(self._lock, 0)
        os.lseek(self._lock, 0, os.SEEK_SET)
        if spares_runs:
            for name in runs:
                self._register(name)
        if has_journal:
            self._register(JOURNAL)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._journal = os.open(self.root / JOURNAL, flags, 0o666)

    def _register(self, path: str) -> None:
        """Note that *path* is ours before it is made."""
        if path not in self._made:
            os.write(self._lock, os.fsencode(path + "\n"))
            self._made.add(path)

    def _place(self, path: str) -> Path:
        """Where *path* lies, its folder made. Raises ``UsageError`` if it would lie outside."""
        if not _is_of_layout(path):
            raise UsageError(f"{path!r} is no path of the artifacts folder's layout.")
        target = self.root / path
        target.parent.mkdir(exist_ok=True)
        if target.parent.resolve() != target.parent:
            raise UsageError(
                f"{target.parent} leads out of the artifacts folder.",
                hint="Remove the symbolic link, or choose another folder with --artifacts DIR.",
            )
        return target


def read_journal(path: Path) -> Iterator[Envelope]:
    """The events of a journal, without lines that were torn.

    Raises ``codec.CodecError`` for a whole line that is of another protocol.
    """
    with path.open("rb") as file:
        for line in file:
            try:
                envelope = codec.decode(line)
            except codec.CodecError as error:
                if isinstance(error.__cause__, json.JSONDecodeError | UnicodeDecodeError):
                    continue
                raise
            yield envelope


def append_step_summary(path: Path, markdown: str) -> None:
    """Add *markdown* to what GitHub Actions shows below a step. Raises ``UsageError`` if it cannot be written."""
    try:
        with path.open("ab") as file:
            file.write(markdown.encode(errors="backslashreplace"))
    except OSError as error:
        raise _unwritable(path, error) from error


def _is_of_layout(path: str) -> bool:
    """Whether *path* is one that a run may write: a file of the top, or one right below one of the folders."""
    parts = PurePosixPath(path).parts
    if path.endswith("/"):
        name = path[:-1]
        return len(parts) == 1 and name == parts[0] and name.isprintable() and name not in (".", "..", *_FOLDERS)
    if "/".join(parts) != path or not path.isprintable() or path.endswith(_PART):
        return False
    if len(parts) == 1:
        return path in (JUNIT, SUMMARY, JOURNAL, DIFFERENCES)
    return len(parts) == 2 and parts[0] in _FOLDERS and parts[1] not in (".", "..")


def _ignore(root: Path) -> None:
    """Let git leave out all that is in *root*; a file that is there stays."""
    with contextlib.suppress(FileExistsError), (root / ".gitignore").open("x") as file:
        file.write("*\n")


def _read_lock(lock: int) -> set[str]:
    """The paths of the layout that the lock file of *lock* names."""
    with os.fdopen(os.dup(lock), encoding="utf-8", errors="surrogateescape") as file:
        file.seek(0)
        return {line for line in file.read().split("\n") if _is_of_layout(line)}


def _clear(root: Path, mine: set[str]) -> None:
    """Remove the files *mine*, and the folders that nothing is left in."""
    for path in sorted(mine):
        if not path.endswith("/"):
            for name in (path, path + _PART):
                _remove_file(root, name)
    for folder in _FOLDERS:
        _remove_folder(root / folder)


def _clear_run(folder: Path) -> None:
    """Remove what an earlier run on one backend left in *folder*. Raises ``BlockingIOError`` while one writes there."""
    if folder.is_symlink():
        return
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(folder.resolve(), _read_lock(lock))
        _remove_file(folder.resolve(), LOCK)
    finally:
        os.close(lock)
    _remove_folder(folder)


def _remove_file(root: Path, path: str) -> None:
    """Remove *path* if it is a file or a link, in a folder that is no link."""
    target = root / path
    if target.parent.resolve() != target.parent:
        return
    try:
        if not stat.S_ISDIR(target.lstat().st_mode):
            target.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return


def _remove_folder(path: Path) -> None:
    """Remove a folder that nothing is left in."""
    try:
        if not path.is_symlink():
            path.rmdir()
    except OSError:
        return  # it is not there, or holds what is not ours


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"Cannot write to {path}: {error.strerror or error}.",
        hint="Choose a folder that can be written with --artifacts DIR.",
        evidence=str(error),
    )
