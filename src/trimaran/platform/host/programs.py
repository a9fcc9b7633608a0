"""Programs beneath a target's directory, each in a folder named by its content."""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from trimaran.errors import fail, printable

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._+-]{0,127}")


def program_path(root: Path, binary: str, program: str) -> Path:
    """Where a program stands once it is installed. Raises TRM0554 when digest or name are malformed."""
    match = _DIGEST.fullmatch(binary)
    if match is None or _NAME.fullmatch(program) is None:
        what = f"{printable(program)!r} with digest {printable(binary)!r} is no program to install"
        raise fail("TRM0554", what, "build the service again")
    return root / "bin" / match[1] / program


def install(root: Path, binary: str, program: str, artifacts: Mapping[str, Path]) -> Path:
    """Put the artifact with digest `binary` in place, verified, mode 0755; nothing when it is there.

    The file is written under another name and never opened for writing again, so that a program that
    runs is replaced without ETXTBSY. Raises TRM0554 when the artifact is absent or has another digest.
    """
    place = program_path(root, binary, program)
    wanted = place.parent.name
    if place.is_file() and _digest(place) == wanted:
        return place
    source = artifacts.get(binary)
    if source is None:
        raise fail("TRM0554", f"{binary} was not built", "build the service again")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = place.with_name(f".{program}.{os.getpid()}.new")
    try:
        _copy(source, fresh)
        if _digest(fresh) != wanted:
            raise fail("TRM0554", f"{source} is not {binary}", "remove it and build the service again")
        fresh.replace(place)
    except OSError as broken:
        raise fail("TRM0556", f"{place}: {broken.strerror}", "make room or mend the permissions") from None
    finally:
        fresh.unlink(missing_ok=True)
    return place


def discard(root: Path, still_used: Collection[str]) -> None:
    """Remove the programs that no service uses; what cannot be removed stays."""
    for folder in (root / "bin").glob("*"):
        if f"sha256:{folder.name}" not in still_used:
            shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        (root / "bin").rmdir()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: Path, fresh: Path) -> None:
    with source.open("rb") as old, fresh.open("wb") as new:
        os.fchmod(new.fileno(), 0o755)
        shutil.copyfileobj(old, new, 1 << 20)
        new.flush()
        os.fsync(new.fileno())
