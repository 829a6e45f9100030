"""The task that the runner gets: the specification of a run, made of the configuration."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from harness.errors import UsageError
from harness.host.config import command_line
from harness.host.config.frameworks import pytest_args
from harness.host.config.options import DEFAULT, Config
from harness.host.project.entry import MANAGE_PY
from harness.host.project.settings_search import VARIABLE, suggestions
from harness.protocol.messages import RunSpec, TimeLimit
from harness.report.formats import replay

_REPLAY_HINT = "A run leaves such files in the folder replay of its artifacts, one for each failure."


def task(config: Config) -> RunSpec:
    """The task of a run with *config*. Raises ``UsageError`` for a file to replay that cannot be read, or that names no test."""
    return dataclasses.replace(
        entry(config),
        labels=config.labels,
        django_args=command_line.django_args(config),
        workers=config.parallel,
        timeout_s=config.timeout,
        is_timeout_given=config.sources["timeout"] != DEFAULT,
        timeouts=tuple(TimeLimit(pattern, seconds) for pattern, seconds in config.timeouts.items()),
        run_timeout_s=config.run_timeout,
        retries=config.retries,
        repeat=config.repeat,
        replay=_replay(config),
        check_isolation=config.check_isolation,
        mirrors=config.mirrors,
        lag=config.replica_lag,
        lag_check_s=config.lag_check or 0.0,
        legacy_discovery=config.legacy_discovery,
        doctest=config.doctest,
        cache=config.cache,
        cache_setup=config.cache_setup,
        verify_template=config.verify_template,
    )


def entry(config: Config, plan_only: bool = False) -> RunSpec:
    """The fields by which the runner loads the settings: commands, and the module that the user named or the script's."""
    is_named = config.sources["settings"] != MANAGE_PY
    return RunSpec(
        plan_only=plan_only,
        before=config.before,
        project=below(config.root, config.project),
        workdir=below(config.root, config.project / (config.workdir or "")),
        is_workdir_found=config.sources["workdir"] == MANAGE_PY,
        script=config.script,
        bootstrap=tuple(shlex.split(config.bootstrap or "")),
        settings=config.settings if is_named else None,
        django=config.run_django,
        framework=config.framework,
        pytest_args=pytest_args(config),
        is_settings_variable=config.sources["settings"] == VARIABLE,
        settings_advice="" if config.settings else " ".join(suggestions(config.project)),
    )


def below(root: Path, folder: Path) -> str:
    """*folder* as a path from *root*; empty for *root* itself."""
    return "" if folder == root else folder.relative_to(root).as_posix()


def _replay(config: Config) -> tuple[str, ...]:
    """The tests in the file of ``--replay``. Raises ``UsageError`` for a file that cannot be read, or that names none."""
    if config.replay is None:
        return ()
    try:
        tests = replay.parse(config.replay.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{config.replay} cannot be read: {error}", hint=_REPLAY_HINT) from error
    if not tests:
        raise UsageError(f"{config.replay} names no test.", hint=_REPLAY_HINT)
    return tests
