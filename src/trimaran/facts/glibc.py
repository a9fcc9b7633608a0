"""Which symbols glibc's libraries have, and at which versions. Read when first asked for, in a few ms."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from trimaran.facts.tables import table

_TABLE = "glibc_versions"
# The column of a machine, as `uname -m` says it.
_COLUMNS = {"x86_64": 1, "aarch64": 2}

Versions = Mapping[str, tuple[str, ...]]


@cache
def glibc_libraries(machine: str = "x86_64") -> Mapping[str, Versions]:
    """Library → symbol → the versions that it has there in any release, oldest first, as `2.34`.

    A symbol may be in several libraries: `pthread_create` was in libpthread.so.0 until it moved to libc.so.6.

    Args:
        machine: `x86_64` or `aarch64`.

    Raises:
        KeyError: nothing is known of that machine.
    """
    column = _COLUMNS[machine]
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for words in table(_TABLE).rows:
        if words[column] != "-":
            versions = tuple(words[column].split(","))
            found.setdefault(words[0], {}).update(dict.fromkeys(words[3:], versions))
    return MappingProxyType({library: MappingProxyType(symbols) for library, symbols in found.items()})


@cache
def glibc_symbol_versions(machine: str = "x86_64") -> Versions:
    """Symbol → the versions that it has in any of glibc's libraries, oldest first, as `2.34`."""
    found: dict[str, tuple[str, ...]] = {}
    for symbols in glibc_libraries(machine).values():
        for symbol, versions in symbols.items():
            held = found.get(symbol)
            found[symbol] = versions if held in {None, versions} else _joined(versions, held or ())
    return MappingProxyType(found)


@cache
def symbols_of(version: str, machine: str = "x86_64") -> frozenset[str]:
    """The symbols that have this version of glibc: who uses one as it is there needs that release."""
    return frozenset(
        symbol for symbol, versions in glibc_symbol_versions(machine).items() if version in versions
    )


@cache
def glibc_newest() -> str:
    """The newest release of glibc that the table knows of; of a newer one it says nothing."""
    every = {version for versions in glibc_symbol_versions().values() for version in versions}
    return max(every, key=_order)


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}, key=_order))


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
