"""Both ways to start the runner, with a small script in its place: one conversation over pipes, or with a container."""

import contextlib
import io
import os
import secrets
import signal
import sys
import tarfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.docker import containers
from harness.host.docker.runner import RunnerContainer, RunnerSpec
from harness.host.images.builder import ImageBuilder
from harness.host.launch.child_process import ChildRunner
from harness.host.launch.container import FOLDER, ContainerRunner, code_tar
from harness.host.launch.conversation import Ended
from harness.host.launch.liveness import Liveness
from harness.protocol import codec
from harness.protocol.events import PhaseStarted
from harness.protocol.messages import Begin, RunSpec, ServersReady, Stop
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

DEADLINE_S = 60.0
BeginRunner = Callable[..., Any]
"""Starts a script in the runner's place, and returns the conversation with it."""

ECHO = """
    import sys
    sys.path.append("/opt/harness")
    from harness.protocol import codec
    for line in sys.stdin:
        print(type(codec.decode_body(line)).__name__, len(line), flush=True)
    print("end of input", flush=True)
"""


@pytest.fixture(scope="module")
def image(client: DockerClient) -> str:
    with ImageBuilder(client, lambda title, line: None) as builder:
        return builder.runner_image("3.13")


def project(script: str) -> io.BytesIO:
    """A tar of the runner's code, and of a project that is one file, the runner's own."""
    buffer = io.BytesIO(code_tar(FOLDER))
    buffer.seek(0, os.SEEK_END)
    content = textwrap.dedent(script).encode()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("project/main.py")
        member.size, member.uid, member.gid = len(content), 10001, 10001
        tar.addfile(member, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def container_runner(
    client: DockerClient,
    run: str,
    image: str,
    script: str,
    network: str | None = None,
    environment: dict[str, str] | None = None,
    on_stderr: Callable[[bytes], None] | None = None,
) -> ContainerRunner:
    command = ["python", "main.py"]
    spec = RunnerSpec(run, image, command, "/project", "10001:10001", network, environment or {})
    return ContainerRunner(client, spec, project(script), on_stderr)


@pytest.fixture
def in_container(client: DockerClient, image: str) -> Iterator[BeginRunner]:
    runs: list[str] = []

    def begin(script: str, **options: Any) -> Any:
        run = secrets.token_hex(4)
        runs.append(run)
        return container_runner(client, run, image, script, **options)

    yield begin
    for run in runs:
        chosen = {"label": f"{containers.RUN_LABEL}={run}"}
        assert client.api.containers(all=True, filters=chosen) == []


@pytest.fixture
def without_init(in_container: BeginRunner, monkeypatch: pytest.MonkeyPatch) -> BeginRunner:
    """Creates containers without ``init``, as on an engine that cannot provide a first process."""
    create = RunnerContainer.create
    monkeypatch.setattr(RunnerContainer, "create", lambda self, init: create(self, init=False))
    return in_container


@pytest.fixture
def as_child(tmp_path: Path) -> BeginRunner:
    def begin(script: str, environment: dict[str, str] | None = None, **options: Any) -> Any:
        (tmp_path / "main.py").write_text(textwrap.dedent(script))
        environment = {"PATH": os.environ["PATH"], **(environment or {})}
        return ChildRunner(tmp_path, environment, [sys.executable, "main.py"], **options)

    return begin


@pytest.fixture(params=["in_container", "as_child"])
def begin(request: pytest.FixtureRequest) -> BeginRunner:
    found: BeginRunner = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["in_container", "without_init", "as_child"])
def begin_anyhow(request: pytest.FixtureRequest) -> BeginRunner:
    """The ways to begin, including one for each kind of first process of a container."""
    found: BeginRunner = request.getfixturevalue(request.param)
    return found


def test_lines_come_out_while_another_thread_sends_messages(begin_anyhow: BeginRunner) -> None:
    with begin_anyhow(ECHO) as conversation:

        def speak() -> None:
            conversation.write(codec.encode_body(Begin(RunSpec())).encode())
            conversation.write(codec.encode_body(Stop("x" * 200_000, ExitCode.SERVERS)).encode())
            conversation.close_stdin()

        speaker = threading.Thread(target=speak)
        speaker.start()
        lines = [line.split()[0] for line in conversation.lines()]
        speaker.join()
        assert lines == [b"Begin", b"Stop", b"end"]
        assert conversation.wait(DEADLINE_S) == Ended(0)


def test_an_answer_comes_before_the_next_question(begin: BeginRunner) -> None:
    with begin(ECHO) as conversation:
        lines = conversation.lines()
        for message in (Begin(RunSpec()), ServersReady(())):
            conversation.write(codec.encode_body(message).encode())
            assert next(lines).split()[0].decode() == type(message).__name__
        conversation.close_stdin()
        assert list(lines) == [b"end of input\n"]


def test_long_lines_and_many_are_whole_and_a_torn_one_is_seen(begin: BeginRunner) -> None:
    script = """
        import sys
        for n in range(3):
            sys.stdout.write(str(n) * (1 << 20) + "\\n")
        for n in range(20000):
            sys.stdout.write(f"{n}\\n")
            if n % 7 == 0:
                sys.stderr.write("noise\\n")
        sys.stdout.write("torn")
    """
    seen: list[bytes] = []
    with begin(script, on_stderr=seen.append) as conversation:
        lines = list(conversation.lines())
        assert conversation.wait(DEADLINE_S).code == 0
    assert lines[:3] == [str(n).encode() * (1 << 20) + b"\n" for n in range(3)]
    assert lines[3:-1] == [f"{n}\n".encode() for n in range(20000)]
    assert lines[-1] == b"torn"
    assert b"".join(seen) == b"noise\n" * 2858


def test_standard_error_is_kept_for_evidence_up_to_a_limit(begin: BeginRunner) -> None:
    script = """
        import sys
        sys.stderr.write("begin" + "x" * 300_000 + "\\nTraceback: the end\\n")
    """
    with begin(script) as conversation:
        assert list(conversation.lines()) == []
        conversation.wait(DEADLINE_S)
        tail = conversation.stderr.text()
    assert tail.endswith("Traceback: the end\n")
    assert "begin" not in tail


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("import sys; sys.exit(4)", 4),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import os; print('half', end='', flush=True); os.abort()", -6),
    ],
)
def test_how_it_ended_is_reported(begin_anyhow: BeginRunner, script: str, code: int) -> None:
    with begin_anyhow(script) as conversation:
        list(conversation.lines())
        assert conversation.wait(DEADLINE_S) == Ended(code)


def test_what_is_said_to_one_that_is_gone_is_dropped(begin: BeginRunner) -> None:
    with begin("pass") as conversation:
        list(conversation.lines())
        conversation.wait(DEADLINE_S)
        conversation.write(b"one\n")
        conversation.write(b"two\n")
        conversation.close_stdin()


IGNORING = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up", flush=True)
    time.sleep(300)
"""


def test_kill_ends_one_that_ignores_signals(begin_anyhow: BeginRunner) -> None:
    with begin_anyhow(IGNORING) as conversation:
        lines = conversation.lines()
        assert next(lines) == b"up\n"
        conversation.kill()
        assert list(lines) == []
        assert conversation.wait(DEADLINE_S) == Ended(-9)


def test_a_wait_has_a_deadline(begin: BeginRunner) -> None:
    with begin("import time; time.sleep(300)") as conversation, pytest.raises(ServerError, match="not ended after 1 s"):
        conversation.wait(1)


def test_one_that_is_stopped_is_seen_and_one_that_goes_on_is_not(
    client: DockerClient, begin_anyhow: BeginRunner
) -> None:
    with begin_anyhow("import time; print('up', flush=True); time.sleep(300)") as conversation:
        assert next(conversation.lines()) == b"up\n"
        assert not conversation.is_stopped()
        if isinstance(conversation, ContainerRunner):
            client.api.pause(conversation._container.id)
        else:
            os.kill(conversation._process.pid, signal.SIGSTOP)
        wait_for(conversation.is_stopped, "the runner is stopped")


def test_one_that_does_not_go_on_is_reported_and_killed(begin: BeginRunner) -> None:
    script = "import os, signal; print('up', flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
    still = []

    def end(error: HarnessError) -> None:
        still.append(error.message)
        conversation.kill()

    limits = {"setup_timeout": DEADLINE_S}
    with begin(script) as conversation, Liveness(conversation, end, limits, "", silent_s=1.0) as liveness:
        liveness.take(PhaseStarted("clones"))
        assert list(liveness.watched(conversation.lines())) == [b"up\n"]
    assert still == ["The runner has sent nothing for 1 s."]


def test_leaving_ends_it_whatever_it_does(begin: BeginRunner) -> None:
    with begin(IGNORING) as conversation:
        assert next(conversation.lines()) == b"up\n"


def test_the_environment_is_what_was_given(begin: BeginRunner) -> None:
    script = """
        import os
        print(os.environ["GREETING"], "DOCKER_HOST" in os.environ, os.environ["PYTHONPATH"])
    """
    with begin(script, environment={"GREETING": "hello", "PYTHONPATH": "/theirs"}) as conversation:
        assert list(conversation.lines()) == [b"hello False /theirs\n"], conversation.stderr.text()


# --- the container alone


def test_the_container_has_no_privileges_no_socket_and_no_mounts(in_container: BeginRunner) -> None:
    script = """
        import os, re
        from pathlib import Path
        status = Path("/proc/self/status").read_text()
        print(os.getuid(), os.getgid(), os.getcwd())
        print(*re.findall(r"(?:CapEff|CapBnd|NoNewPrivs):\\s*(\\S+)", status))
        print(Path("/var/run/docker.sock").exists(), os.access("/opt/harness/harness/__init__.py", os.W_OK))
        print(os.access("/opt/harness", os.W_OK), os.access("/project", os.W_OK), os.access("main.py", os.W_OK))
    """
    with in_container(script) as conversation:
        assert [line.split() for line in conversation.lines()] == [
            [b"10001", b"10001", b"/project"],
            [b"0000000000000000", b"0000000000000000", b"1"],
            [b"False", b"False"],
            [b"False", b"True", b"True"],
        ]


def test_an_out_of_memory_kill_is_reported(client: DockerClient, in_container: BeginRunner) -> None:
    script = """
        import time
        print("up", flush=True)
        time.sleep(2)
        hog = []
        while True:
            hog.append(bytearray(16 << 20))
    """
    with in_container(script) as conversation:
        lines = conversation.lines()
        assert next(lines) == b"up\n"
        client.api.update_container(conversation._container.id, mem_limit=64 << 20, memswap_limit=64 << 20)
        list(lines)
        ended = conversation.wait(DEADLINE_S)
    assert ended.oom_killed
    assert ended.code == -9


@pytest.mark.parametrize("script", ["import time; print('up', flush=True); time.sleep(300)", "print('up', flush=True)"])
def test_a_container_that_was_removed_is_an_error(client: DockerClient, in_container: BeginRunner, script: str) -> None:
    """Covers a removal during the wait, and one after a good end."""
    with in_container(script) as conversation:
        assert next(conversation.lines()) == b"up\n"
        api, id = client.api, conversation._container.id
        if "sleep" in script:
            threading.Timer(0.5, api.remove_container, (id,), {"force": True}).start()
        else:
            api.wait(id)
            api.remove_container(id)
        with pytest.raises(ServerError, match="was removed before the run was over") as caught:
            conversation.wait(DEADLINE_S)
        assert caught.value.exit_code is ExitCode.SERVERS


def test_it_reaches_the_servers_of_its_network_by_name(client: DockerClient, image: str) -> None:
    run = secrets.token_hex(4)
    script = "import socket; print(socket.gethostbyname('runner') != '', flush=True)"
    with (
        containers.network(client, run) as network,
        container_runner(client, run, image, script, network) as conversation,
    ):
        attached = client.api.inspect_container(conversation._container.id)["NetworkSettings"]["Networks"]
        assert list(attached) == [network]
        assert list(conversation.lines()) == [b"True\n"]


def test_an_image_that_is_not_there_is_a_server_error(client: DockerClient) -> None:
    run = secrets.token_hex(4)
    with pytest.raises(ServerError, match="could not make the runner's container"):
        container_runner(client, run, f"harness-test-absent:{run}", "pass").__enter__()


# --- the child alone


def test_a_process_left_in_the_group_does_not_delay_the_end(as_child: BeginRunner) -> None:
    script = """
        import os, time
        left = os.fork()
        if left == 0:
            time.sleep(300)
        print(left, flush=True)
        os._exit(7)
    """
    with as_child(script) as conversation:
        (left,) = map(int, conversation.lines())
        assert conversation.wait(DEADLINE_S) == Ended(7)
        wait_for(lambda: has_ended(left), f"process {left} has ended")


def has_ended(pid: int) -> bool:
    """Whether no process *pid* is alive; one that nobody has collected counts as ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def test_a_daemon_outside_the_group_does_not_delay_the_end(as_child: BeginRunner, tmp_path: Path) -> None:
    script = """
        import os, time
        read, write = os.pipe()
        if os.fork() == 0:
            os.setsid()
            os.write(write, b"x")
            time.sleep(60)
            os._exit(0)
        os.read(read, 1)
        print("done", flush=True)
        os._exit(0)
    """
    (tmp_path / "main.py").touch()
    with as_child(script) as conversation:
        assert list(conversation.lines()) == [b"done\n"]
        assert conversation.wait(DEADLINE_S) == Ended(0)


def test_a_child_sees_that_its_host_is_gone(as_child: BeginRunner, tmp_path: Path) -> None:
    script = """
        import sys
        sys.stdin.read()
        open("saw-it", "w").close()
    """
    with as_child(script) as conversation:
        conversation.close_stdin()
        conversation.wait(DEADLINE_S)
    assert (tmp_path / "saw-it").exists()


def test_a_command_that_cannot_be_started_is_a_server_error(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="/does/not/exist"):
        ChildRunner(tmp_path, {}, ["/does/not/exist"]).__enter__()
