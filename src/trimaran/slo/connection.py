"""One HTTP connection whose exchanges end at a deadline. Input and output.

http.client bounds each packet, so that a service which sends a byte a second is waited for without an
end. Here the time that is left is set before each packet.
"""

import http.client
import io
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trimaran.errors import printable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, whatever its status says."""

    status: int
    content_type: str
    body: bytes

    @property
    def good(self) -> bool:
        """From 200 to 399, as Kubernetes judges a probe."""
        return 200 <= self.status < 400

    def __str__(self) -> str:
        first = self.body[:200].decode("utf-8", "replace").strip().partition("\n")[0]
        return printable(f"status {self.status} {first}".rstrip())


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No answer, or none that could be used.

    Args:
        reason: one line, as `connection refused`.
        refused: nobody listens there.
        oversized: the answer was longer than what was allowed.
    """

    reason: str
    refused: bool = False
    oversized: bool = False

    def __str__(self) -> str:
        return self.reason


class _Bounded(io.RawIOBase):
    """What a socket receives until a deadline, however slowly it comes."""

    def __init__(self, connection: "Connection", raw: socket.SocketIO) -> None:
        super().__init__()
        self.connection, self.raw = connection, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        self.connection.allow()
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Socket:
    """The part of a socket that http.client uses, bounded by the deadline of its connection."""

    def __init__(self, connection: "Connection", plain: socket.socket) -> None:
        self.connection, self.plain = connection, plain

    def sendall(self, content: bytes) -> None:
        self.connection.allow()
        self.plain.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Bounded(self.connection, self.plain.makefile("rb", buffering=0)))

    def close(self) -> None:
        self.plain.close()


class Connection(http.client.HTTPConnection):
    """A connection whose exchanges end at `deadline` (seconds on `time.monotonic()`)."""

    plain: socket.socket | None = None
    deadline = 0.0
    accept = "*/*"

    def connect(self) -> None:
        self.timeout = self.left()
        super().connect()
        self.plain = self.sock
        self.sock = _Socket(self, self.sock)

    def left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left

    def allow(self) -> None:
        if self.plain is not None:
            self.plain.settimeout(self.left())

    def ask(self, path: str, limit_bytes: int, deadline: float, accept: str = "*/*") -> Answer | NoAnswer:
        """One GET; closes the connection unless it can be used again.

        Args:
            limit_bytes: a longer body counts as no answer.
            deadline: seconds on `time.monotonic()`.
        """
        self.accept = accept
        self.deadline = deadline
        fresh = self.sock is None
        try:
            return self.exchange(path, limit_bytes)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            if fresh:
                return _no_answer(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return _no_answer(error)
        # A kept connection that the service has closed meanwhile says nothing about this request.
        return self.ask(path, limit_bytes, deadline, accept)

    def exchange(self, path: str, limit_bytes: int) -> Answer | NoAnswer:
        self.request("GET", path, headers={"Accept": self.accept, "User-Agent": "trimaran"})
        with self.getresponse() as response:
            body = response.read(limit_bytes + 1)
            if len(body) > limit_bytes:
                self.close()
                return NoAnswer(f"the answer is longer than {limit_bytes} bytes", oversized=True)
            if response.length:
                self.close()
                return NoAnswer("the answer broke off before its end")
            return Answer(response.status, response.headers.get("Content-Type", ""), body)


def _no_answer(error: Exception) -> NoAnswer:
    match error:
        case TimeoutError():
            return NoAnswer("no answer in time")
        case ConnectionRefusedError():
            return NoAnswer("connection refused", refused=True)
        case http.client.IncompleteRead():
            return NoAnswer("the answer broke off before its end")
        case ConnectionError():
            return NoAnswer("the connection was closed without an answer")
        case OSError():
            return NoAnswer(printable(error.strerror or str(error) or type(error).__name__).lower())
    return NoAnswer(printable(f"the answer is no HTTP ({type(error).__name__}: {error})"[:200]))
