"""The fleet file that the lab writes for its user, and never over somebody else's. Input and output."""

import contextlib
import json
from pathlib import Path

from trimaran.errors import TrimaranError, Where, fail
from trimaran.lab import texts
from trimaran.lab.credentials import write_private
from trimaran.toolchain.builds import write as write_whole

_LIMIT = 64 << 10
_RECORD = "fleets.json"


def check(path: Path) -> None:
    """Raises TRM1001 when there is something at `path` that the lab did not write."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise _foreign(path)
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError:
        return
    if not texts.is_ours(text):
        raise _foreign(path)


def _foreign(path: Path) -> TrimaranError:
    fix = "name another file with --fleet, or move this one away"
    return fail("TRM1001", "this was not made by `trimaran lab up`", fix, Where(str(path)))


def write(root: Path, path: Path, port: int) -> None:
    """Write the fleet file and remember where. Raises TRM1001, and OSError when it cannot be written."""
    check(path)
    wanted = texts.fleet(str(root), port).encode()
    place = path.absolute()
    if not place.is_file() or place.read_bytes() != wanted:
        write_whole(place, wanted)
    written = _written(root)
    if str(place) not in written:
        write_private(root / _RECORD, json.dumps([*written, str(place)]).encode())


def _written(root: Path) -> list[str]:
    try:
        return [str(each) for each in json.loads((root / _RECORD).read_bytes())]
    except (OSError, ValueError, TypeError):
        return []


def remove(root: Path) -> None:
    """Remove the fleet files that this lab wrote, as far as they are still the lab's."""
    for name in _written(root):
        with contextlib.suppress(OSError, TrimaranError):
            path = Path(name)
            if path.is_file():
                check(path)
                path.unlink()
