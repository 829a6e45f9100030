"""The container of the proxy between primaries and replicas."""

from __future__ import annotations

from collections.abc import Iterator

import docker

from harness.host.docker import streams
from harness.host.docker.containers import remove_run
from harness.host.docker.runner import RunnerContainer, RunnerSpec
from harness.host.lag.control import ARGUMENTS, LagProxy
from harness.host.platform import LAG_PROXY


def start_container(client: docker.DockerClient, run: str, image: str, network: str) -> LagProxy:
    """The proxy of *run* in a container of *image*, which has a Python. It ends with this process, which holds its input; the
    engine's events report its end. Raises ``ServerError``.
    """
    spec = RunnerSpec(run, image, ("python", *ARGUMENTS), "/", "65534:65534", network, {}, LAG_PROXY)
    container = RunnerContainer(client, spec)
    try:
        container.create(init=False)
        input, output = container.attach_input(), container.attach_output()
        container.start()
    except BaseException:
        remove_run(client, run, (LAG_PROXY,))
        raise

    def close() -> None:
        input.close()
        output.close()

    return LagProxy(container.id, input.write, _lines(output), close)


def _lines(output: streams.Connection) -> Iterator[bytes]:
    """The lines of its standard output."""
    rest = b""
    for stream, data in streams.frames(output):
        if stream == streams.STDOUT:
            *lines, rest = (rest + data).split(b"\n")
            yield from lines
