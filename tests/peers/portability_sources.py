"""The Go programs, and the ways to build them, whose predicted verdicts are compared with real runs.

A new source is one line in `SOURCES`; a new way to build is one line in `BUILDS`. What was built is kept in
the user's cache, by source, way and release of Go.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.rootfs import CACHE, PATH

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
    environment: tuple[tuple[str, str], ...] = ()


_ALL = ("pure", "cgo", "pie", "pie-cgo", "static-pie", "static")
_ODD = (
    "race",
    "race-static",
    "loader-musl",
    "external",
    "relr",
    "netgo",
    "musl",
    "musl-static",
    "unloaded",
    "stripped-pie",
)
_PROCESSORS = ("386", "arm", "arm64", "mips64le", "ppc64le", "riscv64", "s390x", "loong64")
SOURCES = {
    "tiny": Source("tests/fixtures/go/tiny", builds=("pure", "v2", "v3", "v4", *_PROCESSORS)),
    "dns": Source("examples/article/dns", builds=(*_ALL, *_ODD)),
    "account": Source("tests/fixtures/go/account", builds=(*_ALL, "musl", "relr", "unloaded")),
    "article": Source("examples/article", patience_s=1.5),
    "podinfo": Source(
        package="github.com/stefanprodan/podinfo/cmd/podinfo@v1.8.1-0.20250910200901-e86405a8674e",
        patience_s=1.5,
    ),
    "sqlite": Source("tests/fixtures/go/sqlite", builds=(*_ALL, "musl", "musl-static", "relr")),
    "purego": Source("tests/fixtures/go/purego", builds=("pure", "pie", "cgo")),
    "gojq": Source(
        package="github.com/itchyny/gojq/cmd/gojq@v0.12.19",
        arguments=("-n", "[range(3)] | add"),
        builds=("pure", "pie"),
    ),
    "age-keygen": Source(package="filippo.io/age/cmd/age-keygen@v1.3.2", builds=("pure", "pie", "relr")),
    "shared": Source("tests/fixtures/go/shared", builds=("c-shared", "c-shared-relr")),
    "extension": Source("tests/fixtures/go/extension", builds=("plugin",)),
}
_EXTERNAL = "-ldflags=-linkmode=external"
BUILDS = {
    "pure": Build(cgo=False),
    "cgo": Build(cgo=True, flags=("-tags=netcgo",)),
    "pie": Build(cgo=False, flags=("-buildmode=pie",)),
    "pie-cgo": Build(cgo=True, flags=("-buildmode=pie", "-tags=netcgo")),
    "static-pie": Build(cgo=True, flags=("-buildmode=pie", f"{_EXTERNAL} -extldflags=-static-pie")),
    "static": Build(cgo=True, flags=(f"{_EXTERNAL} -extldflags=-static",)),
    "external": Build(cgo=True, flags=("-tags=netcgo", _EXTERNAL)),
    "race": Build(cgo=True, flags=("-race", "-tags=netcgo")),
    "race-static": Build(cgo=True, flags=("-race", f"{_EXTERNAL} -extldflags=-static")),
    # Made for glibc, and with the name of musl's loader.
    "loader-musl": Build(cgo=True, flags=("-tags=netcgo", "-ldflags=-I /lib/ld-musl-x86_64.so.1")),
    "relr": Build(
        cgo=True,
        flags=("-buildmode=pie", "-tags=netcgo", f"{_EXTERNAL} -extldflags=-Wl,-z,pack-relative-relocs"),
    ),
    "netgo": Build(cgo=True, flags=("-tags=netgo,osusergo",)),
    "musl": Build(cgo=True, flags=("-tags=netcgo", _EXTERNAL), environment=(("CC", "musl-gcc"),)),
    "musl-static": Build(
        cgo=True, flags=(f"{_EXTERNAL} -extldflags=-static",), environment=(("CC", "musl-gcc"),)
    ),
    # Position-independent, and without the name of a loader: nobody loads what it needs.
    "unloaded": Build(
        cgo=True,
        flags=("-buildmode=pie", "-tags=netcgo", f"{_EXTERNAL} -extldflags=-Wl,--no-dynamic-linker"),
    ),
    "stripped-pie": Build(cgo=False, flags=("-buildmode=pie", "-ldflags=-s -w")),
    "c-shared": Build(cgo=True, flags=("-buildmode=c-shared",)),
    "c-shared-relr": Build(
        cgo=True, flags=("-buildmode=c-shared", "-ldflags=-extldflags=-Wl,-z,pack-relative-relocs")
    ),
    "plugin": Build(cgo=True, flags=("-buildmode=plugin",)),
    **{f"v{level}": Build(cgo=False, environment=(("GOAMD64", f"v{level}"),)) for level in (2, 3, 4)},
    **{machine: Build(cgo=False, environment=(("GOARCH", machine),)) for machine in _PROCESSORS},
}


def built(name: str, way: str) -> Path:
    """A program of `SOURCES`, from the cache where it was built before."""
    source = SOURCES[name]
    ready = CACHE / "go-programs" / f"{_key(name, way)}" / name
    if not ready.is_file():
        ready.parent.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ready.parent.parent, prefix=".building-") as folder:
            made = build(source, BUILDS[way], Path(folder) / "made" / name)
            ready.parent.mkdir(exist_ok=True)
            made.replace(ready)
    return ready


def collect(say: Callable[[str], None] = lambda line: None) -> None:
    """Build whatever is not in the cache yet."""
    for name, source in SOURCES.items():
        say(f"{name}: building it in {len(source.builds)} ways")
        for way in source.builds:
            built(name, way)


def _key(name: str, way: str) -> str:
    source = SOURCES[name]
    said = [_release(), repr(BUILDS[way]), source.package]
    folder = REPOSITORY / source.folder
    if source.folder:
        files = (path for path in sorted(folder.glob("*")) if path.suffix in {".go", ".mod", ".sum"})
        said += [path.read_text("utf-8") for path in files]
    return f"{name}-{way}-{hashlib.sha256(chr(0).join(said).encode()).hexdigest()[:16]}"


@cache
def _release() -> str:
    asked = ["go", "env", "GOVERSION"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/", env=_kept())
    return done.stdout


def build(source: Source, way: Build, program: Path) -> Path:
    """Build a program for Linux on this machine's kind of processor; the Go build cache makes it quick."""
    flags = ["-trimpath", "-buildvcs=false", *way.flags]
    program.parent.mkdir(exist_ok=True)
    if source.folder:
        _go(["build", *flags, "-o", str(program), source.package], way, REPOSITORY / source.folder)
        return program
    _go(["install", *flags, source.package], way, program.parent, GOBIN=str(program.parent))
    return program.parent / source.package.partition("@")[0].rpartition("/")[2]


def _kept() -> dict[str, str]:
    # Only where things are kept is taken from the caller; GOFLAGS or GOROOT would change what is built.
    kept = ("GOPROXY", "GOCACHE", "GOMODCACHE", "GOPATH", "GOSUMDB", "GONOSUMDB", "GOINSECURE")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GO", "CGO_"))}
    environment |= {key: os.environ[key] for key in kept if key in os.environ}
    return environment | {"PATH": PATH, "GOTOOLCHAIN": "local", "GOFLAGS": ""}


def _go(arguments: list[str], way: Build, folder: Path, **more: str) -> None:
    environment = _kept() | {"CGO_ENABLED": str(int(way.cgo))} | dict(way.environment) | more
    done = subprocess.run(
        ["go", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
