"""Brings files that the tests or pytest's plugins have written from the runner into the artifacts, as ``collected/``.

The archives come from the place where the tests ran: a name in them may be anything.
"""

from __future__ import annotations

import posixpath
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator

from harness.errors import HarnessError
from harness.host.launch.conversation import Runner
from harness.protocol.events import Event, Notice
from harness.report.artifacts import COLLECTED, Artifacts

MOST_FILES = 20_000
MOST_BYTES = 200_000_000
"""Limits of all files together."""


def collect(
    runner: Runner,
    written: Iterable[str],
    wanted: Iterable[str],
    artifacts: Artifacts,
    note: Callable[[Event], None],
    *,
    is_complete: bool,
) -> None:
    """Write the files and folders *written* and *wanted*, paths from the folder of all files, into *artifacts*.

    *wanted* are those that the user has named: a notice says which of them are not there, if the tests have run to their end.
    """
    left = [MOST_FILES, MOST_BYTES]
    wanted = list(wanted)
    for path in dict.fromkeys([*written, *wanted]):
        try:
            archive = runner.archive(path)
            if archive is None:
                if path in wanted and is_complete:
                    note(Notice("not-collected", f"collect names {path}, which is not there after the tests."))
                continue
            folder = "" if path.startswith("/") else posixpath.dirname(path)
            for name, content in files(archive, folder, left):
                artifacts.keep(f"{COLLECTED}/{name}", content)
        except (HarnessError, tarfile.TarError) as error:
            note(Notice("not-collected", f"{path} could not be collected: {error}"))
    if min(left) < 0:
        note(
            Notice(
                "not-collected", f"More than {MOST_FILES} files or {MOST_BYTES} bytes were written; the rest is lost."
            )
        )


def files(archive: Iterable[bytes], folder: str, left: list[int]) -> Iterator[tuple[str, bytes]]:
    """The regular files of a tar, each with its path below ``collected/``, where *folder* has the tar's own names.

    *left* are the numbers of files and bytes that may still come; negative numbers say that the end is missing.
    """
    with tempfile.TemporaryFile() as whole:
        for piece in archive:
            whole.write(piece)
        whole.seek(0)
        with tarfile.open(fileobj=whole) as tar:
            for member in tar:
                name = posixpath.normpath(posixpath.join(folder, member.name))
                if not member.isreg() or not name.isprintable() or name.startswith(("/", "../")):
                    continue
                left[0] -= 1
                left[1] -= member.size
                if min(left) < 0:
                    return
                content = tar.extractfile(member)
                assert content is not None  # it is a regular file
                yield name, content.read()
