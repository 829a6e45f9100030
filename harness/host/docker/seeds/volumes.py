"""Volumes with the tar of a migrated seed, one for each seed: the servers of an engine unpack the same file.

A volume is named by the digest of its content, so that it is never out of date. It is filled by one process of this machine at a
time. The size of the tar, which the server compares, tells a volume whose filling was interrupted.
"""

from __future__ import annotations

import contextlib
import fcntl
import tarfile
from collections.abc import Collection, Iterator

import docker
import docker.errors

from harness.errors import ServerError
from harness.host.docker.containers import translate_errors
from harness.host.docker.errors import FAILURES
from harness.host.locks import lock_file
from harness.host.platform import Seed
from harness.protocol import naming

SEED_LABEL = f"{naming.LABEL}.seed"
"""The label of a seed's volume, with the cache that it was filled from."""

FOLDER = "/srv/harness-seed"
"""The folder of the volume in a server's container."""
FILE = f"{FOLDER}/seed.tar"


def fill(client: docker.DockerClient, seed: Seed, image: str, cache: str) -> str:
    """The name of the volume with *seed*, filled by way of a container of *image*, which is never started, if it is missing.

    *cache* names the cache that the seed is from. Raises ``ServerError``.
    """
    name = naming.seed_volume(seed.digest)
    what = "Docker could not make the volume of a migrated seed"
    with lock_file(name) as file, translate_errors(what):
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            client.api.inspect_volume(name)
        except docker.errors.NotFound:
            try:
                _fill(client, seed, image, cache)
            except (*FAILURES, ValueError) as error:
                with contextlib.suppress(*FAILURES):
                    client.api.remove_volume(name, force=True)
                raise ServerError(f"{what}.", evidence=str(error)) from error
    return name


def remove(client: docker.DockerClient, cache: str, kept: Collection[str] = ()) -> list[str]:
    """Remove the volumes that were filled from *cache*, unless their seeds are among the digests *kept* or a server uses them.

    Returns the names of the removed ones. Raises nothing: the next call finds the rest.
    """
    gone: list[str] = []
    names = {naming.seed_volume(digest) for digest in kept}
    with contextlib.suppress(*FAILURES):
        found = client.api.volumes(filters={"label": f"{SEED_LABEL}={cache}"})["Volumes"] or []
        for name in (entry["Name"] for entry in found if entry["Name"] not in names):
            with contextlib.suppress(*FAILURES):
                client.api.remove_volume(name)
                gone.append(name)
    return gone


def _fill(client: docker.DockerClient, seed: Seed, image: str, cache: str) -> None:
    name = naming.seed_volume(seed.digest)
    client.api.create_volume(name, labels={SEED_LABEL: cache})
    host = client.api.create_host_config(binds={name: {"bind": FOLDER, "mode": "rw"}})
    container = client.api.create_container(image, host_config=host, network_disabled=True)["Id"]
    try:
        # the library sends the pieces as they come
        client.api.put_archive(container, FOLDER, _archive(seed))
    finally:
        client.api.remove_container(container, force=True)


def _archive(seed: Seed) -> Iterator[bytes]:
    """A tar with the seed's own tar as its only member."""
    member = tarfile.TarInfo(FILE.rpartition("/")[2])
    member.size, member.mode = seed.size, 0o444
    yield member.tobuf()
    yield from seed.read()
    yield bytes(-seed.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
