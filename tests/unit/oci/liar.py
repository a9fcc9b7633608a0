"""A registry of our own on the loopback that serves an image, and can lie, stall and break off.

It is no real registry: what real ones do is tried against Debian's docker-registry, in tests/peers.
"""

import base64
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.unit.oci.images import MANIFEST, Made, digest

from trimaran.oci.http import Patience

# Patient with a busy machine, but not with pauses; HASTY is for what never answers.
QUICK = Patience(connect_s=20, answer_s=20, idle_s=20, document_s=30, layer_s=30, pause_s=0.01, tries=3)
HASTY = Patience(connect_s=5, answer_s=0.4, idle_s=0.3, document_s=0.5, layer_s=0.5, pause_s=0.01, tries=2)

Act = Callable[["Handler"], bool]
"""Answers a request in place of the honest registry; False leaves it to that."""


class Liar:
    """What is served, and every request that came, as `GET path`."""

    def __init__(self, made: Made | None = None) -> None:
        self.made = made or Made()
        self.documents: dict[str, tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.act: Act = lambda _: False
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.serve(self.made)

    def serve(self, made: Made) -> None:
        self.made = made
        self.documents["latest"] = (MANIFEST, made.manifest)
        self.documents[digest(made.manifest)] = (MANIFEST, made.manifest)
        self.blobs |= made.blobs()

    @contextmanager
    def running(self) -> Iterator[str]:
        """The host and port at which it answers."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"liar": self}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    liar: Liar
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.liar.asked.append(f"GET {self.path}")
        self.liar.authorizations.append(self.headers.get("Authorization", ""))
        with suppress(BrokenPipeError, ConnectionResetError):
            if not self.liar.act(self):
                self.honest()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        self.liar.asked.append(f"POST {self.path}")
        self.liar.authorizations.append(self.headers.get("Authorization", ""))
        self.liar.act(self)

    def honest(self) -> None:
        _, _, name = self.path.rpartition("/")
        if "/manifests/" in self.path and name in self.liar.documents:
            kind, content = self.liar.documents[name]
            self.answer(200, content, {"Content-Type": kind})
        elif "/blobs/" in self.path and name in self.liar.blobs:
            self.answer(200, self.liar.blobs[name])
        else:
            self.answer(404, b"{}")

    def answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> bool:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)
        return True

    def json(self, status: int, content: object) -> bool:
        return self.answer(status, json.dumps(content).encode())

    def break_off(self, content: bytes, announced: int) -> bool:
        self.answer(200, content, {"Content-Length": str(announced)})
        self.close_connection = True
        return True

    def hang_up(self) -> bool:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
        return True

    def drip(self, pause_s: float = 0.05) -> bool:
        """Bytes that never end, one at a time."""
        self.send_response(200)
        self.send_header("Content-Length", "100000000")
        self.end_headers()
        with suppress(OSError):
            for _ in range(400):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(pause_s)
        self.close_connection = True
        return True


def basic(name: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"
