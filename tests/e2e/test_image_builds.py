"""Images made on the real engine: the runner's, small recipes, and a project's dependencies."""

import contextlib
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import ProjectError, ServerError
from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.images import provision, specs
from harness.host.images.build_environment import FILES_FOLDER, BuildEnvironment
from harness.host.images.builder import ImageBuilder
from harness.host.images.project_spec import ProjectOptions
from harness.host.images.recipe import Recipe
from harness.host.images.specs import Origin, Spec, Step
from tests.e2e.command import docker, stays
from tests.e2e.wheels import wheel

pytestmark = pytest.mark.docker
REPOSITORY = Path(__file__).parents[2]
HUSH = "hushhush"


class BuildLog(list[tuple[str, str]]):
    """The lines about the making of images, each with its image."""

    def __call__(self, image: str, line: str) -> None:
        self.append((image, line))

    @property
    def text(self) -> str:
        return "\n".join(line for _, line in self)


def _run(tag: str, command: str) -> str:
    return docker("run", "--rm", tag, "sh", "-c", command)


@contextlib.contextmanager
def _builder(build_log: BuildLog, environment: BuildEnvironment | None = None) -> Iterator[ImageBuilder]:
    with (
        contextlib.closing(connect()) as client,
        ImageBuilder(client, build_log, lambda: environment or BuildEnvironment()) as made,
    ):
        yield made


@pytest.fixture
def build_log() -> BuildLog:
    return BuildLog()


@pytest.fixture
def builder(build_log: BuildLog) -> Iterator[ImageBuilder]:
    with _builder(build_log) as made:
        yield made


@pytest.fixture(scope="module")
def runner() -> str:
    with _builder(BuildLog()) as made:
        return made.runner_image("3.13")


@pytest.fixture
def own() -> Iterator[str]:
    """A name for images of one test alone; whatever was made under it is removed."""
    name = f"test{secrets.token_hex(4)}"
    yield name
    listed = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    for tag in listed:
        if name in tag:
            docker("image", "rm", tag)


@pytest.fixture
def no_trace() -> Iterator[None]:
    """No container and no volume is left by what the test does."""
    before = _left()
    yield
    assert stays(_left, before) == set()


def _left() -> set[str]:
    listed = docker("ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.Command}}").splitlines()
    return {
        *(line for line in listed if "-install " in line or "test-build" in line),
        # other runs beside this one keep what they download
        *(name for name in docker("volume", "ls", "-q").split() if not name.startswith("harness-cache-")),
    }


def _spec(name: str, runner: str, dockerfile: str) -> Spec:
    recipe = Recipe(name, (("Dockerfile", f"ARG BASE\nFROM $BASE\n{dockerfile}\n".encode()),))
    return Spec(name, "1", Origin(runner), recipe, (Step("Dockerfile", "BASE"),))


def test_the_runner_has_what_a_project_commonly_needs(runner: str) -> None:
    said = _run(
        runner,
        "python -V; id -u; stat -c %u /project /opt/venv; pwd; command -v python; command -v pip; locale charmap;"
        " for program in gcc pkg-config pg_config mariadb_config msgfmt git; do"
        " command -v $program >/dev/null || echo no $program; done;"
        " pip install --help >/dev/null && touch /project/x /opt/venv/x && echo can write",
    ).split("\n")
    assert said[0].startswith("Python 3.13.")
    assert said[1:8] == ["10001", "10001", "10001", "/project", "/opt/venv/bin/python", "/opt/venv/bin/pip", "UTF-8"]
    assert said[8:] == ["can write", ""]


def test_what_is_there_is_found_without_a_word(builder: ImageBuilder, build_log: BuildLog, runner: str) -> None:
    assert builder.runner_image("3.13") == runner
    assert build_log == []


def test_a_changed_recipe_is_a_new_image_and_the_old_one_stays(
    builder: ImageBuilder, build_log: BuildLog, runner: str, own: str
) -> None:
    first = builder.provide([_spec(own, runner, "RUN echo one")])
    assert builder.provide([_spec(own, runner, "RUN echo one")]) == first
    second = builder.provide([_spec(own, runner, "RUN echo two")])
    assert first != second
    assert sum(line.startswith("building ") for _, line in build_log) == 2
    assert builder.provide([_spec(own, runner, "RUN echo one")]) == first


def test_a_build_that_fails_shows_the_end_of_its_log(builder: ImageBuilder, runner: str, own: str) -> None:
    with pytest.raises(ServerError) as caught:
        builder.provide([_spec(own, runner, "RUN seq -f line-%g 60; echo the last words; exit 7")])
    assert f"{own}:1" in caught.value.message
    lines = caught.value.evidence.splitlines()
    assert "the last words" in lines
    assert "line-60" in lines
    assert "line-2" not in lines
    assert "returned a non-zero code: 7" in lines[-1]


def test_the_log_is_reported_without_the_builders_colours(
    builder: ImageBuilder, build_log: BuildLog, runner: str, own: str
) -> None:
    builder.provide([_spec(own, runner, "RUN echo this in red >&2")])
    assert "this in red" in [line for _, line in build_log]
    assert "\x1b" not in build_log.text


def test_an_image_without_a_source_is_reported_with_reasons(
    builder: ImageBuilder, build_log: BuildLog, own: str
) -> None:
    specs = [
        Spec(own, "1", Origin(f"registry.invalid/{name}:1"), Recipe(own, ()), (Step("Dockerfile", "BASE"),))
        for name in ("one", "two")
    ]
    with pytest.raises(ServerError) as caught:
        builder.provide(specs)
    assert [line.split(" ")[0] for line in caught.value.evidence.splitlines()] == [
        "registry.invalid/one:1:",
        "registry.invalid/two:1:",
    ]
    assert "docker pull registry.invalid/one:1" in caught.value.hint
    assert [line for _, line in build_log] == ["pulling"], "a registry that did not answer is asked once"


def test_proxies_reach_a_build_and_do_not_stay(runner: str, own: str) -> None:
    proxy = f"http://me:{HUSH}@proxy.invalid:3128"
    dockerfile = (
        f'RUN test "$http_proxy" = "{proxy.replace(HUSH, "$(printf hush%s hush)")}" && echo through $HTTP_PROXY'
    )
    build_log = BuildLog()
    with _builder(build_log, BuildEnvironment(proxies={"http_proxy": proxy})) as builder:
        tag = builder.provide([_spec(own, runner, dockerfile)])
    assert "through http://***@proxy.invalid:3128" in build_log.text
    assert HUSH not in build_log.text + docker("history", "--no-trunc", tag) + docker("inspect", tag)


def test_one_of_two_runs_builds_and_the_other_waits(runner: str, own: str) -> None:
    logs = (BuildLog(), BuildLog())
    spec = _spec(own, runner, "RUN sleep 1")

    def job(build_log: BuildLog) -> str:
        with _builder(build_log) as builder:
            return builder.provide([spec])

    tags = provision.side_by_side({"one": lambda: job(logs[0]), "two": lambda: job(logs[1])})
    assert tags["one"] == tags["two"]
    assert sum("Successfully built" in build_log.text for build_log in logs) == 1


def test_images_built_on_ours_are_not_ours(builder: ImageBuilder, runner: str, own: str) -> None:
    tag = builder.provide([_spec(own, runner, "RUN echo one")])
    theirs = f"theirs-{own}:1"
    subprocess.run(
        ["docker", "build", "-t", theirs, "-"],
        input=f"FROM {tag}\nRUN true\n",
        text=True,
        check=True,
        capture_output=True,
    )
    listed = {image.tag for image in builder.images.ours()}
    assert tag in listed
    assert not any("theirs" in name for image in builder.images.ours() for name in image.tags)


def test_an_image_with_somebody_elses_tag_loses_ours_alone(builder: ImageBuilder, runner: str, own: str) -> None:
    tag = builder.provide([_spec(own, runner, "RUN echo one")])
    docker("tag", tag, f"theirs-{own}:1")
    (image,) = [image for image in builder.images.ours() if image.tag == tag]
    assert builder.images.remove(image) == ""
    assert builder.images.find(tag) is None
    assert builder.images.find(f"theirs-{own}:1") == image.id


def test_a_projects_dependencies_are_installed_once(tmp_path: Path, runner: str, no_trace: None) -> None:
    project = tmp_path / "project"
    project.mkdir()
    name = f"alone{secrets.token_hex(4)}"
    (project / "requirements.txt").write_text(f"{name}\n")
    environment = BuildEnvironment(
        {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{FILES_FOLDER}/find-links/0"},
        {
            f"{FILES_FOLDER}/find-links/0": wheel(tmp_path / "wheels", name).parent,
            f"{FILES_FOLDER}/ca-certificates.crt": tmp_path / "ca.pem",
        },
    )
    (tmp_path / "ca.pem").write_text("company")
    build_log = BuildLog()
    with _builder(build_log, environment) as builder:
        tag = builder.project_image(runner, project)
        try:
            assert f"Successfully installed {name}-1.0" in build_log.text
            assert _run(tag, f"python -c 'import {name}'; id -u; pwd; ls /run/harness") == "10001\n/project\n"
            build_log.clear()
            assert builder.project_image(runner, project) == tag
            assert build_log == []
            (project / "requirements.txt").write_text(f"{name}==2.0\n")
            with pytest.raises(ProjectError) as caught:
                builder.project_image(runner, project)
        finally:
            docker("image", "rm", tag)
    assert f"{name}==2.0" in caught.value.evidence
    assert "[tool.harness] install" in caught.value.hint


def test_credentials_reach_an_installation_and_do_not_stay(tmp_path: Path, runner: str, no_trace: None) -> None:
    environment = BuildEnvironment(
        {"PIP_INDEX_URL": f"https://me:{HUSH}@index.invalid/simple"},
        proxies={"https_proxy": f"http://me:{HUSH}@proxy.invalid:1"},
    )
    command = 'test -n "$PIP_INDEX_URL" && echo from $PIP_INDEX_URL by $HTTPS_PROXY $https_proxy'
    build_log = BuildLog()
    with _builder(build_log, environment) as builder:
        tag = builder.project_image(runner, tmp_path, ProjectOptions([command, f"touch x{secrets.token_hex(4)}"]))
    try:
        assert "from https://***@index.invalid/simple by http://***@proxy.invalid:1" in build_log.text
        assert HUSH not in build_log.text + docker("history", "--no-trunc", tag) + docker("inspect", tag)
        found = _run(tag, f"env | grep {HUSH}; grep -rlsF {HUSH} /opt /home /project /run /etc /tmp /root /var; true")
        assert found == ""
    finally:
        docker("image", "rm", tag)


def test_packages_of_the_system_are_installed_by_root(
    tmp_path: Path, builder: ImageBuilder, runner: str, no_trace: None
) -> None:
    # its files have owners, modes and a group of their own
    tag = builder.project_image(runner, tmp_path, ProjectOptions([STATUS], ["hello", "openssh-client"]))
    try:
        said = _run(tag, "hello; id -u; stat -c '%A %G' /usr/bin/ssh-agent; cat /opt/venv/status")
        assert said.split("\n") == [
            "Hello, world!",
            "10001",
            "-rwxr-sr-x _ssh",
            *_status(),
            "",
        ]
    finally:
        docker("image", "rm", tag)


STATUS = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status >/opt/venv/status"


def _status() -> list[str]:
    """The output of ``STATUS`` for a process that has no capabilities and cannot gain any."""
    names = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    return [*(f"{name}:\t{0:016x}" for name in names), "NoNewPrivs:\t1"]


def test_a_command_has_no_privileges_and_its_image_no_run(
    tmp_path: Path, builder: ImageBuilder, runner: str, no_trace: None
) -> None:
    tag = builder.project_image(runner, tmp_path, ProjectOptions([STATUS]))
    container = docker("create", tag).strip()
    try:
        assert _run(tag, "cat /opt/venv/status").splitlines() == _status()
        with contextlib.closing(connect()) as client:
            labels = client.api.inspect_container(container)["Config"]["Labels"]
            assert labels[containers.RUN_LABEL] == ""
            assert "" not in containers.abandoned(client, -(10**6))
    finally:
        docker("rm", container)
        docker("image", "rm", tag)


def test_a_container_that_ends_early_shows_status_and_output(
    tmp_path: Path, build_log: BuildLog, builder: ImageBuilder, runner: str, own: str, no_trace: None
) -> None:
    """Covers both operations that may meet it first: copying an archive, and running a command."""
    broken = (
        "USER root\n"
        "RUN printf '#!/bin/sh\\necho a broken program >&2; exit 125' >/usr/local/bin/timeout"
        " && chmod 755 /usr/local/bin/timeout\n"
        "USER runner"
    )
    source = builder.provide([_spec(own, runner, broken)])
    with pytest.raises(ServerError) as caught:
        builder.project_image(source, tmp_path, ProjectOptions(["true"]))
    assert "its container ended with exit status 125" in caught.value.message
    assert caught.value.evidence == "a broken program"
    with pytest.raises(ServerError) as caught:
        builder.project_image(runner, tmp_path, ProjectOptions(["echo last words; kill 1; sleep 60"]))
    assert "its container ended with exit status 143" in caught.value.message
    assert caught.value.evidence.splitlines()[0] == "last words"


def test_a_command_that_may_read_anything_has_the_whole_project(
    tmp_path: Path, builder: ImageBuilder, runner: str, no_trace: None
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "models.py").write_text("# here")
    (tmp_path / ".harness").mkdir()
    (tmp_path / ".harness" / "junit.xml").write_text("")
    command = "cat shop/models.py > /opt/venv/found && test ! -e .harness && touch shop/beside.py"
    tag = builder.project_image(runner, tmp_path, ProjectOptions([command], exclude=[tmp_path / ".harness"]))
    try:
        assert _run(tag, "cat /opt/venv/found") == "# here"
        (tmp_path / "shop" / "models.py").write_text("# changed")
        changed = builder.project_image(runner, tmp_path, ProjectOptions([command], exclude=[tmp_path / ".harness"]))
        assert changed != tag
        docker("image", "rm", changed)
    finally:
        docker("image", "rm", tag)


def test_a_project_that_names_nothing_has_the_runners_image(
    tmp_path: Path, builder: ImageBuilder, build_log: BuildLog, runner: str
) -> None:
    assert builder.project_image(runner, tmp_path, ProjectOptions([])) == runner
    assert build_log == []


def test_a_project_without_named_dependencies_is_an_error(tmp_path: Path, builder: ImageBuilder, runner: str) -> None:
    with pytest.raises(ProjectError, match="dependencies are"):
        builder.project_image(runner, tmp_path)


def test_an_installation_under_way_ends_when_the_builder_closes(tmp_path: Path, runner: str, no_trace: None) -> None:
    running = threading.Event()
    errors: list[BaseException] = []

    def tell(image: str, line: str) -> None:
        if line == "under way":
            running.set()

    with contextlib.closing(connect()) as client:
        builder = ImageBuilder(client, tell)

        def job() -> None:
            try:
                builder.project_image(runner, tmp_path, ProjectOptions(["echo under way; sleep 300"]))
            except ServerError as error:
                errors.append(error)

        thread = threading.Thread(target=job)
        thread.start()
        assert running.wait(60)
        builder.close()
        thread.join(60)
        assert not thread.is_alive()
    assert len(errors) == 1


PREPARING = """
import contextlib, sys, time
from pathlib import Path
from harness.host.docker import streams
from harness.host.docker.client import connect
from harness.host.images.builder import ImageBuilder
from harness.host.images.project_spec import ProjectOptions
from harness.host.images.recipe import Recipe
from harness.host.images.specs import Origin, Spec, Step

def stay(*_):
    print("under way", flush=True)
    time.sleep(300)

def install(*commands):
    builder.project_image(sys.argv[1], Path(sys.argv[2]), ProjectOptions(commands))

client = connect()
builder = ImageBuilder(client, lambda image, line: print(line, flush=True))
"""
MOMENTS = {
    "made": "streams.open_input = stay; install('true')",
    "started": "builder._installer._copy_files = stay; install('true')",
    "installing": "install('echo under way; sleep 300')",
    "committing": "builder._installer._commit = stay; install('true')",
    "building": """
recipe = Recipe('x', (('Dockerfile', b'ARG BASE\\nFROM $BASE\\nRUN echo under way; sleep 300 # test-build\\n'),))
builder.provide([Spec('x', '1', Origin(sys.argv[1]), recipe, (Step('Dockerfile', 'BASE'),))])
""",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left_when_the_process_is_killed(moment: str, tmp_path: Path, runner: str) -> None:
    before = _left()
    command = [sys.executable, "-c", PREPARING + MOMENTS[moment], runner, str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "under way":
                break
        assert _left() - before
        process.kill()
    assert stays(_left, before, patience_s=60) == set()


def _script(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run([REPOSITORY / "ci" / name], capture_output=True, text=True, env=environment, timeout=580)


def test_an_engine_that_answers_is_left_alone() -> None:
    done = _script("engine")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_silent_engine_elsewhere_is_not_replaced() -> None:
    done = _script("engine", DOCKER_HOST="tcp://127.0.0.1:1")
    assert done.returncode == 3
    assert "tcp://127.0.0.1:1" in done.stderr
    assert "next: " in done.stderr


def test_a_base_that_is_there_is_not_made_again() -> None:
    first = _script("base")
    assert first.returncode == 0, first.stderr
    with contextlib.closing(connect()) as client, ImageBuilder(client, BuildLog()) as builder:
        before = [builder.images.find(reference) for reference in specs.debian_origin("trixie").references]
        again = _script("base")
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
        assert before == [builder.images.find(reference) for reference in specs.debian_origin("trixie").references]
    assert any(before)
