"""Brings a root file system from where the user says, into a tree that is being filled."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import Where, fail, printable
from trimaran.rootfs import folder, images, packages, unpack
from trimaran.rootfs.tree import Tree

_FORMS = "oci:REFERENCE, debian:SUITE, wheel:REQUIREMENT, a tar file or a folder"


@dataclass(frozen=True, slots=True)
class Brought:
    """Where a root file system came from; `digest` is of what was brought, empty for a folder."""

    origin: str
    digest: str = ""


def bring(source: str, machine: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> Brought:
    """Fill a tree.

    Args:
        source: as the user says it.
        machine: the one that an image is wanted for, as `uname -m` says it.
        work: a folder for what is only needed until then; emptied by the caller.

    Raises TRM1131 for a source of no form that we know, and what each form raises.
    """
    form, colon, rest = source.partition(":")
    if colon and form in _BRING and not Path(source).exists():
        return _BRING[form](rest, machine, tree, work, tell)
    path = Path(source)
    try:
        if source and path.is_dir():
            return _folder(path, machine, tree, work, tell)
        if path.is_file():
            return _file(path, tree, tell)
    except ValueError:
        pass  # a name with a zero in it names nothing
    what = "it is neither a file nor a folder that is there" if not colon else f"there is no form {form!r}"
    raise fail("TRM1131", printable(what)[:200], f"give {_FORMS}", Where(source))


def _folder(path: Path, machine: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> Brought:
    origin = os.path.abspath(path)  # noqa: PTH100 - a Path would follow links
    if images.is_layout(path):
        return Brought(origin, images.from_layout(path, machine, tree, work, tell))
    tell(f"copying {printable(origin)}")
    folder.copy(path, tree)
    return Brought(origin)


def _file(path: Path, tree: Tree, tell: Callable[[str], None]) -> Brought:
    tell(f"unpacking {printable(str(path))}")
    origin = os.path.abspath(path)  # noqa: PTH100 - a Path would follow links
    return Brought(origin, unpack.unpack_file(path, tree))


def _oci(rest: str, machine: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> Brought:
    origin, digest = images.from_registry(rest, machine, tree, work, tell)
    return Brought(f"oci:{origin}", digest)


def _debian(rest: str, machine: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> Brought:
    return Brought(f"debian:{rest}", packages.debian(rest, machine, tree, work, tell))


def _wheel(rest: str, _: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> Brought:
    name, digest = packages.wheel(rest, tree, work, tell)
    return Brought(f"wheel:{name}", digest)


_BRING = {"oci": _oci, "debian": _debian, "wheel": _wheel}
