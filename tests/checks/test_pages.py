"""The pages, without running what they say: links, flags, configuration, and that each command is run by a test.

``tests/e2e/test_docs.py`` runs the commands.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from ci import bare_machine
from harness import __version__, subcommands
from harness.host import cache
from harness.host.config import load
from harness.host.config.options import OPTIONS
from tests.e2e import test_claims, test_docs
from tests.github_runner import read_yaml
from tests.markdown import ROOT, Block, all_blocks, anchors, blocks, code_spans, links, pages

PAGES = pages()
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
SHELLS = ("console", "bash", "sh", "shell")
VERBS = {
    "run": ("console",),
    "output": ("text",),
    "file": ("python", "text", "toml", "ini"),
    "append": ("python", "text", "toml"),
    "config": ("toml",),
    "workflow": ("yaml",),
    "gitlab": ("yaml",),
    "generated": ("toml",),
    "tree": ("text",),
}
_OF_PYTEST = """
    --collect-only --continue-on-collection-errors --cov --create-db --deselect --dist --doctest-modules --ds
    --exitfirst --ff --fixtures --group --ignore --import-mode --junitxml --lf -m --maxfail -n --nf
    --no-migrations -o --pdb --reruns --reuse-db -s --splits --stepwise --strict-markers --trace --tx -vv -x
"""
OF_OTHERS = dict.fromkeys(_OF_PYTEST.split(), "pytest")
"""Flags of other programs that the pages name; a flag of ours of the same name is none of them."""


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target} leads nowhere"
        assert linked.is_relative_to(ROOT), f"{target} leads out of the repository"
        if anchor:
            assert anchor in anchors(linked), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_block_says_what_is_to_be_done_with_it(page: Path) -> None:
    for block in blocks(page):
        assert block.language not in SHELLS or block.verb == "run", f"{block.where}: commands that no test runs"
        if block.verb:
            assert block.language in VERBS[block.verb], f"{block.where}: a {block.language} block to {block.verb}"


def test_every_scene_is_known() -> None:
    for block in all_blocks("run"):
        assert block.scene in test_docs.SCENES, block.where
        assert block.commands(), f"{block.where}: no command"


def test_the_commands_that_are_replaced_are_there() -> None:
    commands = {command for block in all_blocks("run") for command, _ in block.commands()}
    assert test_docs.INSTEAD.keys() <= commands


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_of_ours_parse(page: Path) -> None:
    told = [command for block in blocks(page) if block.verb == "run" for command, _ in block.commands()]
    told += [span for span in code_spans(page) if "..." not in span and "|" not in span]
    for command in told:
        words = shlex.split(command) if command.startswith("harness ") else []
        if words and words[1] in subcommands.harness.commands and words[1:] != ["images"]:
            parse(words[1:])


def parse(words: Sequence[str]) -> None:
    """Raises what click raises for a flag, a command or an argument that is not there."""
    group: click.Command = subcommands.harness
    context = group.make_context("harness", list(words), resilient_parsing=False)
    while isinstance(group, click.Group):
        name, command, words = group.resolve_command(context, list(words))
        assert command
        group = command
        if isinstance(command, click.Group):
            context = command.make_context(name, list(words), parent=context)
    group.make_context(name, list(words), parent=context)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_flags_exist(page: Path) -> None:
    known = {flag for option in OPTIONS for flag in option.flags} | {*flags_of(subcommands.harness)} | {*OF_OTHERS}
    known |= {*flags_of(bare_machine.main)}
    for span in code_spans(page):
        if re.match(r"-{1,2}[a-z]", span):
            assert re.split(r"[ =\[]", span)[0] in known, f"{span} is no flag"


def flags_of(command: click.Command) -> Any:
    """The flags of a command and of its subcommands."""
    with click.Context(command) as context:
        for parameter in command.get_params(context):
            yield from parameter.opts
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        yield from flags_of(below)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_keys_and_variables_exist(page: Path) -> None:
    variables = {option.variable for option in OPTIONS} | {"HARNESS_NO_DOCKER", cache.VARIABLE}
    for name in re.findall(r"\bHARNESS_[A-Z_]+\b", page.read_text("utf-8")):
        assert name in variables, f"{name} is no variable"


@pytest.mark.parametrize("block", all_blocks("config"), ids=lambda block: block.where)
def test_configuration_is_taken(block: Block, tmp_path: Path) -> None:
    for name in block.argument.split():
        (tmp_path / name).touch()
    (tmp_path / "pyproject.toml").write_text(block.text)
    loaded = load.load({}, {}, tmp_path, need_settings=False)
    assert "pyproject.toml" in {loaded.sources[option.key] for option in OPTIONS}


def test_scripts_that_are_named_can_be_run() -> None:
    for page in PAGES:
        for script in re.findall(r"(?<![\w/.])(?:\./)?(ci/\w+)\b(?!\.)", "\n".join(code_spans(page))):
            path = ROOT / script
            assert path.is_file(), f"{page.name} names {script}"
            assert os.access(path, os.X_OK), f"{script} cannot be executed"


def test_files_that_are_named_are_there() -> None:
    for page in PAGES:
        for span in code_spans(page):
            if re.fullmatch(r"(harness|tests|images|docs)/[\w./-]+\.\w+", span) and "NAME" not in span:
                assert (ROOT / span).exists(), f"{page.name} names {span}"


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    named = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}
    wanted = {page for folder in ("tutorial", "how-to", "reference", "explanation") for page in _below(folder)}
    assert wanted <= named


def test_the_index_of_design_notes_has_every_note_and_title() -> None:
    text = (ROOT / "docs" / "design" / "README.md").read_text()
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", text, re.MULTILINE)
    notes = [note for note in _below("design") if note.name != "README.md"]
    assert listed == [(note.read_text().splitlines()[0].removeprefix("# "), note.name) for note in notes]


def _below(folder: str) -> list[Path]:
    return sorted((ROOT / "docs" / folder).glob("*.md"))


def test_each_row_of_the_comparison_is_held_by_a_test() -> None:
    text = (ROOT / "README.md").read_text()
    tables = [table.split("\n\n")[0] for table in text.split("| | `manage.py test --parallel` |")[1:]]
    rows = [re.split(r" ?\| ?", line)[1] for table in tables for line in table.splitlines()[2:]]
    assert rows == list(test_claims.HELD_BY)
    for tests in test_claims.HELD_BY.values():
        for name in tests:
            path, _, function = name.partition("::")
            assert re.search(rf"def {function}\(", (ROOT / path).read_text()), f"{name} is not there"


def test_pinned_actions_are_those_of_our_own_workflows() -> None:
    """Ours too: a reader pins the release that he uses, whose commit no page of it can know."""
    files = [path for path in (ROOT / ".github").rglob("*.yml") if path.is_file()]
    pinned = {use for path in files for use in re.findall(r"uses: (\S+ # \S+)", path.read_text("utf-8"))}
    pinned |= {f"OWNER/django-ci-harness/{path}@{'0' * 40} # v{__version__}" for path in _own(files)}
    shown = {use for page in PAGES for use in re.findall(r"uses: (\S+ # \S+)", page.read_text("utf-8"))}
    assert shown
    assert shown <= pinned


def _own(files: Iterable[Path]) -> Iterator[Path]:
    """The actions, and the workflows that can be called, as a workflow elsewhere names them."""
    for path in files:
        if path.name == "action.yml":
            yield path.parent.relative_to(ROOT)
        elif "workflow_call:" in path.read_text("utf-8"):
            yield path.relative_to(ROOT)


def test_every_input_and_output_of_actions_is_explained() -> None:
    text = (ROOT / "docs" / "how-to" / "github-actions.md").read_text("utf-8")
    for path in (".github/actions/harness/action.yml", ".github/workflows/django-tests.yml"):
        document = read_yaml(ROOT / path)
        declared = document if "runs" in document else document["on"]["workflow_call"]
        for name in (*declared["inputs"], *declared["outputs"]):
            assert f"`{name}`" in text, f"{name} of {path} is not explained"
