"""Reads Debian's packages: an ar archive with a version, a control and a data archive (deb(5)). Pure."""

from collections.abc import Iterator

from trimaran.binary.bundle import ar, tar
from trimaran.binary.bundle.budget import Budget
from trimaran.binary.bundle.expand import Expanded
from trimaran.binary.bundle.stream import Entry, Stream, contradiction, unsupported, upto

FIRST = b"debian-binary"
_ENDINGS = {"": None, ".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".bz2": "bzip2", ".lzma": "lzma"}


def entries(stream: Stream, budget: Budget) -> Iterator[Entry]:
    """What a package installs."""
    found = False
    for member in ar.entries(stream, budget):
        if member.name == FIRST.decode():
            version = upto(member.body, 16)
            if not version.startswith(b"2."):
                raise unsupported(
                    f"a Debian package of format {version[:8]!r}; 2.x is read", "build it with dpkg-deb"
                )
        elif member.name.startswith("data.tar"):
            if found:
                raise contradiction("has two data archives; dpkg would install the first")
            found = True
            ending = member.name.removeprefix("data.tar")
            if ending not in _ENDINGS:
                raise unsupported(
                    f"its data is compressed as {ending[1:]}, which is not read",
                    "build it with dpkg-deb -Zxz",
                )
            kind = _ENDINGS[ending]
            yield from tar.entries(Expanded(member.body, kind, budget) if kind else member.body, budget)
    if not found:
        raise contradiction("has no data archive")
