"""The errors of connections to servers, which are Django's whatever the driver raises."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def port() -> Iterator[int]:
    """A server that ends each connection at once, as one that is being killed does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def end_each() -> None:
            try:
                while True:
                    listener.accept()[0].close()
            except OSError:
                return

        thread = threading.Thread(target=end_each, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


PROGRAM = """
import sys

from django.conf import settings

entry = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "127.0.0.1", "PORT": sys.argv[1]}
settings.configure(DATABASES={"default": entry})

from harness.runner.replication import catch_up

for ask in (catch_up.server_connection, lambda alias: catch_up.check_replica(alias, alias)):
    try:
        ask("default")
    except Exception as error:
        print(type(error).__module__, type(error).__name__)
"""


def test_a_server_that_ends_the_connection(port: int) -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, str(port)], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [
        "django.db.utils OperationalError",
        "harness.runner.replication.catch_up NoAnswerError",
    ]
