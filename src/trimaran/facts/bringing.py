"""Which package brings a library, and which its headers, by distribution."""

from functools import cache
from typing import NamedTuple

from trimaran.facts.read import listed
from trimaran.facts.tables import table


class LibraryPackage(NamedTuple):
    """That a package brings a library on some systems.

    Args:
        library: the name that programs ask for, as `libsqlite3.so.0`.
        systems: ids of distributions, as `debian-12`, or a family, as `rhel`.
        runtime: the package with the library.
        development: the package with its headers; None when not known.
        pkg_config: the names by which pkg-config knows the development package; empty when there is none.
    """

    library: str
    systems: tuple[str, ...]
    runtime: str
    development: str | None
    pkg_config: tuple[str, ...]
    source: str
    checked: str


@cache
def packages() -> tuple[LibraryPackage, ...]:
    """Every library of which the package is known, those that were measured first."""
    measured = table("packages_debian")
    found = [
        LibraryPackage(
            library, tuple(systems.split(",")), runtime, development,
            tuple(names.split(",")) if names != "-" else (), measured.source, measured.checked,
        )
        for library, runtime, development, names, systems in measured.rows
    ]  # fmt: skip
    found += [
        LibraryPackage(
            e["library"], tuple(e["systems"]), e["runtime"], e.get("development"),
            tuple(e.get("pkg_config", ())), e["source"], str(e["checked"]),
        )
        for e in listed("packages", "library")
    ]  # fmt: skip
    return tuple(found)


def package_of(library: str, system: str) -> LibraryPackage | None:
    """What brings a library on a distribution; None when that is not known.

    Args:
        system: the id of a distribution, as `rhel-9`.
    """
    family = system.partition("-")[0]
    return next(
        (
            each
            for each in packages()
            if each.library == library and (system in each.systems or family in each.systems)
        ),
        None,
    )
