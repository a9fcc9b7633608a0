"""The folder of rendered files: what it holds, what would change in it, and writing it. Input and output.

Each service has a folder below its target, `TARGET/SERVICE/`, with an index of what was written there, so
that files which are no longer rendered go away and files of others stay.
"""

import contextlib
import errno
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trimaran.action import Change, Verb
from trimaran.errors import TrimaranError, fail
from trimaran.platform.files import RenderedFile

INDEX = ".trimaran.json"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One rendered file that is not as it would be written."""

    path: str
    verb: Verb
    before: str | None
    after: str | None


def compare(out: Path, base: str, files: Iterable[RenderedFile]) -> tuple[FileChange, ...]:
    """What writing `files` below `out`/`base` would change.

    Raises TrimaranError when the folder cannot be read.
    """
    try:
        changes = []
        wanted = {file.path: file.text for file in files}
        for path, text in wanted.items():
            before = _read(out / path)
            if before != text:
                changes.append(
                    FileChange(path, Verb.UPDATE if before is not None else Verb.CREATE, before, text)
                )
        for path in _index(out, base):
            stale = path not in wanted and not (out / path).is_dir() and _is_inside(out, base, path)
            before = _read(out / path) if stale else None
            if before is not None:
                changes.append(FileChange(path, Verb.DELETE, before, None))
        return tuple(changes)
    except OSError as error:
        raise _unusable(error, out) from None


def write(out: Path, base: str, files: Iterable[RenderedFile], changes: Iterable[FileChange]) -> None:
    """Make the folder hold exactly `files` of ours; each file is whole at any moment.

    Raises TrimaranError when it cannot be written.
    """
    changes = tuple(changes)
    if not changes:
        return
    paths = sorted(file.path for file in files)
    try:
        # The index first, and of the union: after a crash nothing that was written is forgotten.
        removed = {change.path for change in changes if change.verb is Verb.DELETE}
        _write(out / base / INDEX, _index_text(base, {*paths, *removed}))
        for change in changes:
            _check_inside(out, base, change.path)
            if change.after is not None:
                _write(out / change.path, change.after)
            else:
                (out / change.path).unlink(missing_ok=True)
                _remove_empty(out / base, (out / change.path).parent)
        _write(out / base / INDEX, _index_text(base, set(paths)))
    except OSError as error:
        raise _unusable(error, out) from None


def _is_inside(out: Path, base: str, path: str) -> bool:
    """Whether the folder of a file still lies below `out`/`base` when every link is followed."""
    return Path(os.path.realpath((out / path).parent)).is_relative_to(os.path.realpath(out / base))


def _check_inside(out: Path, base: str, path: str) -> None:
    if not _is_inside(out, base, path):
        raise OSError(errno.ELOOP, "a link leads out of the folder", str(out / path))


def _unusable(error: OSError, out: Path) -> TrimaranError:
    what = f"{error.filename or out}: {error.strerror or error}"
    return fail("TRM0702", what, "name a folder that can be written with --out")


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _index_text(base: str, paths: set[str]) -> str:
    relative = sorted(str(PurePosixPath(path).relative_to(base)) for path in paths)
    return json.dumps({"files": relative}, indent=1) + "\n"


def _index(out: Path, base: str) -> tuple[str, ...]:
    """The files that were written before; paths that lead out of the folder are not believed."""
    text = _read(out / base / INDEX)
    if text is None:
        return ()
    # RecursionError: somebody may have written a hundred thousand brackets.
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        names = [PurePosixPath(name) for name in json.loads(text)["files"] if "\0" not in name]
        return tuple(
            f"{base}/{name}"
            for name in names
            if name.parts and not name.is_absolute() and ".." not in name.parts
        )
    return ()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _remove_empty(root: Path, folder: Path) -> None:
    while folder not in (root, root.parent):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def field_changes(change: FileChange) -> tuple[Change, ...]:
    """A changed file field by field where it is YAML, and line by line elsewhere."""
    if not change.path.endswith(".yaml") or change.before is None or change.after is None:
        return ()
    from trimaran.platform.compare import changes
    from trimaran.spec import gate

    try:
        before = gate.parse(change.before.encode("utf-8", "replace"), change.path).value
    except TrimaranError:
        # Somebody's edit has made it unreadable: the whole file changes.
        return ()
    return tuple(changes(gate.parse(change.after.encode(), change.path).value, before))
