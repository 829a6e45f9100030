"""Chooses the framework that runs the tests: pytest where the project is set up for it, else Django's runner.

``choose`` decides; ``evidence`` looks at the project's files and the installed packages, and imports none of them.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import ProjectError
from ...protocol.events import FrameworkChosen
from ...protocol.messages import FrameworkChoice, RunSpec
from ..failures import project_root
from ..project.label_names import place_of
from ..pytest_detection import not_collected
from ..pytest_detection.config import Collection, files, read
from ..text import source_of

OLDEST = 8
"""The oldest major version of pytest that the runner can use."""
INSTALL = 'Install it with the tests, or by [tool.harness] extra_install = ["pytest", "pytest-django"].'
_SETS_DJANGO_UP = re.compile(r"\bdjango\.setup\(|\bsettings\.configure\(|\bfrom django import .*\bsetup\b")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts that decide. ``configured`` names the project's configuration of pytest, empty for none; ``pytest`` and
    ``pytest_django`` are the versions that are installed, empty for none. ``sets_django_up``: a ``conftest.py`` does, without
    pytest-django. ``has_options``: the user gives options for pytest.
    """

    asked: FrameworkChoice = "auto"
    has_bootstrap: bool = False
    has_options: bool = False
    configured: str = ""
    pytest: str = ""
    pytest_django: str = ""
    sets_django_up: bool = False


def choose(known: Evidence) -> FrameworkChosen:
    """The framework and the reason. Raises ``ProjectError`` where the user asks for a pytest that is not there or is too old."""
    if known.asked == "django":
        return FrameworkChosen("django", 'framework = "django"')
    if known.asked == "auto" and known.has_bootstrap:
        return FrameworkChosen("django", "bootstrap has the project's own command")
    if known.asked == "pytest" or known.has_options:
        reason = 'framework = "pytest"' if known.asked == "pytest" else "options for pytest are given"
        if obstacle := _obstacle(known):
            hint = INSTALL if not known.pytest else f"Name pytest>={OLDEST} in the project's requirements."
            raise ProjectError(f"The run is for pytest ({reason}), but {obstacle}.", hint)
        return _pytest(known, _fitting(known) if known.asked == "auto" and known.configured else reason)
    if not known.configured:
        return FrameworkChosen("django", "no configuration of pytest")
    if obstacle := _obstacle(known) or _gap(known):
        return FrameworkChosen("django", f"{known.configured} is there, but {obstacle}")
    return _pytest(known, _fitting(known))


def advice(chosen: FrameworkChosen, known: Evidence) -> str:
    """The text of a notice where Django's runner runs a project that is set up for pytest; empty for none."""
    if chosen.framework == "pytest" or known.asked != "auto" or known.has_bootstrap or not known.configured:
        return ""
    return (
        f"Django's runner runs the tests: {chosen.reason}. {INSTALL}"
        ' framework = "django" in [tool.harness] stays with Django\'s runner.'
    )


def evidence(spec: RunSpec, top: Path) -> Evidence:
    """The facts about the project in the working directory; *top* is the uppermost folder that may have its configuration."""
    if spec.framework == "django" or (spec.framework == "auto" and spec.bootstrap):
        return Evidence(spec.framework, bool(spec.bootstrap))  # decided: the project's files need no look
    folder, configured = setup_of_pytest(Path.cwd(), top)
    pytest_django = _version("pytest-django")
    is_set_up = not pytest_django and any(_SETS_DJANGO_UP.search(source_of(file)) for file in _conftests(folder))
    return Evidence(
        spec.framework,
        bool(spec.bootstrap),
        bool(spec.pytest_args),
        configured,
        _version("pytest"),
        pytest_django,
        sets_django_up=is_set_up,
    )


def setup_of_pytest(here: Path, top: Path) -> tuple[Path, str]:
    """The folder of the project's configuration of pytest, and its name: pytest looks in *here*, then in the folders above.

    A ``conftest.py`` counts where no folder has a configuration. Without either, *here* and an empty name.
    """
    folders = [here, *(each for each in here.parents if each.is_relative_to(top))]
    for folder in folders:
        if source := read(folder).source:
            return folder, source
    for folder in folders:
        if (folder / "conftest.py").is_file():
            return folder, "conftest.py"
    below = next(_conftests(here), None)
    return here, below.relative_to(here).as_posix() if below else ""


def left_out_by_pytest(spec: RunSpec) -> str:
    """The notice about tests for Django's runner in files that pytest does not collect; empty for none, and where the user
    chooses tests.
    """
    if (
        spec.labels
        or spec.replay
        or any("python_files" in word or "::" in word or "/" in word for word in spec.pytest_args)
    ):
        return ""
    here = Path.cwd()
    collection = read(setup_of_pytest(here, Path(project_root()))[0])
    return not_collected.notice(not_collected.count_not_collected(here, collection), collection)


def calls_pytest(runner: str) -> bool:
    """Whether the class *runner*, as ``TEST_RUNNER`` names it, calls ``pytest.main``. Its module is read, not imported."""
    place = place_of(runner)
    if place is None or place.file is None or len(place.rest) != 1:
        return False
    try:
        tree = ast.parse(source_of(Path(place.file)))
    except (SyntaxError, ValueError):
        return False
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == place.rest[0]]
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "pytest"]
    names = {
        "pytest.main",
        *(each.asname or each.name for node in imported for each in node.names if each.name == "main"),
    }
    calls = (node for cls in classes for node in ast.walk(cls) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func) in names for call in calls)


def _fitting(known: Evidence) -> str:
    return f"{known.configured}, and pytest {known.pytest} is installed"


def _pytest(known: Evidence, reason: str) -> FrameworkChosen:
    packages = [("pytest", known.pytest), ("pytest-django", known.pytest_django)]
    return FrameworkChosen("pytest", reason, ", ".join(f"{name} {version}" for name, version in packages if version))


def _obstacle(known: Evidence) -> str:
    """Why the runner cannot run pytest at all, as a clause; empty if it can."""
    if not known.pytest:
        return "pytest is not installed where the tests run"
    if int(known.pytest.partition(".")[0]) < OLDEST:
        return f"pytest {known.pytest} is installed, and the harness runs pytest {OLDEST} and later"
    return ""


def _gap(known: Evidence) -> str:
    """Why pytest alone could not test a Django project, as a clause; empty if it can."""
    if known.pytest_django or known.sets_django_up:
        return ""
    return "pytest-django is not installed, and no conftest.py sets Django up"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _conftests(folder: Path) -> Iterator[Path]:
    return (folder / file for file in files(folder, Collection()) if Path(file).name == "conftest.py")
