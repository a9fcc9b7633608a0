"""What can be read again: each step gives the files that it knows, as they should be now."""

import datetime as dt
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.facts import abilists, debian, glibc, modules, musl, packages, texts, toolchain, zig
from tools.facts.debian import SUITES, Suite
from tools.facts.toml import changed

Files = Mapping[str, str]
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class World:
    """Where the files are, and where what was fetched is kept."""

    facts: Path
    cache: Path

    @cached_property
    def suites(self) -> dict[str, Suite]:
        """Debian's releases, by number."""
        found = {number: Suite(name, self.cache / name) for number, name in SUITES.items()}
        for suite in found.values():
            suite.folder.mkdir(parents=True, exist_ok=True)
        return found

    @property
    def today(self) -> str:
        return dt.datetime.now(dt.UTC).date().isoformat()

    def read(self, file: str) -> str:
        """What a file says now; empty when it is not there."""
        place = self.facts / file
        return place.read_text("utf-8") if place.is_file() else ""

    def table(self, file: str, what: str, source: str, rows: object) -> Files:
        """A generated table, with the day that it has where nothing else is new."""
        text = texts.rendered(what, source, self.today, rows)  # type: ignore[arg-type] # rows of words
        return {file: texts.dated(text, self.read(file))}


def glibc_versions(world: World) -> Files:
    """The symbols of glibc: zig's list, and the symbols files of Debian's libc6."""
    listed = abilists.machines(zig.abilists(world.cache))
    machines = {}
    for machine, arch in _MACHINES.items():
        packaged = [
            glibc.debian(debian.control(suite.download(f"libc6:{arch}")[0], "symbols"))
            for suite in world.suites.values()
        ]
        machines[machine] = glibc.joined([listed[machine], *packaged])
    versions = ", ".join(_upstream(suite.version("libc6:amd64")) for suite in world.suites.values())
    text = glibc.rendered(machines, versions, zig.VERSION, world.today)
    return {"glibc_versions.txt": texts.dated(text, world.read("glibc_versions.txt"))}


def base(world: World) -> Files:
    """The libraries that Debian's essential packages bring, beside those of its C library."""
    own = set(tomllib.loads(world.read("libcs.toml"))["glibc"]["libraries"])
    rows = []
    for number, suite in world.suites.items():
        listings = [line for file in suite.download(*suite.essential()) for line in debian.files(file)]
        rows.append((f"debian-{number}", *sorted(debian.libraries(listings) - own)))
    return world.table(
        "base.txt",
        "Distribution, and the libraries that its essential packages and what they need bring.",
        "measured: the files of Debian's essential packages and of what they need, amd64",
        rows,
    )


def musl_exports(world: World) -> Files:
    """What Debian's builds of musl export."""
    return world.table(
        "musl_debian.txt",
        "Version of Debian's musl, the version it is told against, names that it has more (+) and lacks (-).",
        "measured: nm -D of libc.so in the musl of Debian 11, 12 and 13, amd64, and its list of names in 64",
        list(musl.rows(world.suites, world.facts)),
    )


def debian_packages(world: World) -> Files:
    """Which of Debian's packages bring a library and its headers."""
    measured = {f"debian-{number}": packages.measured(suite) for number, suite in world.suites.items()}
    rows = [
        (row.library, row.runtime, row.development, ",".join(row.pkg_config) or "-", ",".join(releases))
        for row, releases in packages.grouped(measured).items()
    ]
    return world.table(
        "packages_debian.txt",
        "Library, the package with it, the one with its headers, that one's names for pkg-config, releases.",
        "measured: the files of Debian's packages, amd64",
        rows,
    )


def distributions(world: World) -> Files:
    """The C library of each release of Debian."""
    text = world.read("distributions.toml")
    for number, suite in world.suites.items():
        version = _upstream(suite.version("libc6:amd64"))
        text = changed(text, f'["debian-{number}"]', "version", f'"{version}"', world.today)
    return {"distributions.toml": text}


def levels(world: World) -> Files:
    """What each GOAMD64 asks for, out of this machine's Go."""
    text = world.read("go.toml")
    for level, flags in toolchain.amd64_flags().items():
        said = ", ".join(f'"{flag}"' for flag in flags)
        text = changed(text, f"[[amd64]]\nlevel = {level}", "flags", f"[{said}]", world.today)
    return {"go.toml": text}


def stubs(world: World) -> Files:
    """Builds every stub without cgo, and runs it."""
    return {"stubs.toml": modules.stubs(world.read("stubs.toml"), world.cache, world.today)}


def refusals(world: World) -> Files:
    """Builds every package that should not compile without cgo."""
    return {"refusals.toml": modules.refusals(world.read("refusals.toml"), world.cache, world.today)}


def dynamic(world: World) -> Files:
    """Builds every package that should give a dynamic program without cgo."""
    return {"dynamic.toml": modules.dynamic(world.read("dynamic.toml"), world.cache, world.today)}


def _upstream(version: str) -> str:
    return version.partition("-")[0]


STEPS: dict[str, Callable[[World], Files]] = {
    "glibc": glibc_versions,
    "base": base,
    "musl": musl_exports,
    "packages": debian_packages,
    "distributions": distributions,
    "levels": levels,
    "stubs": stubs,
    "refusals": refusals,
    "dynamic": dynamic,
}
