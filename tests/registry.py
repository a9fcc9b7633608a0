"""Debian's docker-registry on the loopback, as tests need it: open, with passwords, with tokens."""

import base64
import json
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.rootfs import PATH, MissingPeerError
from tests.world import free_port

NAME, SECRET = "alice", "wonderland"
# crypt("wonderland") in the form that the registry knows.
_HTPASSWD = f"{NAME}:$2b$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW\n"


def tool(name: str) -> str:
    """A command of this machine; MissingPeerError when it is not installed."""
    found = shutil.which(name, path=PATH)
    if found is None:
        raise MissingPeerError(f"{name} is not installed; run `python -m tests.provision`")
    return found


def run(name: str, *arguments: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        [tool(name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 0, f"{name} {arguments}: {done.stderr}"
    return done.stdout


@contextmanager
def registry(storage: Path, work: Path, auth: dict[str, object] | None = None) -> Iterator[str]:
    """A registry over `storage`; the host and port at which it answers. Several may share one storage."""
    port = free_port()
    host = f"127.0.0.1:{port}"
    settings = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}},
        "http": {"addr": host},
        **({"auth": auth} if auth else {}),
    }
    file = work / f"registry-{port}.yml"
    file.write_text(json.dumps(settings))
    with (work / f"registry-{port}.log").open("w") as log:
        process = subprocess.Popen([tool("docker-registry"), "serve", str(file)], stdout=log, stderr=log)
    try:
        _wait(port, process)
        yield host
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    import socket

    for _ in range(400):
        assert process.poll() is None, "the registry ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the registry did not answer within 20 s")


def passwords(work: Path) -> dict[str, object]:
    """The setting of a registry that wants a password."""
    file = work / "htpasswd"
    file.write_text(_HTPASSWD)
    return {"htpasswd": {"realm": "tests", "path": str(file)}}


class Tokens:
    """A token service of ours, whose tokens the real registry verifies.

    Args:
        asked: the Authorization header of every request for a token.
    """

    def __init__(self, work: Path) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.work = work
        self.asked: list[str] = []
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())
        (work / "tokens.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    @contextmanager
    def serving(self) -> Iterator[dict[str, object]]:
        """The setting of a registry that wants tokens of this service."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (_TokenHandler,), {"tokens": self}))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield {
                "token": {
                    "realm": f"http://127.0.0.1:{server.server_address[1]}/token",
                    "service": "tests",
                    "issuer": "tests",
                    "rootcertbundle": str(self.work / "tokens.pem"),
                }
            }
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def token(self, scope: str) -> str:
        """A signed token (JWT, RS256) for a scope as `repository:NAME:pull`."""
        kind, name, actions = scope.split(":")
        now = int(time.time())
        certificate = base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()
        head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        body = {
            "iss": "tests", "sub": "somebody", "aud": "tests", "jti": "1",
            "iat": now - 60, "nbf": now - 60, "exp": now + 600,
            "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
        }  # fmt: skip
        signed = f"{_packed(json.dumps(head).encode())}.{_packed(json.dumps(body).encode())}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_packed(signature)}"


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class _TokenHandler(BaseHTTPRequestHandler):
    tokens: Tokens

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.tokens.asked.append(self.headers.get("Authorization", ""))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        assert query["service"] == ["tests"]
        secret = base64.b64encode(f"{NAME}:{SECRET}".encode()).decode()
        wrong = self.tokens.asked[-1] not in {"", f"Basic {secret}"}
        content = b"{}" if wrong else json.dumps({"token": self.tokens.token(query["scope"][0])}).encode()
        self.send_response(401 if wrong else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
