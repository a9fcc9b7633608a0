"""Reads in a root file system what the facts ask for. Runs nothing of it, and opens regular files only."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from trimaran.errors import TrimaranError, fail, printable
from trimaran.facts import Distribution, Libc, distributions
from trimaran.rootfs import inside, libraries, record, texts
from trimaran.rootfs.libraries import Loader
from trimaran.rootfs.model import Contents

_LIBRARY_BYTES = 64 << 20
_DATABASE_BYTES = 64 << 20
_GO_TREES = ("usr/local/go", "usr/lib/go", "usr/lib/golang")


def measure(root: Path, name: str, today: str) -> tuple[str, Distribution, Contents]:
    """The machine of a root file system, its C library and libraries as a fact, and what else is there.

    Args:
        name: what the fact is called; where the facts know it, what cannot be measured comes from them.
        today: the day, as `2026-11-23`.

    Raises TRM1125 when no loader of a known C library is there, TRM1126 when it does not tell its version.
    """
    loader, version = _loader(root)
    found = libraries.inventory(root, loader)
    system = texts.os_release(inside.text(root, "etc/os-release") or inside.text(root, "usr/lib/os-release"))
    known = distributions().get(name)
    same = known is not None and known.libc is loader.libc
    fact = record.measured(
        distributions(),
        name,
        loader.libc,
        found,
        name=system.get("PRETTY_NAME") or (known.name if known else name),
        libc_version=version,
        cpu=known.cpu if known and same else 1,
        kernel=known.kernel if known and same else None,
        source=f"measured: {loader.path} and the libraries that it finds in a root file system",
        checked=today,
    )
    return loader.machine, fact, _contents(root, system, found)


def _of_libc(libc: Libc) -> Distribution:
    """Any distribution with this C library: what the facts say of the library itself is the same for all."""
    return next(each for each in distributions().values() if each.libc is libc)


def _loader(root: Path) -> tuple[Loader, str]:
    known = [(libc, machine, path) for libc in Libc for machine, path in _of_libc(libc).interpreters.items()]
    there = libraries.loaders(root, known)
    if not there:
        what = "there is no loader of a C library that is known"
        raise fail("TRM1125", what, "give the root of a distribution with glibc or musl, as / is on it")
    told = [(each, version) for each in there if (version := _version(root, each)) is not None]
    if not told:
        what = f"{there[0].path} does not tell its version, and libc.so.6 is not found"
        raise fail("TRM1126", what, "give the whole root of a distribution, with its C library")
    # Another C library may be installed beside the distribution's own; its shell tells which is which.
    shell = inside.resolve(root, "bin/sh")
    program = libraries.machine(shell) if shell is not None else None
    own = [each for each in told if program is not None and program == (each[0].machine, each[0].path)]
    return (own or told)[0]


def _version(root: Path, loader: Loader) -> str | None:
    content = inside.read(root, loader.path, _LIBRARY_BYTES)
    if loader.libc is Libc.MUSL:
        return texts.musl_version(content)
    # Loaders before 2.33 have no version in them, so the library that they load is asked.
    for folder in texts.glibc_folders(content):
        version = texts.glibc_version(inside.read(root, f"{folder}/libc.so.6", _LIBRARY_BYTES))
        if version is not None:
            return version
    return texts.glibc_version(content)


def _contents(root: Path, system: Mapping[str, str], found: Mapping[str, object]) -> Contents:
    manager, packages = _packages(root)
    return Contents(
        system=f"{system.get('ID', '')} {system.get('VERSION_ID', '')}".strip(),
        manager=manager,
        packages=packages,
        name_services=texts.name_services(inside.text(root, "etc/nsswitch.conf")),
        name_modules=tuple(name for name in found if name.startswith("libnss_") and name.endswith(".so.2")),
        go=_go(root),
    )


def _packages(root: Path) -> tuple[str, int | None]:
    for database in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        if content := inside.read(root, database, _DATABASE_BYTES):
            return "apk", texts.apk_installed(content.decode("utf-8", "replace"))
    for folder in ("var/lib/rpm", "usr/lib/sysimage/rpm"):
        if {"rpmdb.sqlite", "Packages", "Packages.db"} & set(inside.names(root, folder)):
            return "rpm", None
    if inside.resolve(root, "var/lib/dpkg/status") is not None:
        content = inside.read(root, "var/lib/dpkg/status", _DATABASE_BYTES)
        return "dpkg", texts.dpkg_installed(content.decode("utf-8", "replace"))
    return "", None


def _go(root: Path) -> str:
    packaged = (f"usr/lib/{name}" for name in inside.names(root, "usr/lib") if name.startswith("go-1."))
    found = (texts.go_release(inside.text(root, f"{tree}/VERSION", 200)) for tree in (*_GO_TREES, *packaged))
    return next((version for version in found if version), "")


def named(error: TrimaranError, origin: str) -> TrimaranError:
    """The same problems, which say where the root file system came from."""
    problems = [replace(each, what=f"{printable(origin)}: {each.what}") for each in error.problems]
    return TrimaranError(*problems, status=error.status)
