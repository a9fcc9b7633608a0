"""Somebody between a session and its vCenter: counts the calls, and changes one or the other answer."""

import http.client
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.crash.vsphere_center import Center

Ask = Callable[[str, bytes], bytes]
"""Takes the method's name and the body."""


class BrokenOffError(Exception):
    """Raised by a hook: the connection is closed without an answer."""


@dataclass
class Between:
    """What passed, and what is done to it."""

    url: str = ""
    calls: list[str] = field(default_factory=list)
    request: Ask = lambda name, body: body
    answer: Ask = lambda name, body: body


@contextmanager
def between(center: Center) -> Iterator[Between]:
    """A vCenter at another address, which is `center` seen through hooks."""
    found = Between()
    tls = ssl.create_default_context(cafile=str(center.folder / "certificate.pem"))

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            named = re.search(rb"Body[^>]*>\s*<(\w+)", body)
            name = named[1].decode() if named else ""
            found.calls.append(name)
            try:
                body = found.request(name, body)
                status, headers, told = self._pass_on(body)
                told = found.answer(name, told)
            except (BrokenOffError, OSError):
                self.close_connection = True
                return
            self.send_response(500 if b"<soapenv:Fault>" in told else status)
            for header in ("Content-Type", "Set-Cookie"):
                if headers.get(header):
                    self.send_header(header, headers[header])
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def _pass_on(self, body: bytes) -> tuple[int, Any, bytes]:
            connection = http.client.HTTPSConnection(center.address, context=tls, timeout=60)
            kept = {
                key: self.headers[key]
                for key in ("Cookie", "SOAPAction", "Content-Type")
                if self.headers[key]
            }
            connection.request("POST", self.path, body, kept)
            answer = connection.getresponse()
            told = answer.read()
            connection.close()
            return answer.status, answer.headers, told

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    server.daemon_threads = True
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(center.folder / "certificate.pem", center.folder / "key.pem")
    server.socket = own.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"https://127.0.0.1:{server.server_address[1]}/sdk"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
