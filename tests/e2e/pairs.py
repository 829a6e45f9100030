"""Pairs of real servers, and sessions on those of MySQL and MariaDB."""

from __future__ import annotations

import codecs
import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
from docker import DockerClient
from pymysql.constants import CLIENT

from harness.host.config.databases import DbSpec
from harness.host.docker import containers
from harness.host.docker.client import connect
from harness.host.docker.server import ContainerOptions, DockerPlatform
from harness.host.engines import Engine
from harness.host.engines.engine import Replication
from harness.host.engines.mariadb import MARIADB
from harness.host.engines.mysql import MYSQL
from harness.host.images.builder import ImageBuilder
from harness.host.planning.plan import ServerPlan, make_plan
from harness.host.run.servers import ServerOptions, Servers
from harness.protocol.messages import Endpoint, Route
from harness.protocol.topology import Alias, TestOptions, Topology

ESCAPED = "utf8_escaped"
"""UTF-8 with a lone surrogate for each byte that is not UTF-8: a definition may have such bytes."""
USER = "shop"
ENGINES = (MYSQL, MARIADB)


def _codec(name: str) -> codecs.CodecInfo | None:
    if name != ESCAPED:
        return None
    utf8 = codecs.lookup("utf-8")
    return codecs.CodecInfo(
        lambda text, errors="strict": utf8.encode(text, "surrogateescape"),
        lambda raw, errors="strict": utf8.decode(raw, "surrogateescape"),
        name=name,
    )


codecs.register(_codec)


def pair_of(engine: Engine) -> Topology:
    """``default``, and its mirror ``replica`` on another host."""
    names = (("default", "db1", None), ("replica", "db2", "default"))
    return Topology(
        tuple(
            Alias(name, engine.backend, engine.vendor, "shop", host, "", USER, "test_shop", TestOptions(mirror=mirror))
            for name, host, mirror in names
        )
    )


@dataclass(frozen=True)
class Pair:
    """A primary and its replica that run. ``routes`` and ``endpoints`` are those that the host would send to the runner."""

    engine: Engine
    routes: tuple[Route, ...]
    endpoints: tuple[Endpoint, ...]
    execute: Callable[[Sequence[str]], tuple[int, str, str]]
    """Runs a command in the primary's container, and returns its status, stdout and stderr."""

    def endpoint(self, role: str) -> Endpoint:
        (found,) = [endpoint for endpoint in self.endpoints if endpoint.role == role]
        return found

    def connect(self, role: str = "primary", database: str | None = None) -> Any:
        """A session of the driver's, in autocommit."""
        endpoint = self.endpoint(role)
        return pymysql.connect(
            host=endpoint.host,
            port=endpoint.port,
            user=USER,
            password=endpoint.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )

    @contextlib.contextmanager
    def session(self, role: str = "primary", database: str | None = None) -> Iterator[Session]:
        """The same, as something to run statements on."""
        with contextlib.closing(self.connect(role, database)) as connection:
            yield Session(connection)


class Session:
    """Runs statements and returns their rows. ``description`` names the columns of the last one."""

    def __init__(self, connection: Any) -> None:
        connection.encoding = ESCAPED
        self.connection = connection
        self.description: Sequence[Sequence[Any]] = ()

    def run(self, *statements: str | bytes) -> Sequence[Sequence[Any]]:
        """The rows of the last one."""
        rows: Sequence[Sequence[Any]] = ()
        for statement in statements:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)
                rows, self.description = cursor.fetchall(), cursor.description or ()
        return rows


def servers(client: DockerClient, plan: ServerPlan, run: str, network: str, image: str, **options: Any) -> Servers:
    """The servers of *plan* in containers of *image*, not started yet; *options* are those of ``ServerOptions``."""
    images = {(server.engine.name, server.version): image for server in plan.servers}
    platform = DockerPlatform(client, ContainerOptions(network, images, publish=True))
    return Servers(platform, plan, ServerOptions(run, **options))


@contextlib.contextmanager
def running(
    engine: Engine, replication: Replication = "gtid", *, version: str = "", topology: Topology | None = None
) -> Iterator[Pair]:
    """Running servers of *engine* for *topology*, a pair without it, of *version* or else the default one; removed after the
    block.
    """
    version = version or engine.default_version
    run = secrets.token_hex(4)
    plan = make_plan(topology or pair_of(engine), [DbSpec(engine.name, version)])
    with contextlib.closing(connect()) as client, containers.network(client, run) as network:
        with ImageBuilder(client, lambda title, line: None) as builder:
            image = builder.server_image(engine, version)
        with servers(client, plan, run, network, image, replication={engine.name: replication}) as stack:
            # the stack itself runs nothing there but its dumps of schemas
            container = next(iter(stack.primaries().values()))
            yield Pair(engine, plan.routes, tuple(stack.endpoints()), container.execute)
