"""The programs inside one archive, whatever its kind."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any, TypeVar, overload

from trimaran.binary.bundle import adb, deb, rpm, tar, zips
from trimaran.binary.bundle.blobs import Blobs, Folder, Tarred, looks_like_layout
from trimaran.binary.bundle.budget import Budget
from trimaran.binary.bundle.digest import Digested
from trimaran.binary.bundle.expand import Expanded, compression
from trimaran.binary.bundle.image import Image, Layer, images
from trimaran.binary.bundle.layers import visible
from trimaran.binary.bundle.opened import Form, form, form_of, opened
from trimaran.binary.bundle.programs import Look, placed, programs
from trimaran.binary.bundle.spool import Spool
from trimaran.binary.bundle.stream import Entry, Kind, Straight, Stream, unsupported, upto
from trimaran.binary.elf import BrokenFileError, Source
from trimaran.binary.linkage import read_file
from trimaran.binary.model import File, Origin
from trimaran.errors import TrimaranError, fail

T = TypeVar("T")


def is_bundle(path: str) -> bool:
    """Whether programs may be inside: an archive by its first bytes, or a folder with an image layout."""
    return form_of(path) is not None


@overload
def files_in(path: str) -> Iterator[File | TrimaranError]: ...
@overload
def files_in(path: str, look: Callable[[str, Source], T]) -> Iterator[T | TrimaranError]: ...
def files_in(path: str, look: Look[Any] = read_file) -> Iterator[Any]:
    """What `located` finds, without its place."""
    return (result for _, result in located(path, look))


def located(path: str, look: Look[T]) -> Iterator[tuple[Origin, T | TrimaranError]]:
    """One result for each program inside an archive, in the archive's order, while it is read; and its place.

    An error stands in the place of a program that cannot be read. When the archive itself is broken, one
    error is the last result; when there is no program inside, it is the only one. In an image only the files
    count that are there in the end.

    Args:
        look: what to make of each; it gets the path (`pkg.deb!/usr/bin/x`) and the bytes, which are there
            only until it returns. A TrimaranError, BrokenFileError or NotStartedError of it is a result.
    """
    count, whole = 0, Origin("", path)
    try:
        with closing(Spool()) as spool:
            for result in _results(path, look, spool):
                count += 1
                yield result
        if not count:
            raise fail("TRM0211", "there is no program inside", "inspect reads Linux programs (ELF)")
    except TrimaranError as error:
        yield whole, placed(error, path)
    except BrokenFileError as error:
        yield whole, placed(fail("TRM0212", error.what, "copy or download it again"), path)
    except (OSError, ValueError) as error:
        what = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
        lost = fail("TRM0201", f"cannot read it: {what}", "check that the file system is well")
        yield whole, placed(lost, path)


def _results(path: str, look: Look[T], spool: Spool) -> Iterator[tuple[Origin, T | TrimaranError]]:
    if os.path.isdir(path):  # noqa: PTH112 - as elsewhere in this room
        yield from _of_images(Origin("folder", path), Folder(path), look, spool)
        return
    with opened(path) as source:
        start = source.at(0, min(tar.BLOCK, source.size))
        kind = form(start)
        layout = _tarred(kind, source, spool)
        if layout is not None:
            yield from _of_images(Origin("archive", path), layout, look, spool)
            return
        alone = kind == Form.COMPRESSED and _is_program(source)
        origin = Origin("alone" if alone else kind or Form.TAR, path, compression=compression(start) or "")
        entries = _entries(kind, path.rpartition("/")[2], source)
        yield from programs(path, entries, look, spool, origin)


def _is_program(source: Source) -> bool:
    """Whether what was compressed is no archive, and its bytes begin a program."""
    try:
        return upto(_plain(source, Budget()), 4) == b"\x7fELF"
    except TrimaranError:
        # Said where it is read.
        return False


def _entries(kind: str | None, name: str, source: Source) -> Iterator[Entry]:
    budget, stream = Budget(), Straight(source)
    if kind == Form.DEB:
        return deb.entries(stream, budget)
    if kind == Form.RPM:
        return rpm.entries(source, budget)
    if kind == Form.ZIP:
        return zips.entries(source, budget)
    if kind == Form.ADB:
        return adb.entries(stream, budget)
    if kind == Form.COMPRESSED:
        return _compressed(name, source, budget)
    return tar.entries(stream, budget, marked=True)


def _compressed(name: str, source: Source, budget: Budget) -> Iterator[Entry]:
    """What is in a compressed file: a tar archive, or one program."""
    start = upto(_plain(source, Budget()), tar.BLOCK)
    if start.startswith(b"\x7fELF"):
        return iter([Entry(os.path.splitext(name)[0], Kind.FILE, None, _plain(source, budget))])  # noqa: PTH122
    if start.strip(b"\0") and not tar.is_header(start):
        what = (
            "compressed more than once"
            if compression(start)
            else "compressed, but neither a tar archive nor a program"
        )
        raise unsupported(what, "expand it, and inspect what comes out")
    return tar.entries(_plain(source, budget), budget)


def _plain(source: Source, budget: Budget) -> Stream:
    """What is in a file that may be compressed."""
    kind = compression(source.at(0, min(16, source.size)))
    return Expanded(Straight(source), kind, budget) if kind else Straight(source)


def _tarred(kind: str | None, source: Source, spool: Spool) -> Tarred | None:
    """The archive as an image's layout, when it is one: its parts are needed in another order."""
    if kind not in {Form.TAR, Form.COMPRESSED}:
        return None
    try:
        if kind == Form.COMPRESSED:
            # Keeping it costs room, so its first names must be those of a layout.
            first = islice(tar.entries(_plain(source, Budget()), Budget()), 4)
            if not looks_like_layout(entry.name for entry in first):
                return None
            source = spool.keep_archive(_plain(source, Budget()))
        layout = Tarred(source)
    except TrimaranError:
        # Whatever is wrong is found again where the archive is read from front to back.
        return None
    return layout if layout.is_layout() else None


def _of_images(
    origin: Origin, blobs: Blobs, look: Look[T], spool: Spool
) -> Iterator[tuple[Origin, T | TrimaranError]]:
    found = images(blobs)
    key, budget = os.urandom(16), Budget()
    for image, name in named(origin.package, found):
        if image.error is not None:
            yield origin, placed(image.error, name)
            continue
        layers = [partial(_layer, blobs, layer, budget) for layer in image.layers]
        try:
            yield from programs(name, visible(layers, key), look, spool, origin)
        except TrimaranError as error:
            yield origin, placed(error, name)


def named(path: str, found: list[Image]) -> Iterator[tuple[Image, str]]:
    """Each image with the name that stands before `!/`: the path, and what tells it from the others."""
    for image in found:
        if len(found) == 1:
            yield image, path
            continue
        unique = (label for label in image.labels if sum(label in other.labels for other in found) == 1)
        yield image, f"{path}@{next(unique, image.labels[-1])}"


def _layer(blobs: Blobs, layer: Layer, budget: Budget) -> Iterator[Entry]:
    with blobs.blob(layer.name) as source:
        if source is None:
            raise fail(
                "TRM0220", f"a layer is not in the layout: {layer.name}", "copy the image again, whole"
            )
        stream = _plain(source, budget)
        place = (layer.name, compression(source.at(0, min(16, source.size))) or "")
        if not layer.diff:
            yield from tar.entries(stream, budget, layer=place)
            return
        checked = Digested(stream, layer.diff, "a layer")
        yield from tar.entries(checked, budget, layer=place)
        checked.check()
