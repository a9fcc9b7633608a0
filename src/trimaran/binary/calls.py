"""Which programs a Go program names where it starts them. Pure, bounded.

Go puts a constant string into two registers, its address and its length, right before the call (here
os/exec.Command; os/exec.CommandContext has its context in the first two, and the name in CX and DI):

    LEAQ  go:string."git"(SB), AX      48 8d 05 disp32
    MOVL  $3, BX                       bb imm32
    …
    CALL  os/exec.Command(SB)          e8 rel32

So does every Go compiler since 1.17 on x86-64 (its register-based ABIInternal). A name that is worked out
while the program runs cannot be found, and the calls of a program that gcc linked are not.
"""

import re
import struct
from collections.abc import Iterator

from trimaran.binary.elf import BrokenFileError, Elf, Section, section_named
from trimaran.binary.pclntab import SHARED, WINDOW, Table, windows

EM_X86_64 = 62
# The largest code seen had 45 MB (kube-apiserver 1.35); these are looked through in half a second.
CODE_BYTES = 32 << 20
NAMES = 16
# From the name to the call there are only moves of the other arguments.
_NEAR = 64
_FIRST = re.compile(rb"\x48\x8d\x05(....)\xbb([\x01-\x7f])\0\0\0", re.DOTALL)
_THIRD = re.compile(rb"\x48\x8d\x0d(....)\xbf([\x01-\x7f])\0\0\0", re.DOTALL)
_FORMS = ((b"os/exec.Command", _FIRST), (b"os/exec.CommandContext", _THIRD))


def started(elf: Elf, table: Table, functions: frozenset[str]) -> tuple[str, ...]:
    """Names of programs as they stand in the calls, sorted; none where the machine's code is not understood.

    Args:
        functions: those that are linked in, of those that were looked for.
    """
    code = section_named(elf, ".text")
    if elf.machine != EM_X86_64 or elf.bits != 64 or not table.functions or code is None:
        return ()
    found: dict[str, None] = {}
    for function, form in _FORMS:
        if function.decode() in functions and (at := _entry(elf, table, function)) is not None:
            found |= dict.fromkeys(_named(elf, code, code.address + at, form))
    return tuple(sorted(found)[:NAMES])


def _entry(elf: Elf, table: Table, function: bytes) -> int | None:
    """How far behind the start of the code a function begins."""
    name = _place(elf, table.names, table.names_size, b"\0" + function + b"\0")
    if name is None:
        return None
    wanted = struct.pack("<I", name + 1)
    # Behind the table of (entry, place) are the functions' own entries: each its entry, then its name.
    size = 8 * table.count
    for place in _places(
        elf, table.functions + size, table.size - (table.functions - table.start) - size, wanted
    ):
        entry = elf.unpack("I", table.functions + size + place - 4)[0]
        pair = struct.pack("<II", entry, size + place - 4)
        if _place(elf, table.functions, size, pair) is not None:
            return entry
    return None


def _place(elf: Elf, start: int, size: int, wanted: bytes) -> int | None:
    return next(_places(elf, start, size, wanted), None)


def _places(elf: Elf, start: int, size: int, wanted: bytes) -> Iterator[int]:
    passed = 0
    for piece in windows(elf, start, size):
        at = piece.find(wanted)
        while at >= 0:
            yield passed + at
            at = piece.find(wanted, at + 1)
        passed += WINDOW - SHARED


def _named(elf: Elf, code: Section, target: int, form: re.Pattern[bytes]) -> Iterator[str]:
    address = code.address
    for piece in windows(elf, code.offset, min(code.size, CODE_BYTES)):
        for match in form.finditer(piece):
            if _calls(piece, match.end(), address, target):
                place = address + match.end() - 5 + int.from_bytes(match[1], "little", signed=True)
                name = _text(elf, place, match[2][0])
                if name is not None:
                    yield name
        address += WINDOW - SHARED


def _calls(piece: bytes, at: int, address: int, target: int) -> bool:
    call = piece.find(b"\xe8", at, at + _NEAR)
    while call >= 0:
        if address + call + 5 + int.from_bytes(piece[call + 1 : call + 5], "little", signed=True) == target:
            return True
        call = piece.find(b"\xe8", call + 1, at + _NEAR)
    return False


def _text(elf: Elf, address: int, size: int) -> str | None:
    try:
        text = elf.source.at(elf.offset_of(address), size).decode("utf-8")
    except (BrokenFileError, UnicodeDecodeError):
        return None
    return text if text.isprintable() else None
