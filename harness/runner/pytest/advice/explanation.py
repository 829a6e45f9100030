"""Turns the exception that ended pytest into an error with the next step, and with the project's traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import CodeType, FrameType
from typing import Protocol

import pytest
from django.conf import settings

from ....errors import HarnessError, ProjectError, UsageError
from ....protocol.messages import RunSpec
from ... import unset_variables
from ...failures import FailureDescriber, causes, import_advice, message_of, project_root, project_traceback, type_name
from ...project import portability
from ...project.vendors import vendor_of
from .. import pytest_internals
from ..label_paths import known_ids
from . import selection, unknown_options
from .observer import Observer

ADDOPTS = "PYTEST_ADDOPTS"
_ARGPARSE = re.compile(r"^(?:\S+: )?error: (.+)$", re.MULTILINE)
_INIFILE = re.compile(r"^\s*(?:inifile|configfile): (.+)$", re.MULTILINE)
_PLUGIN = re.compile(r'Error importing plugin "([^"]+)"')
_REQUIRED = re.compile(r"Missing required plugins: (.+)")
_MINVERSION = re.compile(r"'minversion' requires pytest-([\w.]+)")

_EXPRESSION = re.compile(r"Wrong expression passed to '(-[mk])'")
_CALLS = {"Exit": "pytest.exit()", "Skipped": "pytest.skip()", "Failed": "pytest.fail()"}
"""The functions that raise pytest's exceptions."""


class SettingsLoader(Protocol):
    """The part of the handshake that knows the settings."""

    unset: dict[str, None]

    def explain_settings(self, error: BaseException) -> HarnessError: ...


@dataclass(frozen=True)
class Context:
    """The run that has ended: its task, its settings, the node ids of its arguments, and what was seen of it."""

    spec: RunSpec
    handshake: SettingsLoader
    node_ids: Sequence[str]
    observer: Observer


def explained(error: BaseException, context: Context) -> BaseException:
    """*error*, which ended pytest, as an error with the next step; itself if it is not the project's."""
    for each in causes(error):
        if isinstance(each, HarnessError):  # such as an interruption, which pytest took for an error of a module
            return each
    if not isinstance(error, Exception | SystemExit | KeyboardInterrupt | pytest_internals.OutcomeException):
        return error
    if isinstance(error, pytest_internals.ConftestImportFailure):
        place = FailureDescriber(project_root()).relative(str(error.path))
        return _of_import(error.cause, place, context)
    if type(error).__name__ == "PluginImportFailure" and error.__cause__ is not None:  # of pytest 9
        plugin = "A plugin" if str(error) == "pytest11" else f"The plugin {error}"
        return _of_import(error.__cause__, f"{plugin} of pytest", context)
    is_of_plugin = isinstance(error, ImportError) and _PLUGIN.match(message_of(error))  # of pytest 8
    if isinstance(error, pytest.UsageError) or is_of_plugin:
        return usage("\n".join(map(str, error.args)), context, error.__cause__)
    if (loading := _of_settings(error)) is not None:
        return _of_their_module(loading) or context.handshake.explain_settings(loading)
    return _of_project(error, context)


def usage(text: str, context: Context, cause: BaseException | None = None) -> HarnessError:
    """The error for pytest's usage error *text*, which *cause* led to."""
    text = text.replace(f"{project_root()}/", "").strip()
    cls = UsageError if _is_asked(text, context.spec) else ProjectError
    if options := unknown_options.unknown_options(text):
        place = "given after -- or in pytest_args" if cls is UsageError else f"named by {_configuration(text, options)}"
        return cls(
            f"pytest does not know {', '.join(options)}, {place}.",
            hint=unknown_options.advice(options, context.observer.options()),
            evidence=text,
        )
    if names := selection.not_found(text, context.node_ids):
        files = tuple(
            f"{name.partition('::')[0]}::" for name in names
        )  # pytest opens no class on the way to a function
        known = [*context.observer.node_ids(), *(each for each in known_ids() if each.startswith(files))]
        return selection.explained(names, known, context.observer.failed())
    if _PLUGIN.search(text):
        advice = cause is not None and import_advice(cause)
        hint = advice or "-p, addopts, PYTEST_PLUGINS, or pytest_plugins in a conftest.py names it."
        return cls(f"pytest: {text}", hint=hint, evidence="" if cause is None else project_traceback(cause))
    first, *others = (_ARGPARSE.findall(text) or [text])[0].splitlines() or ["usage error"]
    if first.endswith(":") and (rest := [line.strip() for line in others if line.strip()]):
        first, others = f"{first} {rest[0]}", others
    return cls(f"pytest: {first}", hint=_hint(text), evidence="\n".join(others))


def _of_import(error: BaseException, subject: str, context: Context) -> HarnessError:
    return ProjectError(
        f"{subject} cannot be imported: {type_name(type(error))}: {message_of(error)}",
        hint=import_advice(error) or _further(context),
        evidence=project_traceback(error),
    )


def _further(context: Context) -> str:
    return f"Does pytest itself come further?{unset_variables.unset_advice(tuple(context.handshake.unset))}"


def _of_their_module(error: BaseException) -> HarnessError | None:
    """The error for settings whose module is not there; ``None`` where *error* is another."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if not name or not f"{module}.".startswith(f"{name}."):
        return None
    return ProjectError(
        f"The settings {module} cannot be loaded: ModuleNotFoundError: {error}",
        hint="Correct the name: --settings, --ds, DJANGO_SETTINGS_MODULE in the configuration of pytest or in the environment."
        ' Or name the folder that has it: pythonpath = "src" in the configuration of pytest, as an example.',
    )


def _of_project(error: BaseException, context: Context) -> HarnessError:
    if settings.configured:
        vendors = [vendor_of(alias, str(config.get("ENGINE"))) for alias, config in _databases().items()]
        if explanation := portability.explain_import(error, vendors):
            return explanation
    name = _CALLS.get(type(error).__name__, type_name(type(error)))
    text = message_of(error).replace(f"{project_root()}/", "")
    verb = "called" if name.startswith("pytest.") else "raised"
    place = _place(error)
    is_told = type(error).__module__.startswith("pluggy.")  # by its text: its frames are pytest's own
    return ProjectError(
        f"pytest could not run the tests: {f'{place}, {verb} ' if place else ''}{name}{f': {text}' if text else ''}",
        hint=import_advice(error) or _further(context),
        evidence="" if is_told else project_traceback(error),
    )


def _databases() -> dict[str, dict[str, object]]:
    try:
        return dict(settings.DATABASES)
    except Exception:  # noqa: BLE001 - they are what failed
        return {}


def _of_settings(error: BaseException) -> BaseException | None:
    """The exception of the settings that *error* stands for; ``None`` if it comes from elsewhere.

    pytest-django raises an ``ImportError`` of its own in place of that of the settings.
    """
    frames = [frame.f_code for frame in _frames(error)]
    if frames and frames[-1].co_name == "_handle_import_error" and error.__context__ is not None:
        return error.__context__
    return error if any(_loads_settings(code) for code in frames) else None


def _loads_settings(code: CodeType) -> bool:
    file = code.co_filename
    return (file.endswith("django/conf/__init__.py") and code.co_name == "_setup") or file.endswith(
        "configurations/importer.py"
    )


def _place(error: BaseException) -> str:
    """The innermost place of the project in the traceback of *error*: ``conftest.py, line 2 in pytest_configure``."""
    relative = FailureDescriber(project_root()).relative
    node, found = error.__traceback__, ""
    while node is not None:
        file = node.tb_frame.f_code.co_filename
        if relative(file) != file and "site-packages" not in file:
            function = node.tb_frame.f_code.co_name
            found = f"{relative(file)}, line {node.tb_lineno}" + ("" if function == "<module>" else f" in {function}")
        node = node.tb_next
    return found


def _frames(error: BaseException) -> Iterator[FrameType]:
    node = error.__traceback__
    while node is not None:
        yield node.tb_frame
        node = node.tb_next


def _is_asked(text: str, spec: RunSpec) -> bool:
    """Whether *text* names an option that the user gave, and not the project's configuration."""
    words = [*spec.pytest_args, *(arg.partition("=")[0] for arg in spec.django_args if arg.startswith("-k"))]
    names = {word.partition("=")[0] if word.startswith("--") else word[:2] for word in words if word.startswith("-")}
    names |= {after for word, after in pairwise(words) if word == "-p"}
    names |= {word[2:] for word in words if re.match(r"-p\w", word)}
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)


def _configuration(text: str, options: Sequence[str]) -> str:
    """The place that names the unknown *options*."""
    if any(option in os.environ.get(ADDOPTS, "") for option in options):
        return ADDOPTS
    match = _INIFILE.search(text)
    return f"addopts of {match[1]}" if match and match[1] != "None" else "addopts"


def _hint(text: str) -> str:
    if match := _REQUIRED.search(text):
        packages = ", ".join(f'"{each.strip()}"' for each in match[1].split(", "))
        return f"Name them in the project's requirements, or: [tool.harness] extra_install = [{packages}]."
    if match := _MINVERSION.search(text):
        return f"Name pytest>={match[1]} in the project's requirements."
    if match := _EXPRESSION.search(text):
        return f'An expression has names, and, or, not, and parentheses: {match[1]} "cart and not (slow or old)".'
    return ""
