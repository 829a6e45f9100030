"""The images that a configuration asks for: one for each server, and the runner's with the project's dependencies.

Owns what a run needs, and that it is made side by side; ``builder`` beside this module makes each image.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import replace
from typing import TypeVar

from harness.host.config.databases import DbSpec, exact
from harness.host.config.djangos import check_python
from harness.host.config.frameworks import may_be_of_pytest
from harness.host.config.options import Config
from harness.host.config.servers import ServerConfig
from harness.host.engines import ENGINES
from harness.host.images.builder import ImageBuilder
from harness.host.images.project_spec import ProjectOptions
from harness.host.project import python_version
from harness.protocol.events import Notice

RUNNER = "runner"
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class ConfiguredImages:
    """The tags of the images of *config*, found or made by *builder*; a server's image only once.

    Every method raises ``ServerError`` for an image that can be neither found, pulled nor made.
    """

    def __init__(self, builder: ImageBuilder, config: Config) -> None:
        self._builder = builder
        self._config = config
        self._server = functools.cache(self._server_image)
        self._runner = ""

    def all(self, db: Iterable[DbSpec]) -> dict[str, str]:
        """The tags of the servers of *db*, by ``postgres:17``, and of the runner if it is a container, by ``RUNNER``; for
        several versions of Django, by that name with each.

        They are made side by side; an image that fails does not end the others.
        """
        jobs: dict[str, Callable[[], str]] = {
            str(spec): functools.partial(self._server, spec) for spec in servers_of(db)
        }
        if self._config.runner == "container":
            several = len(self._config.django) > 1
            for django in self._config.django or ("",):
                name = f"{RUNNER}, Django {django}" if several else RUNNER
                jobs[name] = functools.partial(self.runner, django)
        return side_by_side(jobs)

    def servers(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The tags of the servers by engine and version, made side by side."""
        jobs = {(name, version): functools.partial(self._server, DbSpec(name, version)) for name, version in wanted}
        return side_by_side(jobs)

    def runner(self, django: str) -> str:
        """The tag of the runner with the project's dependencies, and with *django* unless it is empty; without a Django
        project, of the runner alone. Raises ``UsageError`` for a Django that does not run on the configured Python.
        """
        config = self._config
        check_python(django, [config.python])
        self._runner = runner = self.runner_alone()
        if not has_project(config):
            return runner
        options = ProjectOptions(
            install=config.install,
            apt=config.apt,
            exclude=(config.artifacts_root,),
            extra=config.extra_install,
            engines=[spec.engine for spec in config.db],
            root=config.root,
            django=django,
            has_cache=config.package_cache,
        )
        return self._builder.project_image(runner, config.project, options)

    def runner_alone(self) -> str:
        """The tag of the runner without the project's dependencies."""
        config = self._config
        python = python_version.wanted(config.project, config.python)
        return self._builder.runner_image(python, config.python_source, config.project)

    def python_notice(self, *, is_plan: bool) -> Notice | None:
        """The notice on the source of the runner's Python, once ``runner`` was called: where it was copied from a machine,
        and in a plan also where the project asks for a version.
        """
        if not self._runner:
            return None
        (origin, is_copy), source = self._builder.python_of(self._runner), self._config.python_source
        if not is_copy and not (is_plan and source):
            return None
        asked = f" ({source})" if source else ""
        return Notice("python-from", f"Python {self._config.python}{asked} is that of {origin}.")

    def _server_image(self, spec: DbSpec) -> str:
        assert spec.version is not None
        server = self._config.servers.get(spec.engine, ServerConfig())
        return self._builder.server_image(ENGINES[spec.engine], spec.version, server.image, server.apt)


def servers_of(db: Iterable[DbSpec]) -> tuple[DbSpec, ...]:
    """The engines and versions of *db*, each once, without those that have no server."""
    return tuple(dict.fromkeys(replace(exact(spec), alias=None) for spec in db if spec.engine in ENGINES))


def has_project(config: Config) -> bool:
    """Whether *config* is that of a Django project."""
    # a script that chooses between settings names none, and its dependencies are the same for each of them
    if config.settings is not None or config.script or config.bootstrap:
        return True
    return may_be_of_pytest(config.project, config.framework, config.pytest_args)


def side_by_side(jobs: Mapping[_Key, Callable[[], _Value]]) -> dict[_Key, _Value]:
    """The results of *jobs* by name, all run at once; raises the exception of the first that fails.

    The threads end with the process, so that an interrupted run does not wait for a build: close the ``ImageBuilder``.
    """
    futures: dict[_Key, Future[_Value]] = {name: Future() for name in jobs}
    for name, job in jobs.items():
        threading.Thread(target=_run, args=(job, futures[name]), name=str(name), daemon=True).start()
    for done in as_completed(futures.values()):
        done.result()
    return {name: future.result() for name, future in futures.items()}


def _run(job: Callable[[], _Value], future: Future[_Value]) -> None:
    try:
        future.set_result(job())
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        future.set_exception(error)
