"""Files of services beneath a target's directory: never outside it, whatever their path says."""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from trimaran.action import Json, canonical
from trimaran.errors import TrimaranError, fail, printable
from trimaran.supervise.supervisor import write_whole

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _parts(path: str) -> tuple[str, ...]:
    parts = tuple(path.split("/")[1:])
    if not path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in parts):
        what = f"{printable(path)!r} is no absolute path of a file"
        raise fail("TRM0555", what, "write it as /etc/name/file, without . or ..")
    return parts


def _record(root: Path, path: str) -> Path:
    return root / "placed" / (hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest() + ".json")


@contextlib.contextmanager
def _parent(root: Path, path: str, make: bool) -> Iterator[int]:
    """The folder that holds the file, reached without following a link."""
    *folders, _ = _parts(path)
    fd = -1
    try:
        if make:
            (root / "files").mkdir(mode=0o755, parents=True, exist_ok=True)
        fd = os.open(root / "files", _FOLDER)
        for name in folders:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=fd)
            below = os.open(name, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = below
        yield fd
    finally:
        if fd >= 0:
            os.close(fd)


def put(root: Path, document: Mapping[str, Json]) -> None:
    """Write a File document's content and mode, then its record, each by a rename."""
    path = str(document["path"])
    name = _parts(path)[-1]
    fresh = f".{name[:200]}.{os.getpid()}.new"
    try:
        with _parent(root, path, make=True) as folder:
            try:
                _write(folder, fresh, str(document["content"]).encode(), int(str(document["mode"]), 8))
                os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(fresh, dir_fd=folder)
        _record(root, path).parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(str(_record(root, path)), canonical(dict(document)))
    except OSError as broken:
        raise _unwritten(root, path, broken) from None


def _write(folder: int, name: str, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:  # noqa: PTH123  # beneath a descriptor
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def remove(root: Path, path: str) -> bool:
    """Remove the file, its record and the folders that this leaves empty; False when it was absent."""
    name = _parts(path)[-1]
    existed = False
    try:
        with contextlib.suppress(FileNotFoundError), _parent(root, path, make=False) as folder:
            os.unlink(name, dir_fd=folder)
            existed = True
        _record(root, path).unlink(missing_ok=True)
    except OSError as broken:
        raise _unwritten(root, path, broken) from None
    with contextlib.suppress(OSError):
        for above in (root / "files" / path[1:]).parents:
            if above == root:
                break
            above.rmdir()
    with contextlib.suppress(OSError):
        (root / "placed").rmdir()
    return existed


def read(root: Path, path: str) -> dict[str, Json] | None:
    """The File document as it stands: recorded owner, but content and mode as found; None when absent.

    A file that we did not place, or whose record is gone, is absent too. Raises OSError when it cannot
    be read and ValueError when its record is damaged.
    """
    try:
        document: dict[str, Json] = json.loads(_record(root, path).read_bytes())
        with _parent(root, path, make=False) as folder:
            fd = os.open(_parts(path)[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with open(fd, "rb") as file:  # noqa: PTH123  # beneath a descriptor
                mode = stat.S_IMODE(os.fstat(fd).st_mode)
                content = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    if mode != int(str(document["mode"]), 8):
        document["mode"] = f"{mode:04o}"
    return document | {"content": content}


def paths(root: Path) -> tuple[str, ...]:
    """The paths of all files that were placed. Raises OSError or ValueError for damaged records."""
    records = sorted((root / "placed").glob("*.json"))
    return tuple(sorted(str(json.loads(each.read_bytes())["path"]) for each in records))


def _unwritten(root: Path, path: str, broken: OSError) -> TrimaranError:
    what = f"{root}/files{printable(path)}: {broken.strerror}"
    return fail("TRM0556", what, "make room, mend the permissions, or remove a link that stands in its way")
