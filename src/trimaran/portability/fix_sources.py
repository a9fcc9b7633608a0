"""Reads what the sources of a build offer: which packages have C in them, and what stands beside it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, printable
from trimaran.facts import Scope, Stub, alternatives, stubs
from trimaran.portability.ways import CPackage
from trimaran.portability.ways_constraints import GoFile, go_file
from trimaran.toolchain import BuildRequest, Progress
from trimaran.toolchain.golist import Package, Question, packages
from trimaran.toolchain.steps import opened, relative

_FIELDS = ("ImportPath", "Name", "Standard", "Dir", "Module", "CgoFiles", "Error")
_MOST_FILES = 1000
_READ_BYTES = 1 << 16
_MOST_PACKAGES = 200


@dataclass(frozen=True, slots=True)
class Sources:
    """What is built, as `go list` tells it with cgo.

    Args:
        folder: of the module.
        package: relative to it, as `./cmd/x`.
        minor: the minor release of the Go that would build it, 26 for 1.26.
        packages: those with C in them, and those that are known to be stubs without it.
        instead: modules that could take a package's place, one line each.
    """

    folder: Path
    package: str
    minor: int
    packages: tuple[CPackage, ...]
    instead: tuple[str, ...]


def read(request: BuildRequest, cache: Path, progress: Progress) -> Sources:
    """The sources of a request; fetches the module where it must. Raises TRM03xx, TRM1360."""
    system, _, machine = request.platform.partition("/")
    settings = {"GOOS": system, "GOARCH": machine, "CGO_ENABLED": "1"}
    if request.module:
        settings["GOWORK"] = "off"
    flags = (f"-tags={','.join(request.tags)}",) if request.tags else ()
    with opened(request, cache, progress) as (go, source, scratch):
        package = relative(request.package, source.module)
        asked = Question(package, source.folder, scratch / "list", settings, flags, _FIELDS)
        listed = packages(go, asked, progress)
    _refuse(listed)
    known = {name: stub for stub in stubs() for name in stub.packages}
    with_c = [each for each in listed if each.cgo_files or each.path in known][:_MOST_PACKAGES]
    found = tuple(_c_package(each, known.get(each.path)) for each in with_c)
    return Sources(source.folder, package, go.version.minor, found, _instead(found))


def _instead(packages: tuple[CPackage, ...]) -> tuple[str, ...]:
    """Modules that could be taken instead, which changes the program's own code."""
    paths = {each.path for each in packages}
    return tuple(
        f"{each.module} instead of {', '.join(sorted(paths & {*each.replaces}))}: {each.effect}"
        for each in alternatives()
        if each.module and paths & {*each.replaces}
    )


def _refuse(listed: tuple[Package, ...]) -> None:
    faults = tuple(printable(each.fault) for each in listed if each.fault)
    if faults:
        fix = "mend what go says below; `go mod tidy` helps where go.mod or go.sum is not in order"
        raise TrimaranError(Problem("TRM1360", "the program cannot be listed", fix, None, faults[:10]))
    if not listed or listed[-1].name != "main":
        what = "the package is a library, and nothing starts it"
        raise TrimaranError(Problem("TRM1360", what, "name a main package, as ./cmd/x"))


def _c_package(package: Package, known: Stub | None) -> CPackage:
    module = "" if package.standard else package.module
    files = tuple(_files(package.folder))
    if known is None:
        return CPackage(package.path, module, files)
    if known.scope is Scope.PACKAGE:
        return CPackage(package.path, module, files, stub=f'"{known.literal}"')
    return CPackage(package.path, module, files, partly=f"{', '.join(known.calls)}: {known.literal}")


def _files(folder: str) -> Iterator[GoFile]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=True))
    except OSError:
        return
    for name in [name for name in names if name.endswith(".go")][:_MOST_FILES]:
        try:
            with Path(folder, name).open("rb") as file:
                yield go_file(name, file.read(_READ_BYTES).decode("utf-8", "replace"))
        except OSError:
            continue
