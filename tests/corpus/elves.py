"""Bad programs, made by rule: what each is, and the code of the one error that it must give.

`python -m tests.corpus.elves FOLDER` writes them to look at.
"""

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.unit.binary.elves import Elf, inline_buildinfo

GLIBC = {"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.34"), "libm.so.6": ("GLIBC_2.29",)}
BUILD = inline_buildinfo("go1.26.8", "path\tx\nbuild\tCGO_ENABLED=1\n")
WHOLE = bytes(Elf(needed=("libc.so.6", "libm.so.6"), versions=GLIBC, undefined=("puts",), buildinfo=BUILD))
_HEADER, _PROGRAM = 64, 56


@dataclass(frozen=True, slots=True)
class Bad:
    """A file that is wrong in one way.

    Args:
        code: of its error; empty for a file that is read all the same.
    """

    name: str
    body: bytes
    code: str


def patched(body: bytes, offset: int, layout: str, *values: int) -> bytes:
    out = bytearray(body)
    struct.pack_into(layout, out, offset, *values)
    return bytes(out)


def files() -> Iterator[Bad]:
    """Every bad file."""
    yield from truncated()
    yield from mistaken()
    yield from enormous()
    yield from circular()
    yield from foreign()


def truncated() -> Iterator[Bad]:
    """Cut inside and behind each part that has a header."""
    dynamic = struct.unpack_from("<Q", WHOLE, _HEADER + 2 * _PROGRAM + 8)[0]
    cuts = {
        "the magic number": 3,
        "the identification": 15,
        "the file header": 40,
        "the file header's last byte": 63,
        "the program headers": _HEADER + 10,
        "the last program header": _HEADER + 3 * _PROGRAM - 1,
        "the interpreter": _HEADER + 3 * _PROGRAM + 5,
        "the dynamic section": dynamic + 8,
    }
    for name, size in cuts.items():
        yield Bad(f"cut inside {name}", WHOLE[:size], "TRM0204" if size < 4 else "TRM0205")
    yield Bad("nothing at all", b"", "TRM0203")


def mistaken() -> Iterator[Bad]:
    """Headers that say something else than what is there."""
    yield Bad("class 0", patched(WHOLE, 4, "B", 0), "TRM0206")
    yield Bad("32 bits said of 64", patched(WHOLE, 4, "B", 1), "TRM0206")
    yield Bad("byte order 3", patched(WHOLE, 5, "B", 3), "TRM0206")
    yield Bad("big-endian said of little", patched(WHOLE, 5, "B", 2), "TRM0206")
    yield Bad("a machine of which nothing is known", patched(WHOLE, 18, "<H", 4242), "")
    yield Bad("an object file", patched(WHOLE, 16, "<H", 1), "TRM0207")
    yield Bad("a core dump", patched(WHOLE, 16, "<H", 4), "TRM0207")
    yield Bad("program headers of 32 bytes", patched(WHOLE, 54, "<H", 32), "TRM0206")
    # Both map the same addresses; the first that has an address wins, as in the kernel's order.
    load = WHOLE[_HEADER : _HEADER + _PROGRAM]
    twice = WHOLE[: _HEADER + _PROGRAM] + load + WHOLE[_HEADER + 2 * _PROGRAM :]
    yield Bad("segments that overlap", patched(twice, _HEADER + _PROGRAM + 8, "<Q", 0), "")
    yield Bad("a segment behind the end", patched(WHOLE, _HEADER + 8, "<Q", 1 << 40), "TRM0205")
    room, entry = _HEADER + 40, 24
    yield Bad("a segment with more bytes than memory", patched(WHOLE, room, "<Q", 1), "TRM0206")
    yield Bad("a segment beyond all addresses", patched(WHOLE, room, "<Q", 1 << 60), "TRM0206")
    yield Bad("a segment that fits no page", patched(WHOLE, _HEADER + 16, "<Q", 0x400008), "TRM0206")
    yield Bad("an entry in no segment", patched(WHOLE, entry, "<Q", 1 << 40), "TRM0206")
    yield Bad("no segment to load", patched(WHOLE, _HEADER, "<I", 0), "TRM0206")
    # Loaders find it by its address.
    yield Bad(
        "a dynamic section whose offset is wrong", patched(WHOLE, _HEADER + 2 * _PROGRAM + 8, "<Q", 64), ""
    )
    yield Bad("an interpreter without an end", patched(WHOLE, _HEADER + _PROGRAM + 32, "<Q", 5), "TRM0206")
    yield Bad("no section header, as after a strip of everything", WHOLE, "")


def enormous() -> Iterator[Bad]:
    """Counts that would take all memory or all day."""
    yield Bad("65535 program headers", patched(WHOLE, 56, "<H", 65535), "TRM0206")
    yield Bad("program headers at the end of the world", patched(WHOLE, 32, "<Q", (1 << 64) - 1), "TRM0205")
    yield Bad(
        "an interpreter of a terabyte", patched(WHOLE, _HEADER + _PROGRAM + 32, "<Q", 1 << 40), "TRM0206"
    )
    needed = tuple((1, 1) for _ in range(5000))
    yield Bad("5000 needed libraries", bytes(Elf(needed=("libc.so.6",), more=needed)), "TRM0206")
    yield Bad("a name of 9000 bytes", bytes(Elf(needed=("n" * 9000,))), "TRM0206")
    again = tuple((1, 1 + place) for place in range(3900))
    yield Bad("the same name again and again", bytes(Elf(needed=("n" * 4000,), more=again)), "TRM0206")
    yield Bad("65535 section headers", patched(patched(WHOLE, 40, "<Q", 64), 58, "<HHH", 64, 65535, 9), "")


def circular() -> Iterator[Bad]:
    """Records that lead back to themselves."""
    versions = bytes(Elf(versions=GLIBC))
    record = versions.index(struct.pack("<HH", 1, 2), _HEADER + 3 * _PROGRAM)
    yield Bad("a version record that follows itself", patched(versions, record + 2, "<H", 65535), "")
    inner = patched(patched(versions, record + 2, "<H", 65535), record + 16 + 12, "<I", 0)
    yield Bad("a version that is its own last", inner, "")
    outer = patched(versions, record + 12, "<I", 1)
    yield Bad("version records that overlap", outer, "TRM0205")


def foreign() -> Iterator[Bad]:
    """What is no Linux program, or hides one."""
    yield Bad("a script", b"#!/bin/sh\nexec true\n", "TRM0204")
    yield Bad("a Windows program", b"MZ" + bytes(200), "TRM0204")
    yield Bad("a macOS program", b"\xcf\xfa\xed\xfe" + bytes(200), "TRM0204")
    yield Bad("a macOS program of two machines", b"\xca\xfe\xba\xbe" + bytes(200), "TRM0204")
    yield Bad("WebAssembly", b"\0asm\1\0\0\0" + bytes(200), "TRM0204")
    yield Bad("text", b"hello, world\n" * 20, "TRM0204")
    static = bytes(Elf(kind=2, interpreter=None))
    packed = static + bytes(400) + b"UPX!" + bytes(36)
    yield Bad("packed with UPX", packed, "TRM0240")
    # The same word further in front, or in a program with section headers, is only a text.
    yield Bad("a program that speaks of UPX", static + b"UPX!" + bytes(400), "")
    yield Bad("a program that speaks of UPX last", patched(packed, 40, "<Q", 64), "")


def write(folder: Path) -> list[tuple[Path, Bad]]:
    """Write every bad file into a folder of its own."""
    found = []
    for number, bad in enumerate(files()):
        path = folder / f"{number:02} {bad.name}"
        path.write_bytes(bad.body)
        found.append((path, bad))
    return found


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    write(place)
    os.mkfifo(place / "a named pipe")
