"""The files of a project, with real repositories, and their tar."""

import io
import os
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness.errors import ExitCode, ProjectError, UsageError
from harness.host.project.files import (
    RUNNER_UID,
    fingerprints,
    list_files,
    missing_submodules,
    project_files,
    project_tar,
)

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

    def test_an_absolute_link_into_the_project_becomes_relative(self, repository: Path) -> None:
        (repository / "shop" / "link").symlink_to(repository / "manage.py")
        (member,) = [each for each in _packed(repository, ["shop/link"]) if each.issym()]
        assert member.linkname == "../manage.py"

    def test_an_environment_stays_behind_unless_git_tracks_it(self, repository: Path) -> None:
        names = ["venv/pyvenv.cfg", "venv/lib/django.py", "assets/node_modules/left/pad.js", ".tox/py/x.py"]
        _write(repository, *names, "venv.py", "conda/conda-meta/history", "conda/lib.py")
        assert set(project_files(repository)) & {*names, "conda/lib.py", "venv.py"} == {"venv.py"}
        _git(repository, "add", ".")
        assert set(names) < set(project_files(repository))

    def test_a_submodule_without_gitmodules_is_named(self, repository: Path, tmp_path: Path) -> None:
        library = tmp_path / "library"
        _write(library, "lib.py")
        _git(library, "init", "-q")
        _git(library, "add", ".")
        _git(library, "commit", "-qm", "first")
        _git(library, "clone", "-q", ".", str(repository / "vendor" / "library"))
        _git(repository, "add", "vendor/library")
        assert list_files(repository).submodules == ()
        shutil.rmtree(repository / "vendor" / "library" / ".git")
        assert "vendor/library/lib.py" in project_files(repository)
        (repository / "vendor" / "library" / "lib.py").unlink()
        assert list_files(repository).submodules == ("vendor/library",)
        assert missing_submodules(repository) == ["vendor/library"]

    def test_a_worktree_has_its_own_files(self, repository: Path, tmp_path: Path) -> None:
        _git(repository, "worktree", "add", "-q", str(tmp_path / "other"))
        _write(tmp_path / "other", "new.py", "debug.log")
        assert set(project_files(tmp_path / "other")) == {
            ".gitignore",
            "manage.py",
            "new.py",
            "shop/models.py",
            "shop/été.txt",
        }

    def test_files_that_a_sparse_checkout_leaves_out_are_known(self, repository: Path) -> None:
        _git(repository, "sparse-checkout", "set", "--no-cone", "/*.py")
        listing = list_files(repository)
        assert listing.names == ("manage.py",)
        assert set(listing.not_checked_out) == {".gitignore", "shop/models.py", "shop/été.txt"}

    def test_a_file_in_conflict_is_listed_once(self, repository: Path) -> None:
        for branch in ("one", "other"):
            _git(repository, "checkout", "-qB", branch, "-f", "HEAD" if branch == "one" else "HEAD~1")
            (repository / "manage.py").write_text(branch)
            _git(repository, "commit", "-qam", branch)
        with pytest.raises(subprocess.CalledProcessError):
            _git(repository, "merge", "one")
        assert project_files(repository).count("manage.py") == 1

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


def test_files_with_odd_names_and_kinds_are_packed(tmp_path: Path) -> None:
    names = ["-dash", " space ", "new\nline", "quote\"'", os.fsdecode(b"latin-\xe9"), "d/" * 60 + "x" * 200]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        listed = project_files(tmp_path)
    assert set(listed) == {*names, "loop"}
    assert {member.name for member in _packed(tmp_path, listed) if not member.isdir()} == {*names, "loop"}


def test_files_that_cannot_be_read_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, "manage.py", "secret")
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "secret")  # root may read everything
    listing = list_files(tmp_path)
    assert (listing.names, listing.unreadable) == (("manage.py",), ("secret",))


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

    @pytest.mark.parametrize("pattern", ["media", "media/", "media/**", "./media", "media/../media/*", "**/media"])
    def test_a_folder_is_carried_whole(self, repository: Path, pattern: str) -> None:
        _write(repository, "media/a/logo.png", "media/b.txt")
        assert {"media/a/logo.png", "media/b.txt"} <= set(project_files(repository, include=[pattern]))

    def test_artifacts_stay_behind_all_the_same(self, repository: Path) -> None:
        _write(repository, "media/a.txt", "media/out/b.txt")
        assert "media/out/b.txt" not in project_files(repository, [Path("media/out")], ["media"])

    def test_any_depth_means_no_environment_and_no_cache(self, repository: Path) -> None:
        _write(repository, ".venv/pyvenv.cfg", ".venv/lib/a.mo", "node_modules/b.mo", "media/c.mo", ".git/d.mo")
        assert [name for name in project_files(repository, include=["**/*.mo"]) if name.endswith("mo")] == [
            "media/c.mo"
        ]
        names = project_files(repository, include=["node_modules", ".venv/**/*.mo", ".git"])
        assert {"node_modules/b.mo", ".venv/lib/a.mo", ".git/HEAD"} <= set(names)

    def test_a_file_behind_a_link_has_its_own_path(self, repository: Path, tmp_path: Path) -> None:
        _write(repository, "media/app.js")
        _write(tmp_path, "outside/x.js")
        (repository / "static").symlink_to("media")
        (repository / "shared").symlink_to(tmp_path / "outside")
        names = project_files(repository, include=["static/app.js"])
        assert {"static", "media/app.js"} <= set(names)
        assert "static/app.js" not in names
        with pytest.raises(UsageError, match="behind a link"):
            project_files(repository, include=["shared/x.js"])

    def test_patterns_start_from_the_project_below_root(self, repository: Path) -> None:
        _write(repository, "shop/debug.log", "debug.log")
        names = project_files(repository, include=["*.log", "../*.log"], folder=repository / "shop")
        assert {"shop/debug.log", "debug.log"} <= set(names)

    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            ("no/such/*.mo", "which fits no file in"),
            ("empty", "which fits folders without files in"),
            ("../x", "leads out"),
            ("a/../../x", "leads out"),
            ("/etc/passwd", "leads out"),
        ],
    )
    def test_a_pattern_that_cannot_serve_is_refused(self, repository: Path, pattern: str, message: str) -> None:
        (repository / "empty").mkdir()
        with pytest.raises(UsageError) as caught:
            project_files(repository, include=[pattern])
        assert caught.value.exit_code == ExitCode.USAGE
        assert message in caught.value.message
        assert repr(pattern) in caught.value.message

    @pytest.mark.parametrize(
        ("pattern", "near"),
        [
            (".envv", "Did you mean '.env'?"),
            ("media/biuld", "Did you mean 'media/build'?"),
            ("medai/build/app.js", "Did you mean 'media/build/app.js'?"),
            ("x", "Correct the pattern"),
        ],
    )
    def test_the_nearest_file_is_named(self, repository: Path, pattern: str, near: str) -> None:
        _write(repository, ".env", "media/build/app.js")
        with pytest.raises(UsageError) as caught:
            project_files(repository, include=[pattern])
        assert caught.value.hint.startswith(near)
