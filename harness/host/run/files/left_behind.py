"""The files of a project that stay on this machine: told before a run, and after a failure for want of one.

Reads the project's files and asks git; writes nothing.
"""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.errors import ExitCode
from harness.host.config.options import Config
from harness.host.project.files import Listing, list_files
from harness.protocol.events import LEFT_BEHIND, AttemptFinished, Event, Notice, RunAborted, TopologyFound
from harness.protocol.results import Outcome
from harness.report.model.text import listed

LARGE_BYTES = 500 << 20
LISTED = 3
_POINTER = b"version https://git-lfs.github.com/spec/"
"""The beginning of a pointer file: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""
_POINTER_BYTES = range(100, 1024)
_READ_BY_SETTINGS = (".env", "local_settings.py", "settings_local.py", "local.py", "secrets.py", "secrets.json")
"""Files beside settings that developers keep out of git. Settings often go on without them, and fail later."""


def carried(config: Config) -> Listing:
    """The files that the tests of *config* get; on this machine, those of the project. Raises as ``list_files``."""
    include = config.include if config.runner == "container" else ()
    return list_files(config.root, [config.artifacts_root], include, config.project)


def incomplete(root: Path, listing: Listing, *, is_copied: bool = True) -> Iterator[Notice]:
    """A notice for each kind of files that the tests may miss, or have in another form, with the command that mends it.

    *is_copied*: the tests get a copy of *root*. Without it, they run there.

    These are no errors: which files the tests need is not known, and documentation or media are often among them.
    """
    for folder in listing.submodules:
        text = f"{folder} is a git submodule that is not there: git submodule update --init {folder}"
        yield Notice("missing-submodule", text)
    if names := listing.not_checked_out:
        text = f"A sparse checkout leaves out {listed(names, LISTED)}: git sparse-checkout disable, or add the folder."
        yield Notice("sparse-checkout", text)
    pointers, links, sizes = _examined(root, listing.names)
    if pointers:
        text = f"Git LFS has not brought the content of {listed(pointers, LISTED)}: the tests get pointers."
        text += " git lfs pull brings it."
        yield Notice("lfs-pointers", text)
    if is_copied:
        yield from _not_copied(root, listing, links, sizes)


def _not_copied(root: Path, listing: Listing, links: Mapping[Path, list[str]], sizes: Counter[str]) -> Iterator[Notice]:
    """The notices on files that cannot be copied, or are copied at a cost; *links* and *sizes* are those of ``_examined``."""
    if unreadable := listing.unreadable:
        yield Notice(
            "unreadable-files", f"The tests do not get {listed(unreadable, LISTED)}: this user cannot read them."
        )
    for top, names in links.items():
        text = f"The tests cannot follow {listed(names, LISTED)}: "
        text += "a link" if len(names) == 1 else "links"
        if top == Path(top.anchor):
            text += " to a place of this machine. A copy, or a relative link, reaches them."
        else:
            text += f" out of {root}. [tool.harness] root brings {top}, which holds both."
        yield Notice("links-lead-out", text)
    if (size := sum(sizes.values())) >= LARGE_BYTES:
        folder, largest = sizes.most_common(1)[0]
        text = (
            f"The tests get a copy of {len(listing.names)} files, {size >> 20} MB, of which {folder} has {largest >> 20} MB."
            " What .gitignore names stays behind."
        )
        yield Notice("large-project", text)


def _examined(root: Path, names: Iterable[str]) -> tuple[list[str], dict[Path, list[str]], Counter[str]]:
    """The pointers of Git LFS among *names*, the links that lead out by the folder that holds both ends, and the bytes of each
    folder at the top.
    """
    pointers: list[str] = []
    links: dict[Path, list[str]] = {}
    sizes: Counter[str] = Counter()
    for name in names:
        path = root / name
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                target = Path(os.path.normpath(path.parent / path.readlink()))
                if not target.is_relative_to(root) and target.exists():
                    links.setdefault(Path(os.path.commonpath([root, target])), []).append(name)
                continue
            sizes[PurePosixPath(name).parts[0]] += found.st_size
            if found.st_size in _POINTER_BYTES:
                with path.open("rb") as content:
                    if content.read(len(_POINTER)) == _POINTER:
                        pointers.append(name)
        except OSError:
            continue  # it is gone since it was listed
    return pointers, links, sizes


@dataclass
class LeftBehind:
    """The events of a run, as far as they tell that the tests lacked a file that is on this machine."""

    config: Config
    names: set[str] = field(default_factory=set)
    has_settings: bool = False
    has_failed: bool = False

    def take(self, event: Event) -> None:
        match event:
            case TopologyFound():
                self.has_settings = True
            case AttemptFinished():
                self.names.update(name for failure in event.failures for name in failure.missing_files)
                self.has_failed |= event.outcome in (Outcome.FAILED, Outcome.ERRORED)
            case RunAborted():
                self.names.update(event.missing_files)
                # an error of the project's code, which names no place of a file or of a module
                is_unexplained = event.evidence and not event.missing_files
                if event.exit_code == ExitCode.PROJECT and not self.has_settings and is_unexplained:
                    self.names.update(_beside_settings(self.config))

    def notices(self) -> Iterator[Notice]:
        """A notice for each file that is here and stayed behind, and one for compiled messages if a test failed."""
        root, project = self.config.root, self.config.project
        here = sorted(name for name in self.names if (root / name).exists())
        if not here and not self.has_failed:
            return
        brought = set(carried(self.config).names)
        for name in here:
            if name.startswith("../"):
                yield from _outside(root, project, name)
            elif name not in brought and not _is_carried_folder(root / name, name, brought):
                shown = os.path.relpath(root / name, project)
                text = f"{shown} is here, but git ignores it: {_include(shown)} brings it to the tests."
                yield Notice(LEFT_BEHIND, text)
        if self.has_failed and (missing := _compiled_messages(root, brought)):
            script = f"python {self.config.script}" if self.config.script else "django-admin"
            text = (
                f"Git ignores the compiled messages here, {listed(missing, LISTED)}: the tests get untranslated texts."
                f' before = ["{script} compilemessages"] in [tool.harness] makes them, include = ["**/*.mo"] brings them.'
            )
            yield Notice(LEFT_BEHIND, text)


def _include(name: str) -> str:
    return f"[tool.harness] include = [{json.dumps(name, ensure_ascii=False)}]"


def _outside(root: Path, project: Path, name: str) -> Iterator[Notice]:
    """The notice for *name*, which lies beside *root*."""
    if root.parent != Path(root.anchor):
        shown, place = os.path.relpath(root / name, project), os.path.relpath(root.parent, project)
        text = f'{shown} is here, but outside of {root}: [tool.harness] root = "{place}" brings it to the tests.'
        yield Notice(LEFT_BEHIND, text)


def _is_carried_folder(path: Path, name: str, listed: set[str]) -> bool:
    """Whether *path* is a folder that has files which the tests get, or none at all."""
    if not path.is_dir():
        return False
    return any(each.startswith(f"{name}/") for each in listed) or not any(path.iterdir())


def _beside_settings(config: Config) -> Iterator[str]:
    """Places where settings look for files that git ignores, relative to the root."""
    workdir = config.project / (config.workdir or "")
    package = Path(*(config.settings or "").split(".")[:-1])
    folders = {config.root, config.project, workdir, workdir / package, config.project / "src" / package}
    for folder in folders:
        for name in _READ_BY_SETTINGS:
            if (folder / name).is_file():
                yield Path(os.path.normpath(folder / name)).relative_to(config.root).as_posix()


def _compiled_messages(root: Path, listed: set[str]) -> list[str]:
    """The compiled messages that are here and are not *listed*, though their sources are."""
    compiled = (f"{name[:-3]}.mo" for name in sorted(listed) if name.endswith(".po"))
    return [name for name in compiled if name not in listed and (root / name).is_file()]
