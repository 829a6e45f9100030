"""The notices on files that stay on this machine."""

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.project.files import Listing, list_files
from harness.host.run.files import left_behind
from harness.host.run.files.left_behind import LeftBehind
from harness.protocol.events import AttemptFinished, Event, RunAborted, TopologyFound
from harness.protocol.results import Failure, Outcome
from harness.protocol.topology import Topology

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in the folder ``shop`` of a repository, which ignores the usual files."""
    root = tmp_path / "repository" / "shop"
    touch(root, "manage.py", "config/settings.py", "locale/de/django.po")
    (root.parent / ".gitignore").write_text(".env\n*.mo\nlocal_settings.py\nbuild/\n")
    subprocess.run(["git", "init", "-q"], cwd=root.parent, check=True)
    return root


def config_of(project: Path, **changes: object) -> Config:
    config = load({"project": str(project), "settings": "config.settings"}, {}, project)
    return dataclasses.replace(config, **changes)  # type: ignore[arg-type]  # the fields' types are the tests' business


def texts(config: Config, *events: Event) -> list[str]:
    seen = LeftBehind(config)
    for event in events:
        seen.take(event)
    return [notice.text for notice in seen.notices()]


def failed(*missing: str) -> AttemptFinished:
    failure = Failure("error", "FileNotFoundError", "", "", missing_files=missing)
    return AttemptFinished("t", 1, Outcome.ERRORED, 0.1, failures=(failure,))


TOPOLOGY = TopologyFound(Topology(()), "config.settings", "3.13", "5.2")


class TestBeforeARun:
    def test_a_complete_project_has_no_notice(self, project: Path) -> None:
        assert not list(left_behind.incomplete(project, list_files(project)))

    def test_submodules_and_a_sparse_checkout_have_their_command(self, tmp_path: Path) -> None:
        listing = Listing((), submodules=("libs/x",), not_checked_out=("a", "b", "c", "d", "e"))
        first, second = left_behind.incomplete(tmp_path, listing)
        assert first.text.endswith("git submodule update --init libs/x")
        assert "leaves out a, b, c and 2 more: git sparse-checkout disable" in second.text

    def test_pointers_of_git_lfs(self, project: Path) -> None:
        (project / "logo.png").write_text(POINTER)
        (project / "note.txt").write_text("about " + POINTER)
        (notice,) = left_behind.incomplete(project, list_files(project))
        assert "the content of logo.png: the tests get pointers. git lfs pull" in notice.text

    def test_links_that_lead_out_of_the_copy(self, project: Path) -> None:
        touch(project.parent, "shared/x.py")
        (project / "shared").symlink_to("../shared")
        (project / "absolute").symlink_to(project / "manage.py")
        (project / "dangling").symlink_to("../nowhere")
        (project / "system").symlink_to("/etc/hostname")
        listing = list_files(project)
        one, other = sorted(notice.text for notice in left_behind.incomplete(project, listing))
        assert f"shared: a link out of {project}. [tool.harness] root brings {project.parent}" in one
        assert "system: a link to a place of this machine" in other
        assert not list(left_behind.incomplete(project, listing, is_copied=False))

    def test_a_large_project_and_files_that_cannot_be_read(self, project: Path) -> None:
        touch(project, "media/film")
        os.truncate(project / "media" / "film", left_behind.LARGE_BYTES)
        listing = dataclasses.replace(list_files(project), unreadable=("secret",))
        unreadable, large = left_behind.incomplete(project, listing)
        assert "secret: this user cannot read them" in unreadable.text
        assert "4 files, 500 MB, of which media has 500 MB" in large.text


class TestAfterAFailure:
    def test_an_ignored_file_is_named_with_its_key(self, project: Path) -> None:
        touch(project, ".env", "static/build/app.js")
        names = (".env", "static/build", "static/build/app.js", "config", "manage.py", "no/such")
        assert texts(config_of(project), failed(*names)) == [
            f'{name} is here, but git ignores it: [tool.harness] include = ["{name}"] brings it to the tests.'
            for name in (".env", "static/build", "static/build/app.js")
        ]
        config = config_of(project, include=(".env", "static/build"))
        assert not texts(config, failed(*names))

    def test_a_file_beside_the_project_needs_root(self, project: Path) -> None:
        touch(project.parent, "shared.json")
        (text,) = texts(config_of(project), failed("../shared.json"))
        assert text.startswith("../shared.json is here, but outside of")
        assert 'root = ".." brings it' in text

    def test_patterns_are_seen_from_the_project_below_root(self, project: Path) -> None:
        touch(project.parent, ".env", "shop/.env")
        found = texts(config_of(project, root=project.parent), failed(".env", "shop/.env"))
        assert ['include = ["../.env"]' in found[0], 'include = [".env"]' in found[1]] == [True, True]

    def test_files_that_settings_go_on_without(self, project: Path) -> None:
        touch(project, ".env", "config/local_settings.py")
        aborted = RunAborted(ExitCode.PROJECT, "SECRET_KEY must not be empty", evidence="Traceback")
        found = texts(config_of(project), aborted)
        assert [text.partition(" ")[0] for text in found] == [".env", "config/local_settings.py"]
        assert not texts(config_of(project), TOPOLOGY, aborted)
        others = (
            RunAborted(ExitCode.SERVERS, "x", evidence="x"),
            RunAborted(ExitCode.PROJECT, "no such label"),
            RunAborted(ExitCode.PROJECT, "no module", evidence="Traceback", missing_files=("requests.py",)),
        )
        for other in others:
            assert not texts(config_of(project), other)

    def test_compiled_messages_are_told_if_a_test_failed(self, project: Path) -> None:
        touch(project, "locale/de/django.mo")
        (text,) = texts(config_of(project), failed())
        assert "locale/de/django.mo: the tests get untranslated texts." in text
        assert 'before = ["python manage.py compilemessages"]' in text
        assert not texts(config_of(project, include=("**/*.mo",)), failed())
        assert not texts(config_of(project), AttemptFinished("t", 1, Outcome.PASSED, 0.1))
