"""The vSphere platform under the contract: a vCenter simulator of its own, asked with govc what it holds."""

import datetime as dt
import fcntl
import ipaddress
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path, PurePath
from typing import Any

import platformdirs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.crash.platforms import CANARY, SECRET_VARIABLE, TARGET
from trimaran import lab
from trimaran.action import ABSENT, Action, Json, Object, Session, Undo, Verb
from trimaran.platform import Access, Made, platform
from trimaran.platform.vsphere.client import Client
from trimaran.platform.vsphere.session import VSphereSession
from trimaran.spec.fleet import VSphereTarget
from trimaran.spec.service import Service

CACHE = platformdirs.user_cache_path("trimaran")
USER = "trimaran@vsphere.local"
TEMPLATE = "debian-12"
FOLDER = "trimaran"
MADE = Made("sha256:" + "a" * 64, "web", "registry.invalid/web", image_is_pinned=False)
_CHANGES = {"CloneVM_Task", "ReconfigVM_Task", "Destroy_Task"}
_STARTED: dict[int, "subprocess.Popen[bytes]"] = {}
_EFFECTS = {"VmCreatedEvent", "VmReconfiguredEvent", "VmRemovedEvent"}


def program(name: str) -> Path:
    """vcsim or govc, built on first use."""
    return lab.programs(CACHE, lambda line: None, (name,))[name]


def certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vcenter.example.com")])
    now = dt.datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


class Center:
    """A vcsim in a folder of its own; it holds what it has until it is stopped."""

    def __init__(self, folder: Path, password: str) -> None:
        self.folder, self.password = folder, password

    def start(self) -> None:
        """Run, unless it does; several processes may ask at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (self.folder / "address").exists():
                return
            certificate(self.folder)
            (self.folder / "password").write_text(self.password)
            argv = [str(program("vcsim")), "-listen", "127.0.0.1:0", "-user", USER, "-template", TEMPLATE]
            argv += [
                "-certificate",
                str(self.folder / "certificate.pem"),
                "-key",
                str(self.folder / "key.pem"),
            ]
            argv += ["-password-file", str(self.folder / "password")]
            with (self.folder / "log").open("w") as log:
                child = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            _STARTED[child.pid] = child  # it may outlive this process
            (self.folder / "pid").write_text(str(child.pid))
            (self.folder / "address").write_text(self._address(child))

    def _address(self, child: "subprocess.Popen[bytes]") -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end and child.poll() is None:
            for line in (self.folder / "log").read_text().splitlines():
                if line.startswith("listening on "):
                    return line.removeprefix("listening on ").strip()
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        with suppress(FileNotFoundError):
            pid = int((self.folder / "pid").read_text())
            (self.folder / "pid").unlink()
            if str(self.folder).encode() in _command(pid):
                os.kill(pid, signal.SIGKILL)
            if pid in _STARTED:
                _STARTED.pop(pid).wait()

    @property
    def address(self) -> str:
        return (self.folder / "address").read_text()

    def settings(self, **more: Any) -> VSphereTarget:
        """The center as a fleet names it."""
        wanted = {
            "platform": "vsphere",
            "url": f"https://{self.address}/sdk",
            "user": USER,
            "password": {"from": "env", "path": SECRET_VARIABLE},
            "ca": str(self.folder / "certificate.pem"),
            "template": TEMPLATE,
            "folder": FOLDER,
        }
        return VSphereTarget.model_validate({**wanted, **more})

    def govc(self, *args: str, check: bool = True) -> str:
        """What VMware's own client says."""
        # A session of its own each time: tests end sessions.
        environment = {
            **os.environ,
            "GOVC_URL": f"https://{self.address}/sdk",
            "GOVC_USERNAME": USER,
            "GOVC_PASSWORD": self.password,
            "GOVC_TLS_CA_CERTS": str(self.folder / "certificate.pem"),
            "GOVC_PERSIST_SESSION": "false",
        }
        argv = [str(program("govc")), *args]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def machine(self, name: str, folder: str = FOLDER) -> dict[str, Any] | None:
        """What stands under that name, as vCenter's API tells it."""
        told = json.loads(self.govc("vm.info", "-json", f"/DC0/vm/{folder}/{name}"))
        found: list[dict[str, Any]] = told["virtualMachines"] or []
        return found[0] if found else None

    def events(self) -> list[tuple[int, str, str]]:
        """The newest thousand events, oldest first: number, kind, and what vCenter says of it."""
        told = self.govc("events", "-n", "1000", "-l", "/")
        lines = re.findall(r"^\[.*?\] \[.*?\] \[(\d+)\] \[(\w+)\] (.*)$", told, re.MULTILINE)
        return [(int(number), kind, said) for number, kind, said in lines]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def running(folder: Path, password: str) -> Iterator[Center]:
    """A center that runs for as long as a block does."""
    center = Center(folder, password)
    center.start()
    try:
        yield center
    finally:
        center.stop()


class DyingClient(Client):
    """Is killed around the call that begins a change of a machine."""

    kill: Callable[[], None]
    place: str

    def _connect(self) -> Any:
        stub = super()._connect()
        invoke = stub._invoke

        def dying(mo: Any, info: Any, *args: Any) -> Any:
            if info.wsdlName in _CHANGES and self.place == "ready, not begun":
                self.kill()
            found = invoke(mo, info, *args)
            if info.wsdlName in _CHANGES:
                self.kill()
            return found

        stub._invoke = dying  # type: ignore[method-assign,assignment]  # as the real one, but deadly
        return stub


class VSphereCenter:
    def _center(self, home: Path) -> Center:
        center = Center(home / "center", CANARY)
        center.start()
        return center

    def _access(self) -> Access:
        return Access(PurePath("/nowhere"), {}, _resolve, lambda: dt.datetime.now(UTC))

    def _settings(self, home: Path) -> VSphereTarget:
        center = self._center(home)
        # Nobody listens on port 1.
        return center.settings(**({"url": "https://127.0.0.1:1/sdk"} if (home / "blind").exists() else {}))

    def _wanted(self, home: Path, **env: str) -> Object:
        document = {
            "apiVersion": "trimaran.dev/v1alpha1",
            "kind": "PlatformAgnosticSpec",
            "metadata": {"name": "web"},
            "spec": {
                "binary": "web",
                "env": env,
                "secrets": {"DB_PASSWORD": {"from": "env", "path": SECRET_VARIABLE}},
                "volumes": {"state": {"mount": "/var/lib/web", "size": "64Mi"}},
            },
        }
        service, settings = Service.model_validate(document), self._settings(home)
        return platform("vsphere").render(service, TARGET, settings, MADE).objects[0]

    def open(self, home: Path) -> Session:
        return VSphereSession(TARGET, self._settings(home), self._access())

    def dying(self, home: Path, kill: Callable[[], None]) -> Mapping[str, Session]:
        found: dict[str, Session] = {}
        for place in ("ready, not begun", "begun, not looked at"):
            settings = self._settings(home)
            client = DyingClient(TARGET, settings, _resolve)
            client.kill, client.place = kill, place
            found[place] = VSphereSession(TARGET, settings, self._access(), client)
        return found

    def create(self, home: Path) -> Action:
        wanted = self._wanted(home)
        return Action(
            TARGET, Verb.CREATE, wanted.ref, wanted.document, ABSENT, Undo.RESTORE, "ship web", "create"
        )

    def update(self, home: Path) -> Action:
        wanted = self._wanted(home, LOG_LEVEL="debug")
        return Action(
            TARGET, Verb.UPDATE, wanted.ref, wanted.document, None, Undo.RESTORE, "ship web", "update"
        )

    def delete(self, home: Path) -> Action:
        ref = self._wanted(home).ref
        return Action(TARGET, Verb.DELETE, ref, {}, None, Undo.RESTORE, "down web", "delete")

    def truth(self, home: Path) -> Json:
        machine = self._center(home).machine("web-0")
        if machine is None:
            return None
        config = machine["config"]
        return {
            "cpus": config["hardware"]["numCPU"],
            "memory": config["hardware"]["memoryMB"],
            "disks": sorted(
                each["capacityInBytes"] for each in config["hardware"]["device"] if "capacityInBytes" in each
            ),
            "keys": {
                each["key"]: each["value"]
                for each in config["extraConfig"]
                if each["key"].startswith("guestinfo.")
            },
        }

    def effects(self, home: Path) -> int:
        return sum(kind in _EFFECTS and "web-0" in said for _, kind, said in self._center(home).events())

    def blind(self, home: Path, on: bool) -> None:
        if on:
            (home / "blind").touch()
        else:
            (home / "blind").unlink()

    def clean_up(self, home: Path) -> None:
        Center(home / "center", CANARY).stop()


def _resolve(reference: Mapping[str, Json]) -> str:
    assert reference["from"] == "env"
    return os.environ[reference["path"]]
