"""The cache of migrated seeds as one run uses it: what it remembers, what it finds, and the job of the saver at its end."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from harness import __version__
from harness.errors import HarnessError
from harness.host.cache import cache_folder, private_folder
from harness.host.config.options import Config
from harness.host.launch.conversation import Runner
from harness.host.platform import Seed
from harness.host.project.files import project_files
from harness.host.saving.commands import FOLDER, cache_name
from harness.host.saving.job import Job, SavedFile, SavedServer
from harness.host.seeds import decision, store
from harness.host.seeds.decision import Choice, End, Parts
from harness.host.seeds.memory import LastRun, Memory, fingerprint, identity
from harness.host.seeds.seed import FILE_PART, servers_of
from harness.host.seeds.store import Store
from harness.protocol.events import DatabasesReady, Event, Notice, TopologyFound
from harness.protocol.messages import Route, SeedFile, SeedFound
from harness.protocol.seed_events import SeedFileSaved, SeedRefuted, SeedUsed, SeedWanted


def open_cache(config: Config, on_notice: Callable[[Notice], None]) -> SeedCache | None:
    """The cache of a run with *config*; ``None`` where it uses none, and with a notice where its folder cannot be used."""
    if not config.cache or config.keepdb or cache_folder(os.environ) == Path(os.devnull):
        return None
    try:
        return SeedCache(config, private_folder(os.environ, FOLDER), on_notice)
    except HarnessError as error:
        on_notice(Notice("no-cache", f"{error.message} The databases of this run are not cached. {error.hint}"))
        return None


class SeedCache:
    """Takes the events of a run that are about seeds. Nothing here ends a run: a cache that fails is a miss.

    *on_notice* gets the reason where the databases of SQLite are not kept.
    """

    def __init__(self, config: Config, folder: Path, on_notice: Callable[[Notice], None]) -> None:
        self._config = config
        self._folder = folder
        self._on_notice = on_notice
        self._store = Store(folder, config.cache_size)
        self._memory = Memory(folder)
        self._topology: TopologyFound | None = None
        self._wanted: SeedWanted | None = None
        self._used: SeedUsed | None = None
        self._files: list[SeedFileSaved] = []
        self.choice = Choice("miss", "no key was asked for")

    @property
    def name(self) -> str:
        """The name of the cache on an engine, by which its volumes are found."""
        return cache_name(self._folder)

    def take(self, event: Event) -> None:
        """Keep what is needed of *event*."""
        match event:
            case TopologyFound():
                self._topology = event
            case SeedWanted():
                self._wanted = event
            case SeedUsed():
                self._used = event
            case SeedFileSaved():
                self._files.append(event)
            case SeedRefuted():
                self._store.remove(event.key)

    def remembered(self) -> TopologyFound | None:
        """The topology of the last run, if its files have not changed since."""
        last = self._last
        return last.topology if last is not None and last.fingerprint == self._fingerprint else None

    def remembered_parts(self, sources: Mapping[str, str]) -> Parts:
        """The seed of the last run's key on servers of these *sources*, if it is whole."""
        key = self._last.key if self._last is not None else ""
        return self._store.parts(key, servers_of(sources)) if key else {}

    @cached_property
    def _last(self) -> LastRun | None:
        return self._memory.read(self._identity)

    def choose(self, sources: Mapping[str, str]) -> Choice:
        """The answer to the run's ``SeedWanted``; *sources* are the programs of the primary servers."""
        assert self._wanted is not None
        choice = decision.choose(self._wanted, sources, self._store.all(), self._last)
        if choice.parts and not all(map(store.is_whole, choice.parts.values())):
            self.forget(choice.parts)
            choice = Choice("miss", "the cached databases were torn or changed")
        for part in choice.parts.values():
            self._store.use(part)
        self.choice = choice
        return choice

    def forget(self, parts: Parts) -> None:
        """Remove the seed with *parts*."""
        for part in parts.values():
            self._store.remove(*part.manifest.seed)

    def refute(self, reason: str) -> None:
        """Remove the seed that was chosen: no server starts from it."""
        self.forget(self.choice.parts)
        self.choice = Choice("miss", reason)

    def found(self) -> SeedFound:
        """The choice as the runner takes it. Raises ``OSError`` or ``ValueError`` for a file that cannot be read any more."""
        choice = self.choice
        if not choice.parts:
            return SeedFound(choice.state, reason=choice.reason)
        parts = choice.parts.values()
        manifest = next(iter(parts)).manifest
        files = (
            SeedFile(name.removeprefix(FILE_PART), base64.b64encode(b"".join(store.content(part))).decode())
            for name, part in choice.parts.items()
            if name.startswith(FILE_PART)
        )
        slots = min(part.manifest.slots for part in parts)
        return SeedFound(choice.state, manifest.key, manifest.migrations, slots, choice.reason, tuple(files))

    def end(self, databases: DatabasesReady, *, has_lost_server: bool) -> End:
        """The state of the run for ``decision.is_worth_saving``."""
        return End(
            key=self._used.key if self._used else "",
            state=self._used.state if self._used else "miss",
            slots=self._wanted.slots if self._wanted else 0,
            found=min((part.manifest.slots for part in self.choice.parts.values()), default=0),
            are_templates_ready=bool(databases.databases),
            has_lost_server=has_lost_server,
        )

    @property
    def may_save(self) -> bool:
        """Whether the templates that are ready now may be worth saving: what the servers have is noted then."""
        end = self.end(DatabasesReady(()), has_lost_server=False)
        return bool(end.key) and (end.state != "hit" or end.slots > end.found)

    def remember(self) -> None:
        """Remember the run for the next one, if its templates were made."""
        if self._topology is not None and self._used is not None:
            wanted = self._wanted
            near = wanted.key if wanted and self._used.state == "near" else ""
            parts = wanted.parts if wanted else ()
            last = LastRun(self._fingerprint, self._topology, self._used.key, near, parts)
            self._memory.write(self._identity, last)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[str]:
        """A folder for the files that a runner on this machine saves, for the time of the block."""
        try:
            made = tempfile.mkdtemp(suffix=store.TORN_ENDING, dir=self._folder)
        except OSError:  # the runner's error says which one
            made = str(self._folder / "missing")
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def fetch_files(self, runner: Runner) -> tuple[SavedFile, ...] | None:
        """The files of SQLite that the runner has saved, brought here; ``None``, and a notice, if one could not be brought, or is
        not as it was saved: tests can write where it was.
        """
        saved: list[SavedFile] = []
        for event in self._files:
            try:
                content = _only_file(runner, event.path)
                if hashlib.sha256(content).hexdigest() != event.digest:
                    raise ValueError("its saved template was changed while the tests ran")
                with tempfile.NamedTemporaryFile(suffix=store.TORN_ENDING, dir=self._folder, delete=False) as file:
                    saved.append(SavedFile(FILE_PART + event.alias, file.name))
                    file.write(content)
            except (HarnessError, OSError, tarfile.TarError, ValueError) as error:
                discard(saved)
                text = error.message if isinstance(error, HarnessError) else str(error)
                reason = f"{event.alias}: {text.removesuffix('.')}."
                self._on_notice(Notice("not-cached", f"The databases are not cached. {reason}"))
                return None
        return tuple(saved)

    def job(self, servers: tuple[SavedServer, ...], files: tuple[SavedFile, ...]) -> Job:
        """The work of the saver, without the run that it ends."""
        assert self._wanted is not None
        assert self._used is not None
        return Job(
            folder=str(self._folder),
            limit=self._config.cache_size,
            cache=self.name,
            project=str(self._config.project),
            key=self._used.key,
            base=self._wanted.base,
            migrations=self._wanted.migrations,
            slots=self._wanted.slots,
            servers=servers,
            files=files,
        )

    @cached_property
    def _identity(self) -> str:
        config = self._config
        options = (config.db, config.django, config.settings, config.bootstrap, config.script, config.runner)
        return identity((config.project.name, *options, config.framework, sorted(config.env)))

    @cached_property
    def _fingerprint(self) -> str:
        config = self._config
        names: list[str] = []
        with contextlib.suppress(HarnessError):  # the run itself reports it
            names = project_files(config.root, [config.artifacts_root], config.include, config.project)
        return f"{__version__} {fingerprint(config.root, names, config.settings)}"


def seeds_of(parts: Parts) -> dict[str, Seed]:
    """The seed of each primary server in *parts*, as a platform takes it."""
    return {
        name: Seed(part.digest, part.manifest.size, lambda part=part: store.content(part))  # type: ignore[misc]  # the default binds this iteration's value
        for name, part in parts.items()
        if not name.startswith(FILE_PART)
    }


def discard(files: Iterable[SavedFile]) -> None:
    """Remove *files*, which are not saved after all."""
    for each in files:
        Path(each.path).unlink(missing_ok=True)


def templates_of(databases: DatabasesReady, routes: tuple[Route, ...]) -> dict[str, tuple[str, ...]]:
    """The names of the templates on each server."""
    server_of = {route.alias: route.server for route in routes}
    names: dict[str, dict[str, None]] = {}
    for database in databases.databases:
        if (server := server_of.get(database.alias)) is not None:
            names.setdefault(server, {})[database.template] = None
    return {server: tuple(templates) for server, templates in names.items()}


def _only_file(runner: Runner, path: str) -> bytes:
    archive = runner.archive(path)
    if archive is None:
        raise FileNotFoundError("its saved template is gone")
    with tempfile.TemporaryFile() as whole:
        for piece in archive:
            whole.write(piece)
        whole.seek(0)
        with tarfile.open(fileobj=whole) as tar:
            for member in tar:
                if member.isreg() and (content := tar.extractfile(member)) is not None:
                    return content.read()
    raise FileNotFoundError("its saved template is gone")
