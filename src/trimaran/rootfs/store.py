"""The root file systems that the user has: a folder each, `<store>/NAME/root` and its record `root.json`.

Only a folder with a record counts; whatever else is there was left by somebody who was interrupted.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trimaran.errors import TrimaranError, Where, fail, printable
from trimaran.facts import distributions
from trimaran.rootfs import record
from trimaran.rootfs.model import Root
from trimaran.rootfs.record import DamagedRecordError

RECORD, TREE = "root.json", "root"
_RECORD_BYTES = 64 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# What a killed run has left begins so; no name does.
_FRESH, _GONE = ".new-", ".gone-"


def check_name(name: str) -> str:
    """The name itself; TRM1120 for one that could be taken for a path, an option or another name."""
    if not _NAME.fullmatch(name) or ".." in name or name.endswith("."):
        what = f"{printable(name)!r} is no name for a root file system"
        fix = "use small letters, digits, dots, dashes and underscores, as in debian-12; at most 64"
        raise fail("TRM1120", what, fix)
    return name


def roots(store: Path) -> dict[str, Root]:
    """Every root file system of the store, by name, sorted. Raises TRM1122 when a record is damaged."""
    names = sorted(_names(store), key=_order)
    return {name: _read(store, name) for name in names}


def _names(store: Path) -> list[str]:
    try:
        found = os.listdir(store)  # noqa: PTH208 - names are all that is wanted
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(store, error) from None
    return [name for name in found if _NAME.fullmatch(name) and (store / name / RECORD).is_file()]


def _order(name: str) -> list[tuple[int, int, str]]:
    """debian-9 stands before debian-10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def find(store: Path, name: str) -> Root:
    """One root file system. Raises TRM1120 for an impossible name, TRM1121 when there is none."""
    check_name(name)
    if not (store / name / RECORD).is_file():
        import difflib

        there = sorted(_names(store), key=_order)
        near = difflib.get_close_matches(name, there, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        known = f"there are {', '.join(there)}" if there else "there is none yet"
        fix = f"{hint}{known}; `trimaran rootfs add {name} --from …` adds it"
        raise fail("TRM1121", f"there is no root file system {name}", fix)
    return _read(store, name)


def _read(store: Path, name: str) -> Root:
    path = store / name / RECORD
    try:
        with path.open("rb") as file:
            content = file.read(_RECORD_BYTES)
        return record.restore(content, store / name / TREE, distributions())
    except OSError as error:
        raise _unusable(path, error) from None
    except DamagedRecordError as error:
        fix = f"`trimaran rootfs remove {name}`, then add it again"
        what = f"the record of {name} is damaged: {printable(str(error))[:200]}"
        raise fail("TRM1122", what, fix, Where(str(path))) from None


def write_record(folder: Path, root: Root) -> None:
    """Write a root's record beside its tree, whole or not at all."""
    fresh = folder / f".{RECORD}-{os.getpid()}"
    fresh.write_text(json.dumps(record.document(root), separators=(",", ":")) + "\n", "utf-8")
    fresh.replace(folder / RECORD)


@contextmanager
def fresh(store: Path, name: str) -> Iterator[Path]:
    """An empty folder that becomes `<store>/NAME` when the block ends well, and disappears when it does not.

    Held against every other Trimaran for that name. Raises TRM1123 when there is one already, TRM1124 when
    another Trimaran is busy with it, TRM1127 when the disk refuses.
    """
    check_name(name)
    with explained(store):
        store.mkdir(parents=True, exist_ok=True)
        with _alone(store, name):
            if (store / name / RECORD).is_file():
                fix = f"`trimaran rootfs remove {name}` first, or take another name"
                raise fail("TRM1123", f"there is a root file system {name} already", fix)
            _sweep(store, name)
            folder = store / f"{_FRESH}{name}"
            folder.mkdir(mode=0o700)
            try:
                yield folder
                folder.rename(store / name)
            finally:
                remove_tree(folder)


def remove(store: Path, name: str) -> None:
    """Take a root file system away. Raises TRM1121 when there is none, TRM1124 when another is busy."""
    check_name(name)
    with explained(store):
        if not (store / name).is_dir() or (store / name).is_symlink():
            find(store, name)
        with _alone(store, name):
            gone = store / f"{_GONE}{name}"
            remove_tree(gone)
            # After the rename nobody finds it, however long the rest takes.
            (store / name).rename(gone)
            remove_tree(gone)


def _sweep(store: Path, name: str) -> None:
    """Remove what a killed run has left of this name."""
    for left in (store / f"{_FRESH}{name}", store / f"{_GONE}{name}", store / name):
        remove_tree(left)


def remove_tree(folder: Path) -> None:
    """Remove a tree, also where folders in it may not be written; nothing when it is not there."""
    if folder.is_symlink():
        folder.unlink()
        return
    if not folder.is_dir():
        return
    for path, folders, _ in os.walk(folder):
        for each in folders:
            inner = os.path.join(path, each)  # noqa: PTH118 - a Path for each folder of a large tree is slow
            if not os.path.islink(inner):  # noqa: PTH114
                os.chmod(inner, 0o700)  # noqa: PTH101
    shutil.rmtree(folder)


@contextmanager
def _alone(store: Path, name: str) -> Iterator[None]:
    """Hold a name against every other process; the system lets go of it even after kill -9."""
    handle = os.open(store / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = f"another trimaran is busy with the root file system {name}"
            raise fail("TRM1124", what, "wait until it has ended, then try again") from None
        yield
    finally:
        os.close(handle)


@contextmanager
def explained(place: Path) -> Iterator[None]:
    """Turn what the disk refuses into a problem, TRM1127."""
    try:
        yield
    except OSError as error:
        raise _unusable(Path(error.filename or place), error) from None


def _unusable(place: Path, error: OSError) -> TrimaranError:
    what = f"{printable(str(place))} cannot be used: {error.strerror or error}"
    return fail("TRM1127", what, "check the folder's owner and permissions, and the room on the disk")
