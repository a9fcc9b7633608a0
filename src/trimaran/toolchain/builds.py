"""The binaries in the cache: kept by digest, found again by what was asked for.

    builds/sha256/DIGEST/NAME      a binary, never changed in place
    builds/asked/KEY.json          what a request gave, KEY over the request and the situation
    builds/made/KEY.json           the same, KEY over what decides the result alone

Only the files' names are trusted without a look: a binary whose size or time differs from its record is
hashed again, and one that is not what it was is built again.
"""

import contextlib
import hashlib
import json
import os
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

from trimaran.toolchain.model import BuildRequest, Built, Origin
from trimaran.toolchain.situation import situation

_RECORD_LIMIT = 1 << 20
_KEEP_S = 14 * 86400
_KEEP_AT_LEAST = 20
_FORMAT = 2  # raised when the same key would mean another result


def folder(cache: Path) -> Path:
    """Where all of this is."""
    return cache / "builds"


def asked(request: BuildRequest, cache: Path) -> Path:
    """Where the result of this request in this situation is recorded."""
    key = _key([*map(str, _values(request)), situation(cache), *_linkers(request, cache)])
    return folder(cache) / "asked" / f"{key}.json"


def _linkers(request: BuildRequest, cache: Path) -> list[object]:
    if not request.libc:
        return []
    from trimaran.toolchain import linking

    return linking.fingerprint(request.libc, cache)


def made(cache: Path, *deciding: object) -> Path:
    """Where the result of these inputs is recorded, whoever asked."""
    return folder(cache) / "made" / f"{_key(list(deciding))}.json"


def _values(request: BuildRequest) -> list[object]:
    return [getattr(request, field.name) for field in fields(request)]


def _key(value: object) -> str:
    return hashlib.sha256(json.dumps([_FORMAT, value], sort_keys=True).encode()).hexdigest()[:40]


def recall(record: Path) -> Built | None:
    """The binary that `record` names, if it is still what it was; None otherwise."""
    try:
        with record.open("rb") as file:
            document = json.loads(file.read(_RECORD_LIMIT))
        built = _built(document)
        seen = os.stat(built.path)  # noqa: PTH116 - hot path
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if seen.st_size != built.size:
        return None
    if seen.st_mtime_ns != document["mtime_ns"]:
        if file_digest(Path(built.path)) != built.digest:
            return None
        note(record, built)
    return built


def _built(document: dict[str, object]) -> Built:
    values = {field.name: document[field.name] for field in fields(Built)}
    values |= {name: Path(str(values[name])) for name in ("path", "goroot")}
    # A list each, or the caller sees the TypeError.
    values |= {name: tuple(map(str, document[name])) for name in ("notes", "variables")}  # type: ignore[call-overload]
    values |= {"origin": Origin(str(values["origin"]))}
    return replace(Built(**values), reused=True)  # type: ignore[arg-type]  # as written by `note`


def note(record: Path, built: Built) -> None:
    """Record what was built, so that it is found again."""
    document = asdict(built) | {"mtime_ns": Path(built.path).stat().st_mtime_ns}
    write(record, json.dumps(document, default=str, indent=1).encode())


def write(path: Path, content: bytes) -> None:
    """Replace a file in one step; a reader sees the old or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def keep(cache: Path, binary: Path, name: str) -> tuple[Path, str]:
    """Move a fresh binary into the cache; returns its place there and its digest."""
    binary.chmod(0o755)
    digest = file_digest(binary)
    place = folder(cache) / "sha256" / digest.removeprefix("sha256:") / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if not (place.is_file() and file_digest(place) == digest):
        with binary.open("rb") as file:
            os.fsync(file.fileno())
        binary.replace(place)
    _forget_old(place.parent)
    return place, digest


def _forget_old(newest: Path) -> None:
    # A file that still runs survives its unlinking, so the worst that can happen is a build again.
    import shutil

    now = time.time()
    os.utime(newest)
    with contextlib.suppress(FileNotFoundError):  # another build forgets as well
        aged = sorted((entry.stat().st_mtime, entry) for entry in newest.parent.iterdir())
        for stamp, entry in aged[:-_KEEP_AT_LEAST]:
            if now - stamp > _KEEP_S:
                shutil.rmtree(entry, ignore_errors=True)


def file_digest(path: Path) -> str:
    """`sha256:` and 64 hexadecimal digits of a file's content."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
