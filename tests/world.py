"""A home of its own for the `trimaran` command, cleaned up by what the command itself offers."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MARKER = "TRIMARAN_UNIT="


@dataclass(frozen=True, slots=True)
class World:
    """An empty home and the command in it."""

    home: Path
    environment: dict[str, str]

    @property
    def state(self) -> Path:
        return self.home / ".local/state/trimaran"

    def argv(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).parent / "trimaran"), *words]

    def run(self, *words: str, status: int | None = 0, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `trimaran WORDS`, and require an exit status unless it is None."""
        done = subprocess.run(
            self.argv(*words),
            env=self.environment | more,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert status is None or done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The same without waiting for its end."""
        return subprocess.Popen(
            self.argv(*words),
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ship(self, declaration: Path, *words: str) -> dict[str, Any]:
        """What `trimaran ship -o json` reports."""
        report: dict[str, Any] = json.loads(self.run("ship", str(declaration), "-o", "json", *words).stdout)
        return report

    def programs(self) -> list[int]:
        """The processes of every service that was shipped in this world, without the supervisors."""
        return [pid for pid in self.processes() if str(self.state).encode() in _read(pid, "exe")]

    def processes(self) -> list[int]:
        """Every process that this world's state folder started: programs and supervisors."""
        wanted = str(self.state).encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                words = _read(int(entry.name), "cmdline").split(b"\0")
                if any(word.startswith(wanted) for word in words):
                    found.append(int(entry.name))
        return found

    def supervisor(self, service: str) -> int:
        """The process id of a service's supervisor."""
        status = json.loads((self.state / f"host/local/services/{service}/status.json").read_text())
        return int(status["supervisor"]["pid"])


def _read(pid: int, what: str) -> bytes:
    try:
        if what == "exe":
            return os.fsencode(Path(f"/proc/{pid}/exe").readlink())
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


@contextmanager
def world(home: Path) -> Iterator[World]:
    """A world in the empty folder `home`; whatever it still runs at the end is taken down.

    Go's own caches are shared with the user's, because filling them takes minutes and proves nothing.
    """
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "GOCACHE": os.environ.get("GOCACHE", str(Path.home() / ".cache/go-build")),
        "GOMODCACHE": os.environ.get("GOMODCACHE", str(Path.home() / "go/pkg/mod")),
    }
    # Where modules come from is the machine's own configuration.
    for name in ("GOPROXY", "GOSUMDB", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "GOFLAGS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    here = World(home, environment)
    try:
        yield here
    finally:
        for folder in (here.state / "host/local/services").glob("*"):
            here.run("down", folder.name, status=None)
        for pid in here.processes():
            os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """A port of the loopback address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answer(port: int, path: str) -> int:
    """The status that a service answers with; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
