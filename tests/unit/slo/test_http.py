"""Services that stall, break off, answer garbage or never end are given up in time, with a reason."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from trimaran.errors import TrimaranError
from trimaran.slo.connection import Answer, NoAnswer
from trimaran.slo.http import NotReady, Ready, get, scrape, send, wait_ready

Script = Callable[[socket.socket], None]


@contextmanager
def scripted(script: Script) -> Iterator[int]:
    """A server on the loopback that reads one request of each connection and then runs `script`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(peer: socket.socket) -> None:
            with peer, suppress(OSError):
                peer.recv(65536)
                script(peer)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)


class _Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        with server.lock:
            server.paths.append(self.path)
            server.peers.add(self.client_address)
            status = server.status(len(server.paths))
        body = server.body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/plain")
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, status: Callable[[int], int], body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Service)
        self.status, self.body, self.lock = status, body, threading.Lock()
        self.paths: list[str] = []
        self.peers: set[object] = set()


@contextmanager
def service(status: Callable[[int], int] = lambda _: 200, body: bytes = b"") -> Iterator[_Server]:
    """A service whose n-th answer has the status that `status(n)` says."""
    with _Server(status, body) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def stall(peer: socket.socket) -> None:
    peer.recv(1)


def drip(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        peer.sendall(b"a")
        time.sleep(0.02)


def drip_headers(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        peer.sendall(b"a")
        time.sleep(0.02)


def never_ends(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b"a 1\n" * 20_000)


def chunks_without_end(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.sendall(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")


def only_continue(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def say(content: bytes) -> Script:
    return lambda peer: peer.sendall(content)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (stall, "no answer in time"),
        (drip, "no answer in time"),
        (drip_headers, "no answer in time"),
        (only_continue, "no answer in time"),
        (never_ends, "longer than 100000 bytes"),
        (chunks_without_end, "longer than 100000 bytes"),
        (say(b""), "closed without an answer"),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "broke off"),
        (say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"), "broke off"),
        (say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"), "broke off"),
        (say(b"\x00\xff\x1b[31mnonsense\r\n\r\n"), "no HTTP"),
        (say(b"SSH-2.0-OpenSSH_9.2\r\n"), "no HTTP"),
        (say(b"HTTP/1.1 abc OK\r\n\r\n"), "no HTTP"),
        (say(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"), "no HTTP"),
        (say(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), "no HTTP"),
    ],
)
def test_an_answer_that_cannot_be_used_is_given_up_in_time_with_its_reason(
    script: Script, reason: str
) -> None:
    with scripted(script) as port:
        start = time.monotonic()
        answer = get("127.0.0.1", port, "/", timeout=0.6, limit_bytes=100_000)
        assert isinstance(answer, NoAnswer)
        assert reason in answer.reason
        assert answer.reason.isprintable()
        assert time.monotonic() - start < 3


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_port_that_nobody_listens_on_refuses() -> None:
    answer = get("127.0.0.1", free_port(), "/")
    assert answer == NoAnswer("connection refused", refused=True)


@pytest.mark.parametrize("path", ["", "metrics", "/a b", "/a\r\nHost: x", "/ü"])
def test_a_path_that_cannot_be_asked_is_no_answer(path: str) -> None:
    with service() as server:
        assert isinstance(get("127.0.0.1", server.server_port, path), NoAnswer)
        assert server.paths == []


def test_an_answer_carries_its_status_type_and_body() -> None:
    with service(lambda _: 404, b"not\nhere") as server:
        answer = get("127.0.0.1", server.server_port, "/x?y=z")
    assert answer == Answer(404, "text/plain", b"not\nhere")
    assert not answer.good
    assert str(answer) == "status 404 not"
    assert server.paths == ["/x?y=z"]


def test_a_redirect_is_not_followed() -> None:
    with service(lambda _: 302) as server:
        answer = get("127.0.0.1", server.server_port, "/")
    assert isinstance(answer, Answer)
    assert answer.status == 302
    assert server.paths == ["/"]


def test_waiting_ends_with_the_first_good_answer() -> None:
    with service(lambda number: 200 if number >= 3 else 503) as server:
        found = wait_ready("127.0.0.1", server.server_port, "/readyz", time.monotonic() + 10, pause=0.01)
    assert found == Ready(3)
    assert server.paths == ["/readyz"] * 3


def test_waiting_ends_at_the_deadline_with_what_was_seen_last() -> None:
    with service(lambda _: 503, b"starting") as server:
        found = wait_ready("127.0.0.1", server.server_port, "/", time.monotonic() + 0.2, pause=0.01)
    assert isinstance(found, NotReady)
    assert found.last == "status 503 starting"
    assert found.attempts > 1
    assert not found.gone


def test_a_stalled_probe_is_waited_for_no_longer_than_the_deadline() -> None:
    with scripted(stall) as port:
        start = time.monotonic()
        found = wait_ready("127.0.0.1", port, "/", start + 0.3)
        assert isinstance(found, NotReady)
        assert found.last == "no answer in time"
        assert time.monotonic() - start < 1.5


def test_waiting_ends_early_once_the_service_is_gone() -> None:
    start = time.monotonic()
    found = wait_ready("127.0.0.1", free_port(), "/", start + 30, alive=lambda: False)
    assert found == NotReady("connection refused", 1, gone=True)
    assert time.monotonic() - start < 5


def test_requests_are_counted_by_status_over_few_kept_connections() -> None:
    with service(lambda number: 500 if number % 4 == 0 else 200) as server:
        sent = send("127.0.0.1", server.server_port, "/", 40, time.monotonic() + 20, concurrency=4)
    assert sent.statuses == {200: 30, 500: 10}
    assert (sent.failures, sent.unsent, sent.answered) == ({}, 0, 40)
    assert len(server.paths) == 40
    assert 1 <= len(server.peers) <= 4


def test_a_kept_connection_that_the_service_closes_is_opened_again() -> None:
    with scripted(say(b"HTTP/1.1 204 No Content\r\n\r\n")) as port:
        sent = send("127.0.0.1", port, "/", 5, time.monotonic() + 20, concurrency=1)
    assert sent.statuses == {204: 5}
    assert sent.failures == {}


def test_requests_without_an_answer_are_counted_by_reason() -> None:
    sent = send("127.0.0.1", free_port(), "/", 7, time.monotonic() + 5)
    assert sent.statuses == {}
    assert sent.failures == {"connection refused": 7}


def test_what_the_deadline_leaves_no_time_for_is_not_sent() -> None:
    with scripted(stall) as port:
        start = time.monotonic()
        sent = send("127.0.0.1", port, "/", 100, start + 0.3, concurrency=2)
        assert time.monotonic() - start < 2
    assert sent.failures == {"no answer in time": 2}
    assert sent.unsent == 98


def test_no_requests_are_no_requests() -> None:
    assert send("127.0.0.1", free_port(), "/", 0, time.monotonic() + 1).answered == 0


def test_a_scrape_gives_the_samples_of_the_answer() -> None:
    with service(body=b'# TYPE a counter\na{b="c"} 2\n') as server:
        (sample,) = scrape("127.0.0.1", server.server_port)
    assert (str(sample), sample.value) == ('a{b="c"}', 2)
    assert server.paths == ["/metrics"]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (stall, "TRM0900"),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na 1\n"), "TRM0900"),
        (say(b"HTTP/1.1 404 Not Found\r\n\r\nno \x1b[31mpage"), "TRM0901"),
        (say(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"), "TRM0901"),
        (never_ends, "TRM0902"),
        (say(b"HTTP/1.1 200 OK\r\n\r\n<html>"), "TRM0903"),
        (say(b'HTTP/1.1 200 OK\r\n\r\na{b="\xff"} 1\n'), "TRM0903"),
    ],
)
def test_a_scrape_that_fails_is_one_problem_with_its_fix(script: Script, code: str) -> None:
    with scripted(script) as port, pytest.raises(TrimaranError) as caught:
        scrape("127.0.0.1", port, timeout=0.5 if script is stall else 20)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.fix
    assert problem.what.isprintable()
    assert f"127.0.0.1:{port}/metrics" in problem.what
