"""The files of a project, with real repositories, and their tar."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness.errors import ExitCode, ProjectError, UsageError
from harness.host.project.files import (
    RUNNER_UID,
    fingerprints,
    left_behind,
    missing_files,
    missing_submodules,
    project_files,
    project_tar,
)
from harness.protocol.events import AttemptFinished, Failure, Outcome, RunAborted

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@b.test", "-c", "protocol.file.allow=always")


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *IDENTITY, *words], cwd=folder, check=True, capture_output=True)


def _write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    _write(root, "manage.py", "shop/models.py", ".gitignore", "shop/été.txt")
    (root / ".gitignore").write_text("*.log\n/media/\n")
    _git(root, "init", "-q")
    _git(root, "add", ".")
    _git(root, "commit", "-qm", "first")
    return root


def _packed(root: Path, names: list[str], place: str = "") -> list[tarfile.TarInfo]:
    buffer = io.BytesIO()
    project_tar(root, names, buffer, place)
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as tar:
        return list(tar)


class TestWithGit:
    def test_tracked_and_new_files_belong_ignored_ones_do_not(self, repository: Path) -> None:
        _write(repository, "new.py", "debug.log", "media/upload.png")
        assert project_files(repository) == [".gitignore", "manage.py", "new.py", "shop/models.py", "shop/été.txt"]

    def test_a_deleted_file_does_not_belong(self, repository: Path) -> None:
        (repository / "manage.py").unlink()
        assert "manage.py" not in project_files(repository)

    def test_a_project_in_a_subfolder_has_its_own_files_alone(self, repository: Path) -> None:
        _write(repository, "backend/manage.py", "backend/x.log")
        assert project_files(repository / "backend") == ["manage.py"]

    def test_artifacts_do_not_belong_though_not_ignored(self, repository: Path) -> None:
        _write(repository, ".harness/junit.xml", "out/junit.xml")
        names = project_files(repository, [Path(".harness"), repository / "out"])
        assert not [name for name in names if name.endswith("junit.xml")]

    def test_files_of_a_submodule_belong(self, repository: Path, tmp_path: Path) -> None:
        library = tmp_path / "library"
        _write(library, "lib.py")
        _git(library, "init", "-q")
        _git(library, "add", ".")
        _git(library, "commit", "-qm", "first")
        _git(repository, "submodule", "add", "-q", str(library), "vendor/library")
        _write(repository, "vendor/library/new.py")
        names = project_files(repository)
        assert {"vendor/library/lib.py", "vendor/library/new.py"} <= set(names)
        assert not [name for name in names if "/.git/" in name]

    def test_files_of_an_unregistered_repository_inside_belong(self, repository: Path) -> None:
        _write(repository, "plugin/code.py")
        _git(repository / "plugin", "init", "-q")
        assert "plugin/code.py" in project_files(repository)

    def test_links_stay_links_and_pipes_are_left_out(self, repository: Path) -> None:
        (repository / "current").symlink_to("shop")
        (repository / "broken").symlink_to("/nowhere")
        os.mkfifo(repository / "pipe")
        names = project_files(repository)
        assert {"current", "broken"} <= set(names)
        assert "pipe" not in names
        links = {member.name: member.linkname for member in _packed(repository, names) if member.issym()}
        assert links == {"current": "shop", "broken": "/nowhere"}

    def test_variables_of_a_git_hook_are_ignored(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_DIR", "/nowhere")
        monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
        assert "manage.py" in project_files(repository)

    def test_a_checkout_of_another_user_can_be_listed(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        assert "manage.py" in project_files(repository)

    def test_a_repository_that_git_cannot_read_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / ".git").write_text("gitdir: /nowhere\n")
        with pytest.raises(ProjectError) as caught:
            project_files(tmp_path)
        assert "/nowhere" in caught.value.evidence

    def test_all_files_of_an_ignored_folder_belong(self, repository: Path) -> None:
        _write(repository, "media/site/manage.py")
        assert project_files(repository / "media" / "site") == ["manage.py"]

    def test_submodules_that_were_not_fetched_are_named(self, tmp_path: Path) -> None:
        top = tmp_path / "repository"
        _write(top, ".git/HEAD", "app/manage.py", "app/libs/there/x.py")
        (top / "app" / "libs" / "empty").mkdir()
        lines = [
            f'[submodule "{name}"]\n\tpath = {name}\n'
            for name in ("app/libs/there", "app/libs/empty", "app/gone", "docs")
        ]
        (top / ".gitmodules").write_text("".join(lines))
        assert missing_submodules(top / "app") == ["libs/empty", "gone"]
        assert missing_submodules(top) == ["app/libs/empty", "app/gone", "docs"]
        assert missing_submodules(tmp_path) == []


def test_without_git_all_but_caches_and_environments_belong(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "manage.py",
        "shop/__pycache__/models.cpython-313.pyc",
        "stale.pyc",
        "node_modules/left/pad.js",
        "env/pyvenv.cfg",
        "env/lib/django.py",
        ".env",
    )
    (tmp_path / "linked").symlink_to("shop")
    assert project_files(tmp_path) == [".env", "linked", "manage.py"]


class TestTar:
    def test_a_place_is_a_folder_of_the_runner_too(self, tmp_path: Path) -> None:
        _write(tmp_path, "shop/models.py")
        packed = _packed(tmp_path, ["shop/models.py"], "home/runner/repository")
        place = "home/runner/repository"
        assert [member.name for member in packed] == [place, f"{place}/shop", f"{place}/shop/models.py"]
        assert {member.uid for member in packed} == {RUNNER_UID}

    def test_all_members_belong_to_the_runner(self, repository: Path) -> None:
        (repository / "manage.py").chmod(0o500)
        members = _packed(repository, project_files(repository))
        assert {(member.uid, member.gid) for member in members} == {(RUNNER_UID, RUNNER_UID)}
        assert [member.name for member in members if member.isdir()] == ["shop"]
        assert next(member.mode for member in members if member.name == "manage.py") == 0o700

    def test_a_file_with_two_names_is_packed_twice(self, repository: Path) -> None:
        os.link(repository / "manage.py", repository / "second.py")
        members = _packed(repository, ["manage.py", "second.py"])
        assert [(member.isreg(), member.size) for member in members] == [(True, 9), (True, 9)]

    def test_a_missing_file_is_left_out(self, repository: Path) -> None:
        assert [member.name for member in _packed(repository, ["gone.py", "manage.py"])] == ["manage.py"]

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "shop/../../secret"])
    def test_no_name_leads_out_of_the_project(self, repository: Path, name: str) -> None:
        with pytest.raises(ValueError, match="leads out"):
            _packed(repository, [name])


def test_a_fingerprint_is_of_the_content_or_the_links_target(repository: Path) -> None:
    (repository / "link").symlink_to("manage.py")
    names = ["link", "manage.py", "gone.py"]
    before = fingerprints(repository, names)
    assert sorted(before) == ["link", "manage.py"]
    (repository / "manage.py").write_text("other")
    after = fingerprints(repository, names)
    assert before["manage.py"] != after["manage.py"]
    assert before["link"] == after["link"]
    (repository / "link").unlink()
    (repository / "link").symlink_to("shop/models.py")
    assert fingerprints(repository, names)["link"] != after["link"]


class TestInclude:
    def test_files_that_git_ignores_are_carried(self, repository: Path) -> None:
        _write(repository, "media/a/logo.png", "media/b.txt", "debug.log")
        plain = project_files(repository)
        names = project_files(repository, include=["media/**/*.png", "*.log"])
        assert set(names) - set(plain) == {"media/a/logo.png", "debug.log"}

    def test_a_folder_is_carried_whole(self, repository: Path) -> None:
        _write(repository, "media/a/logo.png", "media/b.txt")
        assert {"media/a/logo.png", "media/b.txt"} <= set(project_files(repository, include=["media"]))

    def test_artifacts_stay_behind_all_the_same(self, repository: Path) -> None:
        _write(repository, "media/a.txt", "media/out/b.txt")
        assert "media/out/b.txt" not in project_files(repository, [Path("media/out")], ["media"])

    @pytest.mark.parametrize(
        ("pattern", "message"),
        [("no/such/*.mo", "which fits no file in"), ("../x", "leads out"), ("/etc/passwd", "leads out")],
    )
    def test_a_pattern_that_cannot_serve_is_refused(self, repository: Path, pattern: str, message: str) -> None:
        with pytest.raises(UsageError) as caught:
            project_files(repository, include=[pattern])
        assert caught.value.exit_code == ExitCode.USAGE
        assert message in caught.value.message
        assert repr(pattern) in caught.value.message


class TestLeftBehind:
    def test_an_ignored_file_that_the_tests_lacked(self, repository: Path) -> None:
        _write(repository, "debug.log", "media/x.png")
        names = {"debug.log", "media", "manage.py", "no/such"}
        assert left_behind(repository, names) == ["debug.log"]
        assert left_behind(repository, names, include=["*.log"]) == []

    def test_events_name_the_files(self) -> None:
        failure = Failure("error", "FileNotFoundError", "", "", missing_file="a/b.txt")
        assert missing_files(AttemptFinished("t", 1, Outcome.ERRORED, 0.1, failures=(failure,))) == {"a/b.txt"}
        assert missing_files(RunAborted(ExitCode.PROJECT, "x", missing_file=".env")) == {".env"}
        assert missing_files(RunAborted(ExitCode.PROJECT, "x")) == set()
