"""A registry of images on this machine, as much of the distribution protocol as ``docker push`` and ``docker pull`` need."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 20


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a registry that keeps what it is given in *folder*, until the end of the block."""

    class Handler(_Handler):
        store = folder

    folder.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Path

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._read()

    def do_GET(self) -> None:
        self._read()

    def _read(self) -> None:
        if self.path == "/v2/":
            self._answer(HTTPStatus.OK)
        elif blob := re.fullmatch(r"/v2/.+/blobs/(sha256:[0-9a-f]{64})", self.path):
            self._send(self.store / blob[1], "application/octet-stream")
        elif manifest := re.fullmatch(r"/v2/(.+)/manifests/(.+)", self.path):
            place = self.store / self._slug(manifest[1], manifest[2])
            kind = place.with_suffix(".type")
            self._send(place, kind.read_text() if kind.is_file() else "")
        else:
            self._answer(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        self._answer(HTTPStatus.ACCEPTED, Location=f"{self.path.rstrip('/')}/{secrets.token_hex(8)}")

    def do_PATCH(self) -> None:
        upload = self.store / self.path.rpartition("/")[2]
        with upload.open("ab") as file:
            self._receive(file)
        self._answer(HTTPStatus.ACCEPTED, Location=self.path, Range=f"0-{upload.stat().st_size - 1}")

    def do_PUT(self) -> None:
        path, _, query = self.path.partition("?")
        if manifest := re.fullmatch(r"/v2/(.+)/manifests/(.+)", path):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            for reference in (manifest[2], digest):
                place = self.store / self._slug(manifest[1], reference)
                place.write_bytes(content)
                place.with_suffix(".type").write_text(self.headers["Content-Type"])
            self._answer(HTTPStatus.CREATED, **{"Docker-Content-Digest": digest})
            return
        upload = self.store / path.rpartition("/")[2]
        with upload.open("ab") as file:
            self._receive(file)
        digest = query.partition("digest=")[2].replace("%3A", ":")
        upload.rename(self.store / digest)
        self._answer(HTTPStatus.CREATED, **{"Docker-Content-Digest": digest})

    def _receive(self, file: BinaryIO) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                file.write(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            file.write(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _slug(self, name: str, reference: str) -> str:
        return re.sub(r"\W", "-", f"manifest-{name}-{reference}")

    def _send(self, place: Path, kind: str) -> None:
        if not place.is_file():
            self._answer(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(place.stat().st_size))
        if not kind.endswith("octet-stream"):
            digest = hashlib.sha256(place.read_bytes()).hexdigest()
            self.send_header("Docker-Content-Digest", f"sha256:{digest}")
        self.end_headers()
        if self.command == "GET":
            with place.open("rb") as file:
                while piece := file.read(PIECE):
                    self.wfile.write(piece)

    def _answer(self, status: HTTPStatus, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", "Docker-Distribution-API-Version": "registry/2.0"}.items():
            self.send_header(name, value)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
