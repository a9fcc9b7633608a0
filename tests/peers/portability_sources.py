"""The programs, and the ways to build them, whose predicted verdicts are compared with real runs.

A new source is one line in `SOURCES`; a new way to build is one line in `BUILDS`.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.rootfs import PATH

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Source:
    """A Go main package: a folder of this repository, or a package of a module from the proxy.

    Args:
        folder: the module's folder, from the repository's root; empty for a package with a version.
        arguments: what to start the program with.
        patience_s: how long it is watched. A program that is then still there has started.
        builds: the names of the ways to build it, in `BUILDS`.
    """

    folder: str = ""
    package: str = "."
    arguments: tuple[str, ...] = ()
    patience_s: float = 20
    builds: tuple[str, ...] = ("pure", "cgo", "pie", "pie-cgo")


@dataclass(frozen=True, slots=True)
class Build:
    """A way to build a Go program."""

    cgo: bool
    flags: tuple[str, ...] = ()


_ALL = ("pure", "cgo", "pie", "pie-cgo", "static-pie", "static")
SOURCES = {
    "dns": Source("examples/article/dns", builds=_ALL),
    "account": Source("tests/fixtures/go/account", builds=_ALL),
    "article": Source("examples/article", patience_s=1.5),
    "podinfo": Source(
        package="github.com/stefanprodan/podinfo/cmd/podinfo@v1.8.1-0.20250910200901-e86405a8674e",
        patience_s=1.5,
    ),
}
BUILDS = {
    "pure": Build(cgo=False),
    "cgo": Build(cgo=True, flags=("-tags=netcgo",)),
    "pie": Build(cgo=False, flags=("-buildmode=pie",)),
    "pie-cgo": Build(cgo=True, flags=("-buildmode=pie", "-tags=netcgo")),
    "static-pie": Build(
        cgo=True, flags=("-buildmode=pie", "-ldflags=-linkmode=external -extldflags=-static-pie")
    ),
    "static": Build(cgo=True, flags=("-ldflags=-linkmode=external -extldflags=-static",)),
}


def build(source: Source, way: Build, program: Path) -> Path:
    """Build a program for Linux on this machine's kind of processor; the Go build cache makes it quick."""
    flags = ["-trimpath", "-buildvcs=false", *way.flags]
    if source.folder:
        _go(["build", *flags, "-o", str(program), source.package], way, REPOSITORY / source.folder)
        return program
    _go(["install", *flags, source.package], way, program.parent, GOBIN=str(program.parent))
    return program.parent / source.package.partition("@")[0].rpartition("/")[2]


def _go(arguments: list[str], way: Build, folder: Path, **more: str) -> None:
    # Only where things are kept is taken from the caller; GOFLAGS or GOROOT would change what is built.
    kept = ("GOPROXY", "GOCACHE", "GOMODCACHE", "GOPATH", "GOSUMDB", "GONOSUMDB", "GOINSECURE")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GO", "CGO_"))}
    environment |= {key: os.environ[key] for key in kept if key in os.environ}
    environment |= {
        "PATH": PATH,
        "CGO_ENABLED": str(int(way.cgo)),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
    } | more
    done = subprocess.run(
        ["go", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
