"""Which of Debian's packages bring the libraries that programs with cgo often need, and their headers."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tools.facts.debian import Suite, control, files, libraries

# Packages with the headers of libraries that Go modules link to.
DEVELOPMENT = (
    "libblkid-dev", "libbtrfs-dev", "libbz2-dev", "libcap-dev", "libcurl4-openssl-dev", "libdevmapper-dev",
    "libgpgme-dev", "liblz4-dev", "liblzma-dev", "libmount-dev", "libpam0g-dev", "libpcap0.8-dev",
    "libpcsclite-dev", "librdkafka-dev", "libseccomp-dev", "libselinux1-dev", "libsqlite3-dev", "libssl-dev",
    "libsystemd-dev", "libudev-dev", "libusb-1.0-0-dev", "libxml2-dev", "libzmq3-dev", "libzstd-dev",
    "uuid-dev", "zlib1g-dev",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """That a library is in one package, and its headers in another.

    Args:
        pkg_config: the names by which pkg-config knows it, of the whole development package.
    """

    library: str
    runtime: str
    development: str
    pkg_config: tuple[str, ...]


def measured(suite: Suite) -> list[Row]:
    """What one release's packages bring."""
    developing = suite.download(*DEVELOPMENT)
    needs = {
        name: _exact(control(file, "control")) for name, file in zip(DEVELOPMENT, developing, strict=True)
    }
    running = sorted({each for found in needs.values() for each in found})
    brought = {
        name: libraries(files(file)) for name, file in zip(running, suite.download(*running), strict=True)
    }
    rows: list[Row] = []
    for development, file in zip(DEVELOPMENT, developing, strict=True):
        listing = files(file)
        links = _links(listing)
        for runtime in needs[development]:
            found = brought[runtime] & links if links else brought[runtime]
            rows += [Row(library, runtime, development, _pkg_config(listing)) for library in found]
    return sorted(rows)


def grouped(releases: dict[str, list[Row]]) -> dict[Row, list[str]]:
    """Each row with the releases that have it."""
    found: dict[Row, list[str]] = defaultdict(list)
    for release, rows in releases.items():
        for row in rows:
            found[row].append(release)
    return dict(sorted(found.items()))


def _exact(text: str) -> list[str]:
    """The packages of which exactly the same version is needed: the libraries that the headers are of."""
    depends = re.search(r"^Depends: (.+)$", text, re.MULTILINE)
    found = re.findall(r"([a-z0-9][a-z0-9+.-]+)(?::\w+)? \(= ", depends[1]) if depends else []
    return [name for name in dict.fromkeys(found) if not name.endswith(("-dev", "-bin", "-doc"))]


def _links(listing: Iterable[str]) -> frozenset[str]:
    """Names with a major version of the libraries that the linker finds through a development package."""
    targets = re.findall(r"/lib[^/]+\.so -> (?:\S*/)?(lib[^/\s]+\.so\.\S+)", "\n".join(listing))
    # libz.so -> libz.so.1.3: what is asked for at run time is a shorter name of that file.
    found = set(targets)
    for target in targets:
        stem, _, version = target.partition(".so.")
        parts = version.split(".")
        found |= {f"{stem}.so.{'.'.join(parts[:count])}" for count in range(1, len(parts))}
    return frozenset(found)


def _pkg_config(listing: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(re.findall(r"/pkgconfig/(\S+)\.pc$", "\n".join(listing), re.MULTILINE))))
