"""Reads the data files of this package. Each is read once, when it is first asked for.

An entry says where it comes from (`source`) and when that was read (`checked`). "Remembered" is not a
source: such an entry does not load, and `refused()` names it.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from trimaran.facts.model import (
    Amd64Level,
    ClusterKind,
    Distribution,
    GoBootstrap,
    GoKernel,
    GoMachineKernel,
    GoPackage,
    Libc,
    Refused,
    SymbolVersion,
)
from trimaran.facts.read import Entry, listed, read
from trimaran.facts.tables import table

_FILES = (
    "alternatives", "distributions", "dynamic", "glibc_symbols", "go", "kinds", "libcs", "musl_symbols",
    "packages", "refusals", "stubs",
)  # fmt: skip


@cache
def distributions() -> Mapping[str, Distribution]:
    """Every distribution of which the C library is known, by id, in the order in which people read them."""
    entries, _ = read("distributions")
    libcs, _ = read("libcs")
    found = {name: _distribution(name, entry, libcs) for name, entry in entries.items()}
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: _order(item[0]))))


@cache
def go_kernels() -> tuple[GoKernel, ...]:
    """What Go's releases need of Linux, oldest release first."""
    entries = listed("go", "kernel")
    return tuple(GoKernel(e["first"], e["linux"], e["source"], str(e["checked"])) for e in entries)


@cache
def go_machine_kernels() -> tuple[GoMachineKernel, ...]:
    """What Go's releases need of Linux on architectures that are not like the others."""
    entries = listed("go", "machine_kernel")
    return tuple(
        GoMachineKernel(e["arch"], e["first"], e["linux"], e["source"], str(e["checked"])) for e in entries
    )


@cache
def amd64_levels() -> Mapping[int, Amd64Level]:
    """What each GOAMD64 asks of the processor, by level, 1 to 4."""
    flags: tuple[str, ...] = ()
    found: dict[int, Amd64Level] = {}
    for e in listed("go", "amd64"):
        flags += tuple(e["flags"])
        found[e["level"]] = Amd64Level(e["level"], flags, e["source"], str(e["checked"]))
    return MappingProxyType(found)


@cache
def go_bootstraps() -> tuple[GoBootstrap, ...]:
    """Which Go builds which releases from source, oldest release first."""
    entries = listed("go", "bootstrap")
    return tuple(GoBootstrap(e["first"], e["needs"], e["source"], str(e["checked"])) for e in entries)


@cache
def go_packages() -> tuple[GoPackage, ...]:
    """Which Go the distributions' own packages bring."""
    entries = listed("go", "package")
    return tuple(
        GoPackage(e["distribution"], e["version"], tuple(e["also"]), e["source"], str(e["checked"]))
        for e in entries
    )


@cache
def glibc_symbols() -> tuple[SymbolVersion, ...]:
    """What raises the glibc that a program needs, oldest version first."""
    entries, _ = read("glibc_symbols")
    return tuple(
        SymbolVersion(name, tuple(e["symbols"]), tuple(e.get("markers", ())), e["source"], str(e["checked"]))
        for name, e in entries.items()
    )


@cache
def cluster_kinds() -> Mapping[str, ClusterKind]:
    """Every kind that we render for clusters, by name, in the order in which they are applied."""
    entries, _ = read("kinds")
    found = [
        ClusterKind(name, e["version"], e["plural"], e["wave"], e["source"], str(e["checked"]))
        for name, e in entries.items()
    ]
    return MappingProxyType({each.name: each for each in sorted(found, key=lambda each: each.wave)})


@cache
def refused() -> tuple[Refused, ...]:
    """Every entry that did not load for want of a source."""
    return tuple(entry for name in _FILES for entry in read(name)[1])


def _distribution(name: str, entry: Entry, libcs: Mapping[str, Entry]) -> Distribution:
    libc = Libc(entry["libc"])
    own = libcs[libc]
    exported, perhaps = _musl(entry["version"]) if libc is Libc.MUSL else (None, frozenset())
    return Distribution(
        id=name,
        name=entry["name"],
        libc=libc,
        libc_version=entry["version"],
        interpreters=MappingProxyType(own["interpreters"]),
        libraries=frozenset([*own["libraries"], *entry.get("libraries", ())]),
        base=_base().get(name, frozenset()),
        elsewhere=_elsewhere(libc, libcs),
        source=entry["source"],
        checked=str(entry["checked"]),
        symbols=exported,
        perhaps=perhaps,
        cpu=entry.get("cpu", 1),
        kernel=entry.get("kernel"),
        relr_since=own.get("relr_since"),
        relr_lacking=own.get("relr_lacking"),
        go_kernels=go_kernels(),
    )


@cache
def _musl(version: str) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """What a release of musl exports for certain, and perhaps; None for nothing known, and for any name.

    Its dynamic runtime has a stable ABI (musl's README), so what was measured of an older release bounds it
    from below, and of a newer one from above. Of Debian's builds only what others have too counts.
    """
    measured = read("musl_symbols")[0]
    if version in measured:
        return _names(version), frozenset()
    here, builds = _release(version), musl_symbols()
    older = [_names(each) for each in measured if _release(each) < here]
    older += [
        builds[name] & _names(like)
        for name, like, *_ in table("musl_debian").rows
        if _release(name.partition("-")[0]) <= here
    ]
    newer = [_names(each) for each in measured if _release(each) > here]
    certain = frozenset[str]().union(*older)
    return certain or None, frozenset.intersection(*newer) - certain if newer else None


@cache
def _names(version: str) -> frozenset[str]:
    return frozenset(read("musl_symbols")[0][version]["names"].split())


@cache
def musl_symbols() -> Mapping[str, frozenset[str]]:
    """What musl exports: by its version, and by `1.2.3-debian` where only Debian's own build was measured.

    Debian's builds add some names (fts_open) and leave out others (crypt), so they tell nothing of Alpine's.
    """
    found = {version: _names(version) for version in read("musl_symbols")[0]}
    for version, like, *names in table("musl_debian").rows:
        more = {name[1:] for name in names if name[0] == "+"}
        lacks = {name[1:] for name in names if name[0] == "-"}
        found[version] = (found[like] | more) - lacks
    return MappingProxyType(found)


@cache
def _base() -> Mapping[str, frozenset[str]]:
    return {row[0]: frozenset(row[1:]) for row in table("base").rows}


def _elsewhere(libc: Libc, libcs: Mapping[str, Entry]) -> Mapping[str, Libc]:
    found: dict[str, Libc] = {}
    for name, other in libcs.items():
        if name != libc:
            files = [
                *other["libraries"],
                *(path.rpartition("/")[2] for path in other["interpreters"].values()),
            ]
            found |= dict.fromkeys(files, Libc(name))
    return MappingProxyType(found)


def _order(name: str) -> tuple[str, tuple[int, ...]]:
    system, _, release = name.partition("-")
    return system, _release(release)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
