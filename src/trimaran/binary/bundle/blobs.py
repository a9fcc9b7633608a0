"""Where an image's files are: a folder, or a tar archive of one."""

import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from trimaran.binary.bundle import tar
from trimaran.binary.bundle.budget import Budget
from trimaran.binary.bundle.opened import opened
from trimaran.binary.bundle.stream import Kind, Straight, beyond, cut
from trimaran.binary.elf import Source

# Files of a layout: a few documents for each image, and its layers.
_NAMES = 20_000


class Blobs(Protocol):
    """The files of a layout by their names, as `blobs/sha256/…` or `index.json`."""

    def blob(self, name: str) -> AbstractContextManager[Source | None]:
        """The bytes of one file while it is open; None when it is not there."""
        ...


class Folder:
    """A layout that is a folder."""

    def __init__(self, path: str) -> None:
        self._path = path

    @contextmanager
    def _open(self, name: str) -> Iterator[Source | None]:
        place = os.path.join(self._path, name)  # noqa: PTH118 - a name was checked to stay inside
        try:
            regular = stat.S_ISREG(os.stat(place).st_mode)  # noqa: PTH116 - a device must not be opened
        except FileNotFoundError:
            regular = False
        if not regular:
            yield None
            return
        with opened(place) as source:
            yield source

    def blob(self, name: str) -> AbstractContextManager[Source | None]:
        return self._open(name)


class Tarred:
    """A layout in a tar archive that is not compressed, or in what came out of one that was.

    Raises:
        TrimaranError: the archive is no tar archive, ends early or has more than is read.
    """

    def __init__(self, source: Source) -> None:
        self._places = dict[str, Source]()
        self._links = dict[str, str]()
        for entry in tar.entries(Straight(source), Budget()):
            name = posixpath.normpath(entry.name.lstrip("/"))
            if len(self._places) + len(self._links) > _NAMES:
                raise beyond(f"has more than {_NAMES:,} names in an image")
            if entry.kind is Kind.FILE and entry.size is not None:
                place = entry.body.window(entry.size)
                if place is None or place.size != entry.size:
                    raise cut(f"ends inside the tar member {entry.name}")
                self._places[name] = place
            elif entry.target:
                self._links[name] = entry.target

    def is_layout(self) -> bool:
        """Whether the names are those of an image, by OCI's form or by docker save's."""
        return "manifest.json" in self._places or {"oci-layout", "index.json"} <= self._places.keys()

    def blob(self, name: str) -> AbstractContextManager[Source | None]:
        # docker save of older releases names a layer that images share by a link.
        link = self._links.get(name)
        if link is not None:
            name = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
        return nullcontext(self._places.get(name))


def looks_like_layout(names: Iterator[str]) -> bool:
    """Whether an archive that begins with these names is worth being kept to look for an image in it."""
    for name in names:
        first = posixpath.normpath(name.lstrip("/")).split("/", 1)[0]
        if first != ".":
            return first in {"blobs", "oci-layout", "index.json", "manifest.json", "repositories"} or (
                len(first.removeprefix("sha256:").partition(".")[0]) == 64
            )
    return False
