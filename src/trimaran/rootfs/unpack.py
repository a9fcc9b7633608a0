"""Unpacks an archive, or a layer of an image, into a tree."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

from trimaran.archive.tar import Archive, BrokenTarError, Kind, Member, members
from trimaran.errors import TrimaranError, Where, fail
from trimaran.oci.packed import BrokenStreamError, Unpacked
from trimaran.rootfs.tree import Tree

# Names by which a layer takes away what is below it (layer.md of the OCI image specification).
_GONE, _OPAQUE, _OWN = ".wh.", ".wh..wh..opq", ".wh..wh."
_PIECE = 1 << 20


def unpack(read: Callable[[int], bytes], tree: Tree, layer: bool = False) -> str:
    """Unpack a stream, packed or not.

    Args:
        layer: whether its whiteouts take away what is there.

    Returns the digest of the plain archive. Raises TRM1111 when it is damaged, TRM1112 without zstd, and as
    `Tree`. More plain bytes than a tree may have are refused, whatever they stand for.
    """
    tree.next_layer()
    whole, left = hashlib.sha256(), 2 * tree.bounds.size_bytes
    try:
        with Unpacked(read) as plain:

            def bounded(size: int) -> bytes:
                nonlocal left
                piece = plain.read(size)
                left -= len(piece)
                if left < 0:
                    tree.take("the end of the archive", tree.left_bytes + 1)
                whole.update(piece)
                return piece

            archive = Archive(bounded)
            for member in members(archive):
                _apply(archive, member, tree, layer)
            while bounded(_PIECE):
                pass  # an archive is filled to whole records; the digest is of all of it
    except (BrokenTarError, BrokenStreamError) as error:
        raise fail(
            "TRM1111", str(error), "get it again; compare its checksum with what is published"
        ) from None
    return f"sha256:{whole.hexdigest()}"


def _apply(archive: Archive, member: Member, tree: Tree, layer: bool) -> None:
    folder, _, last = member.name.rstrip("/").rpartition("/")
    if layer and last.startswith(_GONE):
        _take_away(folder, last, member.name, tree)
        return
    match member.kind:
        case Kind.FOLDER:
            tree.folder(member.name, member.mode)
        case Kind.FILE:
            tree.file(member.name, member.mode, member.size, archive.pieces(member))
        case Kind.LINK:
            tree.link(member.name, member.target)
        case Kind.HARD_LINK:
            tree.hard_link(member.name, member.target)
        case Kind.DEVICE | Kind.PIPE | Kind.OTHER:
            tree.skip(member.name)


def _take_away(folder: str, last: str, name: str, tree: Tree) -> None:
    if last == _OPAQUE:
        tree.empty(folder)
    elif last.startswith(_OWN):
        tree.skip(name)
    elif last.removeprefix(_GONE) in {"", ".", ".."}:
        raise fail("TRM1128", "a whiteout names no file", "do not use it: an honest one has no such entry")
    else:
        tree.remove(f"{folder}/{last.removeprefix(_GONE)}")


def unpack_file(path: Path, tree: Tree) -> str:
    """Unpack a tar file of this machine; the digest of the file as it is. Raises as `unpack`, and TRM1130."""
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            _refuse_empty(path)

            def read(size: int) -> bytes:
                piece = file.read(size)
                whole.update(piece)
                return piece

            unpack(read, tree)
            while read(_PIECE):
                pass
    except TrimaranError as error:
        problems = [replace(each, where=each.where or Where(str(path))) for each in error.problems]
        raise TrimaranError(*problems, status=error.status) from None
    except PermissionError as error:
        what = f"it cannot be read: {error.strerror}"
        raise fail("TRM1130", what, "give a file that you may read", Where(str(path))) from None
    return f"sha256:{whole.hexdigest()}"


def digest_of(file: IO[bytes]) -> str:
    """The digest of what is left of an open file."""
    whole = hashlib.sha256()
    while piece := file.read(_PIECE):
        whole.update(piece)
    return f"sha256:{whole.hexdigest()}"


def _refuse_empty(path: Path) -> None:
    if not path.stat().st_size:
        raise fail("TRM1111", "the file is empty", "get it again")
