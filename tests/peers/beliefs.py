"""Building and running for the tests of beliefs: what is often said, and what happens when it is tried."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.rootfs import PATH, MissingPeerError, rootfs

REPOSITORY = Path(__file__).resolve().parents[2]
DNS = REPOSITORY / "examples/article/dns"
ACCOUNT = REPOSITORY / "tests/fixtures/go/account"
PUREGO = REPOSITORY / "tests/fixtures/go/purego"
SQLITE = REPOSITORY / "tests/fixtures/go/sqlite"
INTERPRETER = "/lib64/ld-linux-x86-64.so.2"
_KEPT = ("GOPROXY", "GOCACHE", "GOMODCACHE", "GOPATH", "GOSUMDB", "GONOSUMDB", "GOINSECURE")
Ended = subprocess.CompletedProcess[str]


def settings(more: Mapping[str, str]) -> dict[str, str]:
    """Only where things are kept is taken from the caller: GOFLAGS or GOROOT would change what is built."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GO", "CGO_", "CC"))}
    kept |= {key: os.environ[key] for key in _KEPT if key in os.environ}
    return kept | {"PATH": PATH, "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath -buildvcs=false"} | dict(more)


def go(arguments: Sequence[str], folder: Path, **more: str) -> Ended:
    """Run `go` as it is on this machine, to its end."""
    return subprocess.run(
        ["go", *arguments], cwd=folder, env=settings(more), capture_output=True, text=True, check=False,
        timeout=280,
    )  # fmt: skip


def built(program: Path, folder: Path, *flags: str, cgo: bool = True, **more: str) -> Path:
    """The package in `folder`, built to `program`."""
    done = go(["build", *flags, "-o", str(program), "."], folder, CGO_ENABLED=str(int(cgo)), **more)
    assert done.returncode == 0, done.stderr
    return program


def run(argv: Sequence[str | Path], **environment: str) -> Ended:
    """Run something of this machine, with nothing but PATH and `environment` around it."""
    return subprocess.run(
        list(map(str, argv)), env={"PATH": PATH, "LC_ALL": "C", **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def inside(
    name: str | Path, program: Path, *argv: str, binds: Mapping[str, Path] | None = None,
    links: Mapping[str, str] | None = None, **environment: str,
) -> Ended:  # fmt: skip
    """Run `argv` (`/tmp/program` when none is given) inside a distribution's root file system.

    Args:
        name: of the distribution; or the folder of a root file system.
        binds: place there → file here, on top of the root.
        links: place there → what it links to; its folder must not be the root's own.
    """
    bwrap = shutil.which("bwrap", path=PATH)
    if bwrap is None:
        raise MissingPeerError("bwrap is not installed; run `python -m tests.provision`")
    root = [
        part
        for each in sorted((rootfs(name) if isinstance(name, str) else name).iterdir())
        for part in _shown(each)
    ]
    on_top = [part for place, file in (binds or {}).items() for part in ("--ro-bind", str(file), place)]
    for place, target in (links or {}).items():
        on_top += ["--symlink", target, place]
    given = [part for key, value in environment.items() for part in ("--setenv", key, value)]
    return run([
        bwrap, "--tmpfs", "/", *root, "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
        "--ro-bind", program, "/tmp/program", *on_top, "--unshare-all", "--die-with-parent", "--clearenv",
        "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", *given, "--", *(argv or ("/tmp/program",)),
    ])  # fmt: skip


def _shown(place: Path) -> tuple[str, ...]:
    """One folder, file or link of the top of a root file system, as bubblewrap puts it there."""
    if place.is_symlink():
        return ("--symlink", str(place.readlink()), f"/{place.name}")
    return ("--ro-bind", str(place), f"/{place.name}")


def dynamic(program: Path) -> str:
    """The dynamic section and the program headers, as binutils print them."""
    done = run(["readelf", "-dlW", program])
    assert done.returncode == 0, done.stderr
    return done.stdout
