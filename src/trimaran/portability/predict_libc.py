"""What a program with C would be when it is said what that is linked to (`spec.build.libc`). Pure.

The compiler is then not this machine's own, and what this machine's C library has says nothing. What glibc
had at a version, the facts tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trimaran.binary import File, Kind
from trimaran.binary.model import number
from trimaran.facts import distributions, glibc_symbol_versions
from trimaran.portability.predict_judge import MACHINES, Machine, certain_floor, possible_floor, program
from trimaran.portability.predict_model import Way
from trimaran.toolchain.golist import Package

# Where these have C in them, a program asks the C library for users and hosts.
_NAMES = frozenset({"net", "os/user"})
# What every C library brings, by these names or in itself.
_OWN = ("libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "libresolv.")
_SAID = {
    "musl": "musl, linked in",
    "glibc-static": "glibc, linked in; it loads its name services while the program runs",
}


@dataclass(frozen=True, slots=True)
class Calls:
    """What the packages ask of C.

    Args:
        own: import path → functions of C that this package of Go's own calls.
        others: the same of packages outside of Go, as their sources seem to.
        libraries: names of the libraries that flags link.
    """

    own: Mapping[str, Iterable[str]]
    others: Mapping[str, Iterable[str]]
    libraries: tuple[str, ...]


def linked(libc: str, way: Way, packages: Sequence[Package], machine: Machine, calls: Calls) -> Way:
    """The way with cgo, linked to `libc` (`musl`, `glibc-static`, `glibc-2.28`).

    Args:
        way: its beginning; `external` is set already.
    """
    others = [name for name in calls.libraries if not name.startswith(_OWN)]
    doubt = f"links {', '.join(others)}, which has to be there for {libc} too" if others else ""
    way = replace(way, libc=_SAID.get(libc, f"glibc {libc.partition('-')[2]} and newer"), doubt=doubt)
    if libc in _SAID:
        return replace(way, external=True, file=_static(libc, packages, machine))
    name = MACHINES[machine.arch]
    loader = distributions()["debian-12"].interpreters.get(name)
    if loader is None:
        return replace(way, doubt=f"nothing is known of glibc's loader for {name}")
    version = libc.partition("-")[2]
    symbols = _symbols(version, name)
    floor = certain_floor(calls.own, (), symbols, external=way.external)
    floor += possible_floor(calls.others, symbols)
    file = program(
        packages,
        machine,
        cgo=True,
        interpreter=loader,
        needed=("libc.so.6", *others),
        floor=floor,
    )
    # Its startup files are glibc's of that version; what else is called, only compiling tells.
    return replace(way, file=file, most=version, floor=floor)


def _static(libc: str, packages: Sequence[Package], machine: Machine) -> File:
    file = program(packages, machine, cgo=True, interpreter=None, needed=(), floor=())
    if libc == "musl":
        return file
    names = any(each.path in _NAMES and each.cgo_files for each in packages)
    return replace(file, kind=Kind.STATIC_PIE, name_services=names)


def _symbols(version: str, machine: str) -> Mapping[str, str]:
    """Name → the version that a program gets which is linked to that release of glibc."""
    top = number(version) or ()
    try:
        known = glibc_symbol_versions(machine)
    except KeyError:
        return {}
    found = {}
    for name, versions in known.items():
        there = [each for each in versions if (number(each) or ()) <= top]
        if there:
            found[name] = f"GLIBC_{there[-1]}"
    return found
