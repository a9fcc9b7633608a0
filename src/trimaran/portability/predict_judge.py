"""Decides what a program would be, with cgo and without, and where it would start. Pure.

Which builds Go links itself, and which the C compiler: cmd/link/internal/ld, `internalpkg` and
`mustLinkExternal`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trimaran.binary import File, GoBuild, Kind, Module, Outcome, Rule, Verdict, VersionNeed, verdicts
from trimaran.binary.model import glibc_number
from trimaran.facts import Distribution, Libc
from trimaran.portability.blame_model import Contribution
from trimaran.portability.predict_model import Brings, Brought, Floor, Way
from trimaran.toolchain.golist import Package

# GOARCH → the name of `uname -m`.
MACHINES = {
    "386": "i386",
    "amd64": "x86_64",
    "arm": "arm",
    "arm64": "aarch64",
    "loong64": "loongarch64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
# Go's own packages with C in them that its linker can link without help.
_INTERNAL = frozenset(
    {
        *("crypto/internal/boring", "crypto/internal/boring/syso", "crypto/x509", "net", "os/user"),
        *("runtime/asan", "runtime/cgo", "runtime/msan", "runtime/race"),
        *("runtime/race/internal/amd64v1", "runtime/race/internal/amd64v3"),
    }
)
# Where Go cannot link C itself.
_ALWAYS_EXTERNAL = frozenset({"loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "riscv64"})
_LIBC = "libc.so.6"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the program is for, and by what it is made.

    Args:
        arch: GOARCH.
        level: GOAMD64, as `v1`; empty elsewhere.
        release: of Go, `go1.26.8`.
    """

    arch: str
    level: str
    release: str


def is_external(packages: Iterable[Package], arch: str) -> bool:
    """Whether the C compiler links the program: it does when anybody but Go itself brings C."""
    with_c = [package for package in packages if package.cgo_files or package.objects]
    if arch in _ALWAYS_EXTERNAL and with_c:
        return True
    return any(package.path not in _INTERNAL for package in with_c)


def certain_floor(
    calls: Mapping[str, Iterable[str]],
    startup: Sequence[Contribution],
    symbols: Mapping[str, str],
    *,
    external: bool,
) -> tuple[Floor, ...]:
    """What is in every such program: what Go's own C code calls, and the compiler's startup files.

    Args:
        calls: import path → C functions that this package of Go calls.
        symbols: name → version, of the C library.
        external: whether the C compiler links; then nothing of `net` is left out, and startup files count.
    """
    # Go's own linker leaves out what is not reached, but always starts threads.
    counted = {path: names for path, names in calls.items() if external or path == "runtime/cgo"}
    found = [
        Floor(name, symbols[name], path, certain=True)
        for path, names in counted.items()
        for name in names
        if symbols.get(name)
    ]
    for each in startup if external else ():
        found += [
            Floor(name, symbols[name], each.owner.file, certain=True)
            for name, weak in each.undefined.items()
            if symbols.get(name) and not weak
        ]
    return _newest_first(found)


def possible_floor(calls: Mapping[str, Iterable[str]], symbols: Mapping[str, str]) -> tuple[Floor, ...]:
    """What C code outside of Go seems to call; parts of it may be left out when it is compiled."""
    return _newest_first(
        Floor(name, symbols[name], path, certain=False)
        for path, names in calls.items()
        for name in names
        if symbols.get(name)
    )


def _newest_first(found: Iterable[Floor]) -> tuple[Floor, ...]:
    return tuple(
        sorted(
            dict.fromkeys(found),
            key=lambda each: (tuple(-part for part in glibc_number(each.version) or ()), each.name, each.by),
        )
    )


def program(
    packages: Sequence[Package],
    machine: Machine,
    *,
    cgo: bool,
    interpreter: str | None,
    needed: Sequence[str],
    floor: Sequence[Floor],
) -> File:
    """What the program would need, as if it had been built and read."""
    command = packages[-1]
    modules = dict.fromkeys((each.module, each.version) for each in packages if each.module)
    modules.pop((command.module, command.version), None)
    settings = [("CGO_ENABLED", "1" if cgo else "0"), ("GOARCH", machine.arch), ("GOOS", "linux")]
    settings += [("GOAMD64", machine.level)] if machine.level else []
    build = GoBuild(
        machine.release,
        command.path,
        Module(command.module, command.version),
        tuple(Module(path, version) for path, version in modules),
        tuple(settings),
    )
    versions = dict.fromkeys(VersionNeed(_LIBC, each.version) for each in floor if each.certain)
    return File(
        path=command.path,
        format="elf32" if machine.arch in {"386", "arm"} else "elf64",
        machine=MACHINES.get(machine.arch, machine.arch),
        kind=Kind.STATIC if interpreter is None else Kind.DYNAMIC,
        interpreter=interpreter,
        needed=tuple(needed),
        versions=tuple(versions),
        go=build,
    )


def judged(way: Way, brought: Sequence[Brought], distributions: Sequence[Distribution]) -> Way:
    """The same way with a verdict for each distribution; none when it would not build."""
    if way.file is None or way.fault:
        return way
    found = verdicts(way.file, distributions)
    if way.most is not None:
        worst = replace(way.file, versions=(*way.file.versions, VersionNeed(_LIBC, f"GLIBC_{way.most}")))
        ends = verdicts(worst, distributions)
        who = [each.package for each in brought if each.kind is Brings.CGO]
        found = tuple(_between(*pair, way, who) for pair in zip(found, ends, distributions, strict=True))
    if not way.cgo:
        found = tuple(_stubbed(each, brought) for each in found)
    return replace(way, verdicts=tuple(_doubted(each, way.doubt) for each in found) if way.doubt else found)


def _between(least: Verdict, most: Verdict, there: Distribution, way: Way, who: Sequence[str]) -> Verdict:
    """The verdict when only the bounds of the floor are known."""
    if least.outcome is not Outcome.RUNS or most.outcome is Outcome.RUNS or there.libc is not Libc.GLIBC:
        return least
    low = way.file.glibc_floor if way.file is not None else None
    names = ", ".join(who[:2]) + (f" and {len(who) - 2} more" if len(who) > 2 else "")
    reason = (
        f"needs GLIBC_{low or '2.2.5'} at least and GLIBC_{way.most} at most: {names} is not compiled yet"
    )
    found = f"glibc {there.libc_version}"
    return least._replace(
        outcome=Outcome.UNKNOWN,
        rule=Rule.SYMBOL_VERSION,
        reason=f"{reason}; there: {found}",
        found=found,
    )


def _doubted(verdict: Verdict, doubt: str) -> Verdict:
    """Of what may not build nobody knows that it runs."""
    if verdict.outcome is not Outcome.RUNS:
        return verdict
    return verdict._replace(
        outcome=Outcome.UNKNOWN, rule=Rule.STUB, reason=f"if it builds: {doubt}", found=""
    )


def _stubbed(verdict: Verdict, brought: Sequence[Brought]) -> Verdict:
    """What starts and then fails, because a package in it is a stub."""
    if verdict.outcome is Outcome.FAILS:
        return verdict
    for kind, outcome in ((Brings.STUB, Outcome.FAILS), (Brings.POSSIBLE_STUB, Outcome.UNKNOWN)):
        names = [each.package for each in brought if each.kind is kind]
        if names:
            what = "is a stub" if kind is Brings.STUB else "may be a stub"
            reason = f"starts; without cgo {names[0]} in it {what}"
            return verdict._replace(outcome=outcome, rule=Rule.STUB, reason=reason, found="")
    return verdict
