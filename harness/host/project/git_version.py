"""The versions that builds take from git: files reach an image without ``.git``, so variables have them.

Also the next steps after an installation that failed, by its output. Asks git, and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from harness.host import programs
from harness.host.project.files import GIT_DEADLINE_S
from harness.host.project.installers import CHECK_CONSTRAINTS
from harness.host.project.packaging_files import PackagingFiles

PLUGINS: Mapping[str, str] = {
    "setuptools-scm": "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{}",
    "flit-scm": "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{}",
    "hatch-vcs": "SETUPTOOLS_SCM_PRETEND_VERSION",  # it does not say its package's name to setuptools-scm
    "pdm-backend": "PDM_BUILD_SCM_VERSION",
    "pbr": "PBR_VERSION",
    "poetry-dynamic-versioning": "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "uv-dynamic-versioning": "UV_DYNAMIC_VERSIONING_BYPASS",
}
"""The plugins that ask git for a version, and the variable that sets it, where possible for one package alone."""

FIRST_VERSION = "0.1.dev0"
"""The version of a project without a tag, as setuptools-scm begins."""

_OUTDATED = (
    (r"needs to be updated, but `--locked`|Failed to parse `uv\.lock`", "uv.lock", "uv lock"),
    (r"since poetry\.lock was last generated|poetry\.lock is not compatible", "poetry.lock", "poetry lock"),
    (r"Please run `pdm lock`", "pdm.lock", "pdm lock"),
    (r"Pipfile\.lock is out-of-date", "Pipfile.lock", "pipenv lock"),
)
_UNREACHABLE = re.compile(
    r"(?i)could not resolve host|name or service not known|temporary failure in name resolution|name resolution|dns error"
    r"|connection refused|NewConnectionError|connect timeout|could not read username|authentication failed"
    r"|repository .* not found|does not appear to be a git repository|40[134] (client error|unauthorized|forbidden|not found)"
    r"|failed to fetch|failed to clone|git operation failed|unable to access|all attempts to connect"
)
_NO_VERSION = re.compile(r"(?i)(detect|determine|find|get|infer)\b.{0,60}\bversion\b(?! that)|version\b.{0,60}\bgit\b")
_URL = re.compile(r"(?:https?|ssh|git|file)://[^\s'\"`<>()]+|git@[^\s'\"`<>()]+")


def variables(root: Path, names: Iterable[str]) -> dict[str, str]:
    """The variables with git's version for the packages among the files *names* of *root* whose build asks git for it."""
    folders = {
        PurePosixPath(name).parent for name in names if PurePosixPath(name).name in ("pyproject.toml", "setup.py")
    }
    found = {variable for folder in sorted(folders) if (variable := _variable(PackagingFiles(root / folder)))}
    return dict.fromkeys(sorted(found), version(root)) if found else {}


def variables_of_tests(root: Path) -> dict[str, str]:
    """The variables of the package in *root* for code that asks git as it is imported, and names no package then."""
    plugin = _plugin(PackagingFiles(root))
    return {PLUGINS[plugin].removesuffix("_FOR_{}"): version(root)} if plugin else {}


def version(root: Path) -> str:
    """The version of the nearest tag, ``1.2.post3`` three commits after it; ``FIRST_VERSION`` without tags or git."""
    command = ["git", "-c", "safe.directory=*", "describe", "--tags", "--long", "--match", "*[0-9]*"]
    tag = r"(?:[\w./-]+[-/])?[a-zA-Z]*(\d+(?:\.\d+)*(?:\.?(?:a|b|rc|post|dev)\d+)*)"
    match = re.fullmatch(rf"{tag}-(\d+)-g\w+", programs.answer(command, GIT_DEADLINE_S, root).strip())
    if match is None:
        return FIRST_VERSION
    return match[1] if match[2] == "0" else f"{match[1]}.post{match[2]}"


def next_step(root: Path, command: str, output: str) -> str:
    """The next step after *command* failed with *output*; empty if the output shows no known reason."""
    for pattern, lock, mend in _OUTDATED:
        if re.search(pattern, output):
            return f"{lock} does not fit the project's declarations: run '{mend}' and commit {lock}."
    if command.endswith(CHECK_CONSTRAINTS):
        return (
            "A version in the lock breaks a constraint of pip. Leave it out of pip_constraints, PIP_CONSTRAINT or pip's own"
            " configuration, or lock a version that it allows."
        )
    plugin, variable = _plugin(PackagingFiles(root)), _variable(PackagingFiles(root))
    if plugin and _NO_VERSION.search(output):
        return (
            f"The project's files come without .git, where {plugin} finds the version. Give it one:"
            f' [tool.harness] install = ["{variable}=1.0 {command}"].'
        )
    if match := _UNREACHABLE.search(output):
        nearest = [*_URL.findall(output[: match.end()])[-1:], *_URL.findall(output[match.end() :])[:1]]
        place = nearest[0] if nearest else "A source of packages"
        return (
            f"{place} could not be reached, or refused the build, which has no SSH key. An index's password can come from"
            " UV_INDEX_NAME_PASSWORD or POETRY_HTTP_BASIC_NAME_PASSWORD, its certificate from ca_certificates, a wheel from"
            " pip_find_links."
        )
    return ""


def _plugin(files: PackagingFiles) -> str:
    """The one of ``PLUGINS`` that the package of *files* is built with; empty for none."""
    requires = map(str, files.table("build-system").get("requires", ()))
    in_cfg = files.setup_cfg.get("options", "setup_requires", fallback="")
    text = " ".join([*requires, in_cfg, files.text("setup.py")])
    text = re.sub(r"[-_.]+", "-", text.lower()).replace("use-scm-version", "setuptools-scm")
    return next((name for name in PLUGINS if re.search(rf"(?<![\w-]){name}(?![\w-])", text)), "")


def _variable(files: PackagingFiles) -> str:
    """The variable for the version of the package of *files*; empty where its build does not ask git."""
    plugin = _plugin(files)
    if not plugin:
        return ""
    in_setup_py = re.search(r"\bname\s*=\s*['\"]([\w.-]+)", files.text("setup.py"))
    in_cfg = files.setup_cfg.get("metadata", "name", fallback="")
    name = str(files.table("project").get("name") or in_cfg or (in_setup_py[1] if in_setup_py else ""))
    variable = PLUGINS[plugin].format(re.sub(r"[-_.]+", "_", name).upper())
    return variable.removesuffix("_FOR_")
