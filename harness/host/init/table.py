"""Writes findings: ``[tool.harness]`` as TOML into ``pyproject.toml``, and a workflow for GitHub."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import ExitCode, ProjectError, UsageError
from harness.host.config.load import PYPROJECT, SECTION
from harness.host.init.evidence import Found
from harness.host.init.findings import Findings, look_at
from harness.host.init.own_table import without_table

WORKFLOW = Path(".github") / "workflows" / "harness.yml"
_WORKFLOW_TEXT = """\
name: Harness

on:
  push:
    branches: [{branch}]
  pull_request:

permissions: {{}}

concurrency:
  group: harness-${{{{ github.ref }}}}
  cancel-in-progress: true

jobs:
  tests:
    name: Tests
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0
        with:
          python-version: "3.13"
      - run: pip install django-ci-harness
      - run: harness ci{arguments}
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
        if: always()
        with:
          name: harness
          path: {artifacts}
          include-hidden-files: true
          if-no-files-found: error
"""


def run_init(project: Path, *, only_print: bool, workflow: bool, force: bool) -> ExitCode:
    """Look at *project*, and write the files or print them. Raises ``UsageError`` rather than replace unasked."""
    findings = look_at(project)
    if not findings.has_django:
        raise ProjectError(
            f"{project} is no Django project that can be configured: it has no manage.py, and no file names a settings module.",
            hint=" ".join(
                ["Run harness init in the folder of manage.py, or name it with --project.", *findings.notes[-1:]]
            ),
        )
    table = render(findings)
    top = repository(project)
    plan = {top / WORKFLOW: workflow_text(project, top, findings.backends)} if workflow else {}
    if only_print:
        print("\n".join([table, *plan.values()]), end="")
        return ExitCode.GREEN
    for path in plan:
        if path.exists() and not force:
            raise UsageError(f"{path} is there already.", hint="--force replaces it.")
    path = project / PYPROJECT
    content = path.read_bytes() if path.is_file() else b""
    plan = {path: inserted(content, table, path, force=force), **plan}
    for each, text in plan.items():
        each.parent.mkdir(parents=True, exist_ok=True)
        each.write_bytes(text.encode())
    print(summary(findings, [str(each.relative_to(top)) for each in plan]))
    return ExitCode.GREEN


def render(findings: Findings) -> str:
    """``[tool.harness]`` and its tables, each key below a comment with its source."""
    lines = [f"[{SECTION}]"]
    if not findings.found:
        lines.append("# the defaults fit: harness init found nothing to add")
    tables = [f"{each.table}" for each in findings.found]
    for table in dict.fromkeys(["", *tables]):
        if table:
            lines += ["", f"[{SECTION}.{table}]"]
        source = ""
        for each in (one for one in findings.found if one.table == table):
            if each.where != source or not table:
                lines.append(f"# {_one_line(each.where)}")
            source = each.where
            lines.append(f"{_key(each.key)} = {_toml(each.value)}")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return textwrap.shorten(plain, 110, placeholder=" ...")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _toml(value: str | tuple[str, ...]) -> str:
    """*value* in TOML: JSON's strings are TOML's, but for the character DEL."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    line = f"[{', '.join(map(_toml, value))}]"
    if len(line) <= 100:
        return line
    return "\n".join(["[", *(f"    {_toml(each)}," for each in value), "]"])


def inserted(content: bytes, table: str, path: Path, *, force: bool) -> str:
    """The text of *path*, whose bytes are *content*, with *table* behind it; with *force* in place of its own table.

    All other characters stay. Raises ``UsageError`` for a table that is there without *force*, and for a file that cannot be
    read, or whose own form of the table cannot be replaced.
    """
    try:
        text = content.decode()
        before = tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} cannot be read.", hint="Correct the file.", evidence=str(error)) from error
    if "harness" in before.get("tool", {}):
        if not force:
            raise UsageError(
                f"[{SECTION}] is in {path} already.",
                hint="--force replaces it, --print shows the new one and writes nothing.",
            )
        text = without_table(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    start = text if not text or text.endswith("\n") else text + newline
    gap = newline if start and not start.endswith(newline * 2) else ""
    whole = start + gap + table.replace("\n", newline)
    try:
        is_kept = _others(tomllib.loads(whole)) == _others(before)
    except ValueError:
        is_kept = False
    if not is_kept:
        raise UsageError(
            f"{path} has its tables in a form to which [{SECTION}] cannot be added.",
            hint="harness init --print shows the table, to be added by hand.",
        )
    return whole


def _others(document: dict[str, Any]) -> dict[str, Any]:
    """*document* without our table, and without a table ``tool`` that holds no other."""
    tools = {name: value for name, value in document.get("tool", {}).items() if name != "harness"}
    rest = {name: value for name, value in document.items() if name != "tool"}
    return {**rest, "tool": tools} if tools else rest


def repository(project: Path) -> Path:
    """The folder of the repository around *project*, or *project* itself."""
    return next((folder for folder in (project, *project.parents) if (folder / ".git").exists()), project)


def workflow_text(project: Path, top: Path, backends: Sequence[str]) -> str:
    """A workflow that runs ``harness ci`` for *project* in the repository *top*, on each of several *backends*."""
    head = top / ".git" / "HEAD"
    branch = "master" if head.is_file() and head.read_text("utf-8", "replace").strip().endswith("/master") else "main"
    folder = project.relative_to(top).as_posix()
    arguments, artifacts = ("", ".harness/") if folder == "." else (f' --project "{folder}"', f"{folder}/.harness/")
    if len(backends) > 1:
        arguments += "".join(f" --db {name}" for name in backends)
    return _WORKFLOW_TEXT.format(branch=branch, arguments=arguments, artifacts=json.dumps(artifacts))


def summary(findings: Findings, written: list[str]) -> str:
    """The result of the command: what was found, what was written, and the next command."""
    return "\n".join(
        [
            *_rows(findings.found),
            *(f"note: {each}" for each in findings.notes),
            f"Wrote {' and '.join(written)}.",
            "Next: harness plan shows what a run starts; harness ci runs the tests.",
        ]
    )


def _rows(found: tuple[Found, ...]) -> Iterator[str]:
    names = [f"{each.table}.{each.key}" if each.table else each.key for each in found]
    width = max(map(len, names), default=0)
    for name, each in zip(names, found, strict=True):
        value = each.value if isinstance(each.value, str) else " ".join(each.value)
        shown = textwrap.shorten(value, 50, placeholder=" ...") or '""'
        yield f"{name:<{width}}  {shown}  ({_one_line(each.where)})"
    if not found:
        yield "The defaults fit: nothing is needed."
