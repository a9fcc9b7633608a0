"""Reads the notes of an ELF file: the kernel and the processor that its makers wrote down. Pure.

A note is a hint that loaders read, no part of the program; one that is broken counts as absent, as the
loaders do it. The forms: gabi, "Note Section"; glibc's `elf.h` for NT_GNU_ABI_TAG; the x86-64 psABI,
"Program Property", for the ISA level.
"""

import struct
from collections.abc import Iterator

from trimaran.binary.elf import BrokenFileError, Elf

PT_NOTE, PT_GNU_PROPERTY = 4, 0x6474E553
NOTE_BYTES = 16_384
_EM_X86_64 = 62
_NT_ABI_TAG, _NT_PROPERTY = 1, 5
_ISA_1_NEEDED = 0xC0008002
_LINUX = 0
_GNU = b"GNU\0"
# Whose notes are no other than in programs for that system: each one's crt1, or its `sys/elf_notes.h`.
_SYSTEMS = {
    b"DragonFly\0": "DragonFly BSD",
    b"FreeBSD\0": "FreeBSD",
    b"NetBSD\0": "NetBSD",
    b"OpenBSD\0": "OpenBSD",
}
# The first word of a GNU ABI tag (glibc's elf.h).
_ABI_SYSTEMS = {1: "GNU Hurd", 2: "Solaris", 3: "FreeBSD"}


def abi_kernel(elf: Elf) -> str | None:
    """The oldest Linux that its C library or startup files were configured for; None when not told."""
    for kind, body in _gnu_notes(elf, PT_NOTE, 4):
        if kind == _NT_ABI_TAG and len(body) >= 16:
            system, *parts = struct.unpack(elf.order + "IIII", body[:16])
            if system == _LINUX:
                return ".".join(str(part) for part in parts)
    return None


def other_system(elf: Elf) -> str | None:
    """The system other than Linux whose startup files, or C library, left their mark; None without one."""
    for owner, kind, body in _notes_of(elf, PT_NOTE, 4):
        if owner in _SYSTEMS:
            return _SYSTEMS[owner]
        if owner == _GNU and kind == _NT_ABI_TAG and len(body) >= 16:
            return _ABI_SYSTEMS.get(struct.unpack(elf.order + "I", body[:4])[0])
    return None


def isa_level(elf: Elf) -> int:
    """The x86-64 level that the file says it needs: 1 to 4, or more than there are; 1 without a word."""
    if elf.machine != _EM_X86_64:
        return 1
    width = elf.bits // 8
    level = 1
    for kind, body in _gnu_notes(elf, PT_GNU_PROPERTY, width):
        at = 0
        while kind == _NT_PROPERTY and at + 8 <= len(body):
            name, size = struct.unpack(elf.order + "II", body[at : at + 8])
            if name == _ISA_1_NEEDED and size == 4 and at + 12 <= len(body):
                (needed,) = struct.unpack(elf.order + "I", body[at + 8 : at + 12])
                # Bit 0 is the baseline, bit 3 is v4. Those behind have no meaning yet, so no processor has
                # them, and glibc refuses a file that asks for one.
                level = max(level, needed.bit_length())
            at += 8 + -(-size // width) * width
    return level


def _gnu_notes(elf: Elf, wanted: int, alignment: int) -> Iterator[tuple[int, bytes]]:
    return ((kind, body) for owner, kind, body in _notes_of(elf, wanted, alignment) if owner == _GNU)


def _notes_of(elf: Elf, wanted: int, alignment: int) -> Iterator[tuple[bytes, int, bytes]]:
    for segment in elf.segments:
        if segment.kind != wanted or not 16 <= segment.size <= NOTE_BYTES:
            continue
        try:
            notes = elf.source.at(segment.offset, segment.size)
        except BrokenFileError:
            continue
        yield from _notes(elf.order, notes, alignment)


def _notes(order: str, notes: bytes, alignment: int) -> Iterator[tuple[bytes, int, bytes]]:
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack(order + "III", notes[at : at + 12])
        body = at + 12 + -(-name_size // 4) * 4
        yield notes[at + 12 : at + 12 + name_size], kind, notes[body : body + size]
        at = body + -(-size // alignment) * alignment
