"""A stand-in for a Docker engine behind TLS: it passes what clients with its certificate say on to the engine of this machine."""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

SOCKET = "/var/run/docker.sock"


@contextlib.contextmanager
def tls_engine(folder: Path) -> Iterator[dict[str, str | None]]:
    """The variables by which a client finds the engine, whose certificate is in *folder*, for the time of the block."""
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=engine", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, context), daemon=True).start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        # the library requests would take these in place of the engine's certificate
        bundles = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
        yield {**bundles, "DOCKER_HOST": address, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(folder)}
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError):  # it is closed
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, context), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), contextlib.closing(client), socket.socket(socket.AF_UNIX) as engine:
        engine.connect(SOCKET)
        with context.wrap_socket(client, server_side=True) as secure:
            _relay(secure, engine)


def _relay(secure: ssl.SSLSocket, engine: socket.socket) -> None:
    """Pass on what each side says until the engine ends; the client's end is passed on too, however it came."""
    targets: dict[socket.socket, socket.socket] = {secure: engine, engine: secure}
    while engine in targets:
        has_rest = secure in targets and secure.pending()
        for source in [secure] if has_rest else select.select([*targets], [], [])[0]:
            try:
                data = source.recv(1 << 16)
            except OSError:  # a client that was killed sends no last record
                data = b""
            if data:
                targets[source].sendall(data)
                continue
            del targets[source]
            if source is secure:
                with contextlib.suppress(OSError):
                    engine.shutdown(socket.SHUT_WR)
