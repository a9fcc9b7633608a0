"""Asking one of the lab's servers over TLS. Input and output."""

import contextlib
import http.client
import json
import ssl
from typing import Any, Self

_LIMIT = 64 << 20
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Api:
    """A connection to a server on this machine, opened when it is first asked.

    Args:
        port: on the loopback address.
        ca: the certificate that the server's is checked against, PEM.
        token: sent with each request; empty for none.
        timeout_s: for each step of an exchange.
    """

    def __init__(self, port: int, ca: bytes, token: str = "", timeout_s: float = 30) -> None:
        self._token = token
        context = ssl.create_default_context(cadata=ca.decode("ascii"))
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout_s, context=context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, content: str = "application/json"
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError when there is none."""
        headers = {"Content-Type": content} if body is not None else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read(_LIMIT)
        except http.client.HTTPException as error:
            self._connection.close()
            raise ConnectionError(f"{type(error).__name__}: {error}") from None
        except OSError:
            self._connection.close()
            raise

    def document(self, path: str) -> dict[str, Any] | None:
        """A JSON object; None when the server has none to give now."""
        with contextlib.suppress(OSError, ValueError):
            status, body = self.ask("GET", path)
            found = json.loads(body) if status == 200 else None
            return found if isinstance(found, dict) else None
        return None

    def answers(self, path: str) -> bool:
        """Whether a request of `path` is answered with 200."""
        try:
            return self.ask("GET", path)[0] == 200
        except OSError:
            return False
