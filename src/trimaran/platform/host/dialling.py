"""TCP to this machine's own services: streams, and the ready probe."""

import socket
from dataclasses import dataclass

from trimaran.errors import fail, printable

PROBE_S = 1.0
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class TcpStream:
    """A connection to a port of a service on this machine."""

    connection: socket.socket

    def send(self, payload: bytes) -> None:
        try:
            self.connection.sendall(payload)
        except OSError as broken:
            raise _lost(broken) from None

    def receive(self, limit: int) -> bytes:
        try:
            return self.connection.recv(limit)
        except OSError as broken:
            raise _lost(broken) from None

    def close(self) -> None:
        self.connection.close()


def dial(port: int, timeout_s: float = 5.0) -> TcpStream:
    """Connect to a port of 127.0.0.1. Raises TRM0558 when nobody answers."""
    try:
        return TcpStream(socket.create_connection((_HOST, port), timeout_s))
    except OSError as broken:
        raise _lost(broken, f"{_HOST}:{port}: ") from None


def _lost(broken: OSError, where: str = "") -> Exception:
    what = f"{where}{broken.strerror or broken}"
    return fail("TRM0558", what, "look at the service's state and its last log lines")


def probe(port: int, path: str) -> tuple[bool, str]:
    """Ask `GET path` once: whether the answer is 200 to 399, and the answer in words."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {_HOST}:{port}\r\nConnection: close\r\nUser-Agent: trimaran\r\n\r\n"
    )
    try:
        with socket.create_connection((_HOST, port), PROBE_S) as connection:
            connection.settimeout(PROBE_S)
            connection.sendall(request.encode("utf-8", "replace"))
            answer = b""
            while b"\n" not in answer and len(answer) < 4096:
                part = connection.recv(4096)
                if not part:
                    break
                answer += part
    except TimeoutError:
        return False, f"no answer in {PROBE_S:g} s"
    except OSError as broken:
        return False, broken.strerror or str(broken)
    line = answer.partition(b"\n")[0].decode("latin-1").strip()
    words = line.split()
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        return False, "the answer is not HTTP"
    return 200 <= int(words[1]) < 400, printable(line)
