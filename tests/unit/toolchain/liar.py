"""A module proxy on the loopback that serves a small Go and a checksum database of its own, and can lie."""

import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trimaran.toolchain.database import Database
from trimaran.toolchain.dirhash import h1
from trimaran.toolchain.goproxy import Proxies, Source
from trimaran.toolchain.network import Network
from trimaran.toolchain.note import Key
from trimaran.toolchain.prove import Court
from trimaran.toolchain.proxy import Patience
from trimaran.toolchain.versions import GoVersion, Toolchain

NAME = "sums.test"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
# Patient with a busy machine, but not with pauses; HASTY is for what never answers.
QUICK = Patience(answer_s=20, idle_s=20, total_s=60, download_s=60, pause_s=0.01, tries=3)
HASTY = replace(QUICK, answer_s=0.3, idle_s=0.2)


def key_text(private: Ed25519PrivateKey, name: str = NAME) -> str:
    key = b"\x01" + private.public_key().public_bytes_raw()
    identity = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    return f"{name}+{identity}+{base64.b64encode(key).decode()}"


DATABASE = Database(NAME, Key.parse(key_text(PRIVATE)))


def sign(text: str, private: Ed25519PrivateKey = PRIVATE, name: str = NAME) -> bytes:
    identity = Key.parse(key_text(private, name)).identity
    signature = base64.b64encode(identity + private.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {name} {signature}\n".encode()


class Log:
    """A transparency log in memory, written down as RFC 6962 states it and without our code."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def hash(self, low: int, high: int) -> bytes:
        if high - low == 1:
            return hashlib.sha256(b"\x00" + self.texts[low].encode()).digest()
        middle = 1
        while middle * 2 < high - low:
            middle *= 2
        left, right = self.hash(low, low + middle), self.hash(low + middle, high)
        return hashlib.sha256(b"\x01" + left + right).digest()

    def note(self, size: int | None = None, root: bytes | None = None) -> bytes:
        size = len(self.texts) if size is None else size
        told = root or self.hash(0, size)
        return sign(f"go.sum database tree\n{size}\n{base64.b64encode(told).decode()}\n")

    def tile(self, level: int, number: int, width: int) -> bytes:
        span = 256**level
        first = number * 256
        return b"".join(self.hash((first + at) * span, (first + at + 1) * span) for at in range(width))

    def lookup(self, number: int, size: int | None = None) -> bytes:
        return f"{number}\n{self.texts[number]}\n".encode() + self.note(size)


Files = Mapping[str, bytes]
Plan = Callable[["_Handler", bytes], None]

FILES: dict[str, bytes] = {
    "VERSION": b"go1.99.1\ntime 2026-01-01T00:00:00Z\n",
    "bin/go": b"#!/bin/sh\necho go version go1.99.1 linux/amd64\n",
    "go.env": b"GOPROXY=off\n",
    "pkg/tool/linux_amd64/compile": b"\x7fELF" + bytes(3000),
    "src/_go.mod": b"module std\n",
    "src/fmt/print.go": b"package fmt\n" * 40,
    "lib/hg/sum.py": b"print()\n",
    **dict.fromkeys(
        ["CONTRIBUTING.md", "LICENSE", "PATENTS", "README.md", "SECURITY.md", "codereview.cfg"], b"text\n"
    ),
}
VERSION = GoVersion.parse("1.99.1")
TOOLCHAIN = Toolchain(VERSION, "linux", "amd64")
PREFIX = f"golang.org/toolchain@{TOOLCHAIN.module_version}/"
ZIP = f"golang.org/toolchain/@v/{TOOLCHAIN.module_version}.zip"


def content_hash(files: Files) -> str:
    return h1({PREFIX + name: hashlib.sha256(body).hexdigest() for name, body in files.items()})


def pack(files: Files, prefix: str = PREFIX) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(prefix + name, body)
    return packed.getvalue()


class Liar:
    """What the proxy serves and how it misbehaves.

    `routes` are its files; `plans[path]` are things to do instead, one for each request, then the file.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.routes: dict[str, bytes] = {}
        self.plans: dict[str, list[Plan]] = {}
        self.over = threading.Event()
        self.log = Log()
        self.publish(FILES)

    def publish(self, files: Files, stated: str | None = None) -> None:
        """Serve a Go and a log that states its hash among others."""
        record = f"golang.org/toolchain {TOOLCHAIN.module_version} {stated or content_hash(files)}\n"
        record += f"golang.org/toolchain {TOOLCHAIN.module_version}/go.mod h1:{'A' * 43}=\n"
        texts = [f"example.com/m{at} v1.0.0 h1:{'B' * 43}=\n" for at in range(300)]
        texts[137] = record
        self.serve_log(Log(*texts), 137)
        self.routes[ZIP] = pack(files)
        self.routes["golang.org/toolchain/@v/list"] = f"{TOOLCHAIN.module_version}\nv9\n".encode()

    def serve_log(self, log: Log, number: int, size: int | None = None) -> None:
        size = size or len(log.texts)
        base = f"sumdb/{NAME}/"
        self.routes = {path: body for path, body in self.routes.items() if not path.startswith(base)}
        self.log = log
        self.routes[base + "supported"] = b""
        self.routes[base + f"lookup/golang.org/toolchain@{TOOLCHAIN.module_version}"] = log.lookup(
            number, size
        )
        level = 0
        while hashes := size >> (8 * level):
            for at in range(0, hashes, 256):
                width = min(256, hashes - at)
                partial = "" if width == 256 else f".p/{width}"
                body = log.tile(level, at // 256, width)
                self.routes[f"{base}tile/8/{level}/{at // 256:03d}{partial}"] = body
            level += 1

    @property
    def lookup_path(self) -> str:
        return f"sumdb/{NAME}/lookup/golang.org/toolchain@{TOOLCHAIN.module_version}"

    def network(self, patience: Patience = QUICK) -> Network:
        return Network(Proxies((Source(self.url),)), f"{NAME} {self.url}/database", patience)

    def court(self, cache: Path, told: list[str] | None = None) -> Court:
        lines = told if told is not None else []
        return Court(cache, lines.append, DATABASE, self.network())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    liar: Liar

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.liar.asked.append(path)
        self.liar.ranges.append(self.headers.get("Range", ""))
        body = self.liar.routes.get(path)
        plans = self.liar.plans.get(path, [])
        if plans:
            plans.pop(0)(self, body or b"")
        elif body is None:
            self.answer(404, b"not found")
        else:
            self.file(body)

    def file(self, body: bytes) -> None:
        wanted = self.headers.get("Range", "")
        if not wanted:
            self.answer(200, body)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(body)), len(body) - 1)
        if start >= len(body):
            self.answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            return
        placed = {"Content-Range": f"bytes {start}-{end}/{len(body)}"}
        self.answer(206, body[start : end + 1], placed)

    def answer(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


def status(code: int) -> Plan:
    return lambda handler, body: handler.answer(code, b"no")


def half(handler: _Handler, body: bytes) -> None:
    """Announce everything, send half, close; honours a range."""
    wanted = handler.headers.get("Range", "")
    start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
    rest = body[start:]
    placed = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if wanted else {}
    handler.answer(206 if wanted else 200, rest[: len(rest) // 2], placed, len(rest))


def stall(handler: _Handler, body: bytes) -> None:
    """Accept, and never answer."""
    handler.liar.over.wait(5)
    handler.close_connection = True


def stall_inside(handler: _Handler, body: bytes) -> None:
    """Send half, and then nothing."""
    handler.answer(200, body[: len(body) // 2], None, len(body))
    handler.close_connection = True
    handler.liar.over.wait(5)


def whole_despite_range(handler: _Handler, body: bytes) -> None:
    handler.answer(200, body)


def huge(handler: _Handler, body: bytes) -> None:
    handler.answer(200, b"x" * 100_000, None, 10**12)


def endless(handler: _Handler, body: bytes) -> None:
    """No length, and no end."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.close_connection = True
    handler.end_headers()
    try:
        for _ in range(4000):
            handler.wfile.write(b"y" * 65536)
    except (BrokenPipeError, ConnectionResetError):
        pass


def sends(replacement: bytes) -> Plan:
    return lambda handler, body: handler.answer(200, replacement)


@contextmanager
def lying() -> Iterator[Liar]:
    """A running proxy; its threads are gone when this ends."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.liar = Liar(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Handler.liar
    finally:
        Handler.liar.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def plant(root: Path, files: Files = FILES) -> Path:
    """A tree as it is on disk after unpacking."""
    for name, body in files.items():
        path = root / name.replace("_go.mod", "go.mod")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return root
