"""Reads the sources of listed packages, in bounded memory: pragmas, stubs, what C code calls."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from trimaran.binary.verdict_later import NEED_NO_CGO
from trimaran.facts import refusals, stubs
from trimaran.facts.modules import Scope, Stub
from trimaran.portability import predict_names, predict_stub
from trimaran.portability.predict_model import Brings, Brought
from trimaran.portability.predict_stub import Pragma
from trimaran.toolchain.golist import Package

_FILE_BYTES = 16 << 20
_C_BYTES = 24 << 20
_C_FILE_BYTES = 4 << 20
_CAREFUL_BYTES = 1 << 18
_SHOWN = 4


def _read(folder: str, name: str) -> bytes:
    """At most `_FILE_BYTES` of a source; nothing when it cannot be read, which `go build` will tell."""
    with suppress(OSError):
        descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return os.read(descriptor, _FILE_BYTES)
        finally:
            os.close(descriptor)
    return b""


def _brought(kind: Brings, package: Package, evidence: Iterable[str], *, certain: bool = True) -> Brought:
    lines = list(evidence)
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], f"and {len(lines) - _SHOWN} more"]
    return Brought(kind, package.path, package.module, package.version, tuple(lines), certain)


def cgo(packages: Sequence[Package]) -> Iterator[Brought]:
    """Packages outside the standard library that have C in them, and what they ask of the linker."""
    for package in packages:
        if package.cgo_files and not package.standard:
            evidence = [f"{len(package.cgo_files)} cgo files, {len(package.c_files)} C files"]
            evidence += [f"LDFLAGS {' '.join(package.ldflags)}"] if package.ldflags else []
            evidence += [f"pkg-config {' '.join(package.pkg_config)}"] if package.pkg_config else []
            yield _brought(Brings.CGO, package, evidence)


def pragma_files(*listings: Sequence[Package]) -> dict[tuple[str, str], tuple[Pragma, ...]]:
    """(folder, name) → the pragmas in that Go file, of all files of the listings that have any.

    Go's own packages have none for Linux.
    """
    files = {
        (package.folder, name): None
        for packages in listings
        for package in packages
        if not package.standard
        for name in package.go_files
    }
    found = {place: predict_stub.pragmas(_read(*place)) for place in files}
    return {place: asked for place, asked in found.items() if asked}


def asked(
    packages: Sequence[Package], files: Mapping[tuple[str, str], Sequence[Pragma]]
) -> dict[str, tuple[Pragma, ...]]:
    """Import path → the pragmas of that package, where it has any."""
    found = {
        package.path: tuple(
            each for name in package.go_files for each in files.get((package.folder, name), ())
        )
        for package in packages
    }
    return {path: pragmas for path, pragmas in found.items() if pragmas}


def dynamic(packages: Sequence[Package], pragmas: Mapping[str, Sequence[Pragma]]) -> Iterator[Brought]:
    """Packages with a pragma that makes the program load libraries."""
    for package in packages:
        if package.path in pragmas:
            names = dict.fromkeys(each.library or each.symbol for each in pragmas[package.path])
            yield _brought(Brings.PRAGMA, package, [f"loads {', '.join(names)}"])


def prebuilt(packages: Sequence[Package]) -> Iterator[Brought]:
    """Packages with object files or libraries in them that nobody compiles here."""
    for package in packages:
        names = list(package.objects)
        if package.cgo_files and not package.standard:
            with suppress(OSError):
                names += sorted(name for name in os.listdir(package.folder) if name.endswith((".a", ".so")))  # noqa: PTH208
            inside = [flag for flag in package.ldflags if flag.endswith(".a") and not flag.startswith("-")]
            names += [Path(flag).name for flag in inside]
        if names and not package.standard:
            yield _brought(Brings.PREBUILT, package, dict.fromkeys(names))


def assembly(packages: Sequence[Package]) -> Iterator[Brought]:
    """Packages outside the standard library with assembly."""
    for package in packages:
        if package.s_files and not package.standard:
            yield _brought(Brings.ASSEMBLY, package, package.s_files)


def without_cgo(packages: Sequence[Package], pure: Sequence[Package]) -> Iterator[Brought]:
    """What happens to packages with C in them when cgo is off.

    Args:
        packages: as listed with cgo.
        pure: as listed without.
    """
    known = {path: stub for stub in stubs() for path in stub.packages}
    refused = {each.package: each for each in refusals()}
    alone = {package.path: package for package in pure}
    for package in packages:
        stub = known.get(package.path)
        if stub is not None and _covers(stub, package):
            said = f"{', '.join(stub.calls)}: {stub.literal!r}"
            yield _brought(_weight(stub, pure), package, [said])
        elif package.path in refused and refused[package.path].uses is None:
            yield _brought(Brings.REFUSAL, package, [refused[package.path].message])
        elif package.cgo_files and not package.standard and package.path in alone:
            # Whoever imports one that is not listed does so with cgo only.
            compiles = package.path in refused
            yield from _unknown(package, alone[package.path], pure, compiles=compiles)


def _weight(stub: Stub, pure: Sequence[Package]) -> Brings:
    """How much of a program fails with it."""
    if stub.scope is Scope.FUNCTIONS:
        return Brings.PARTLY
    # What a program is there for may well do without one that is no database, or with another driver.
    fails = stub.is_database and not NEED_NO_CGO & {each.module for each in pure}
    return Brings.STUB if fails else Brings.POSSIBLE_STUB


def _covers(stub: Stub, package: Package) -> bool:
    """Whether the version is one that is a stub; without a version, the newest is assumed."""
    if package.standard or not package.version:
        return True
    here = _release(package.version)
    since, until = (_release(version) if version else None for version in (stub.since, stub.until))
    return (since is None or here >= since) and (until is None or here < until)


def _release(version: str) -> tuple[int, ...]:
    parts = version.removeprefix("v").partition("-")[0].partition("+")[0].split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in parts)


def _unknown(
    package: Package, alone: Package, pure: Sequence[Package], *, compiles: bool
) -> Iterator[Brought]:
    """What becomes without cgo of a package with C: its files for that may be a stub, or not compile.

    Args:
        compiles: whether it is known to compile by itself.
    """
    if not alone.go_files:
        yield _brought(Brings.REFUSAL, package, ["no file is left of it"])
        return
    instead = sorted(set(alone.go_files) - set(package.go_files))
    if not instead:
        yield from _without_names(package, alone, pure, compiles=compiles)
        return
    for name in instead:
        seen = predict_stub.failing(_read(package.folder, name))
        if seen.failing and 2 * seen.failing >= seen.functions:
            said = f": {seen.message!r}" if seen.message else ""
            evidence = [f"{name}: {seen.failing} of {seen.functions} functions only fail{said}"]
            yield _brought(Brings.POSSIBLE_STUB, package, evidence, certain=False)
            return


def _without_names(
    package: Package, alone: Package, pure: Sequence[Package], *, compiles: bool
) -> Iterator[Brought]:
    """Whether names are used that only the files with C declare, for which no file stands in."""
    left = [_read(alone.folder, name) for name in alone.go_files]
    away = set(package.go_files) - set(alone.go_files)
    names = predict_names.gone((_read(package.folder, name) for name in (*package.cgo_files, *away)), left)
    for other in pure:
        for name in other.go_files if not other.standard and other.path != package.path else ():
            used = predict_names.used(_read(other.folder, name), package.path, package.name, names)
            if used:
                first = min(used).decode("utf-8", "replace")
                what = f"{other.path} uses {package.name}.{first}, which only files with C declare"
                yield _brought(Brings.REFUSAL, package, [what])
                return
    if not compiles and any(predict_names.mentioned(source, names) for source in left):
        what = f"no file stands in for {', '.join(package.cgo_files[:2])}"
        yield _brought(Brings.REFUSAL, package, [what], certain=False)


def own_calls(packages: Sequence[Package], paths: Iterable[str]) -> dict[str, frozenset[str]]:
    """Import path → C functions that Go's own C code calls, for those of `paths` that are in the build."""
    wanted = set(paths)
    found = {}
    for package in packages:
        if package.standard and package.path in wanted:
            names: set[str] = set()
            for name in package.c_files:
                names |= predict_stub.c_calls(_read(package.folder, name), careful=True)
            for name in package.cgo_files:
                names |= predict_stub.cgo_calls(_read(package.folder, name))
            found[package.path] = frozenset(names)
    return found


def other_calls(packages: Sequence[Package]) -> dict[str, frozenset[str]]:
    """Import path → names that look like C calls in packages outside the standard library.

    At most `_C_FILE_BYTES` of a file and `_C_BYTES` of all are looked at: a hint, which decides nothing.
    """
    found = {}
    left = _C_BYTES
    for package in packages:
        if package.cgo_files and not package.standard:
            names: set[str] = set()
            for name in (*package.c_files, *package.cgo_files):
                if left <= 0:
                    break
                source = _read(package.folder, name)[:_C_FILE_BYTES]
                left -= len(source)
                names |= predict_stub.c_calls(source, careful=len(source) <= _CAREFUL_BYTES)
                names |= predict_stub.cgo_calls(source) if name in package.cgo_files else set()
            found[package.path] = frozenset(names)
    return found
