"""Stand-ins between us and a real server, or in place of one, for what a real one cannot be asked to do.

`Relay` passes bytes on to a real server on this machine and can break the connection; `StandIn` answers HTTP
as told. Both listen on 127.0.0.1 and end with the test.
"""

import contextlib
import http.server
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Headers = dict[str, str]
Reply = tuple[int, Headers, bytes]


@dataclass
class Relay:
    """Passes connections on to `port`.

    Args:
        swallow: whether what the server answers is withheld, and the connection reset in its place.
        silent: whether nothing is passed on, and nobody told.
    """

    port: int
    swallow: bool = False
    silent: bool = False
    connections: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def serve(self, client: socket.socket) -> None:
        self.connections += 1
        self._open.append(client)
        if self.silent:
            return
        server = socket.create_connection(("127.0.0.1", self.port))
        self._open.append(server)
        threading.Thread(target=self._pass_on, args=(client, server, False), daemon=True).start()
        threading.Thread(target=self._pass_on, args=(server, client, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if answers and self.swallow:
                    reset(sink)
                    return
                sink.sendall(chunk)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.close()


def reset(connection: socket.socket) -> None:
    """Ends a connection with RST."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # A thread that still receives would keep it open.
        connection.shutdown(socket.SHUT_RD)
    connection.close()


@contextmanager
def relay(port: int) -> Iterator[tuple[Relay, int]]:
    """A relay to a port of this machine, and the port that it listens on."""
    found = Relay(port)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                found.serve(listener.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield found, listener.getsockname()[1]
    finally:
        # Closing alone does not wake a thread that waits for a connection.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        found.close()
        thread.join(10)


@dataclass
class StandIn:
    """A server that answers what it is told; it remembers what it was asked."""

    port: int
    asked: list[str] = field(default_factory=list)


@contextmanager
def stand_in(answer: Callable[[str, str, int], Reply]) -> Iterator[StandIn]:
    """A stand-in for an API server, over plain HTTP.

    Args:
        answer: method, path and how many requests came before → status, headers and body.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            told.asked.append(f"{self.command} {self.path}")
            status, headers, body = answer(self.command, self.path, len(told.asked) - 1)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        do_GET = do_PATCH = do_DELETE = do_POST = reply  # noqa: N815 - the base class looks for these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told = StandIn(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
