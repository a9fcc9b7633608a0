"""Builds small ELF files, whole or broken on purpose, for any class and byte order."""

import struct
from dataclasses import dataclass, field

BASE = 0x400000
MAGIC = b"\xff Go buildinf:"


@dataclass
class Elf:
    """An ELF file to be; `bytes(Elf(...))` builds it."""

    bits: int = 64
    order: str = "<"
    machine: int = 62
    kind: int = 3
    interpreter: str | None = "/lib64/ld-linux-x86-64.so.2"
    needed: tuple[str, ...] = ()
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    weak: frozenset[str] = frozenset()
    undefined: tuple[str, ...] = ()
    strings: dict[int, str] = field(default_factory=dict)  # dynamic tag → string
    numbers: dict[int, int] = field(default_factory=dict)  # dynamic tag → number
    more: tuple[tuple[int, int], ...] = ()  # further dynamic entries as they are
    entry: int = BASE
    buildinfo: bytes = b""
    notes: bytes = b""

    def __bytes__(self) -> bytes:
        return _Layout(self).build()


def inline_buildinfo(version: str, settings: str) -> bytes:
    """What Go 1.18 and newer write."""
    framed = b"0" * 16 + settings.encode() + b"1" * 16 if settings else b""
    return MAGIC + bytes([8, 2]) + bytes(16) + _varint(version.encode()) + _varint(framed)


def pointed_buildinfo(version: str, settings: str, bits: int, order: str, address: int) -> bytes:
    """What Go before 1.18 wrote, at `address`: pointers to string headers."""
    word = "Q" if bits == 64 else "I"
    width = bits // 8
    framed = b"0" * 16 + settings.encode() + b"1" * 16 if settings else b""
    first, texts = address + 32, address + 32 + 4 * width
    head = MAGIC + bytes([width, int(order == ">")])
    head += struct.pack(order + 2 * word, first, first + 2 * width).ljust(16, b"\0")
    headers = struct.pack(order + 4 * word, texts, len(version), texts + len(version), len(framed))
    return head + headers + version.encode() + framed


def note(owner: bytes, kind: int, body: bytes, order: str = "<") -> bytes:
    """One note as it stands in a PT_NOTE segment; `owner` with its closing zero."""
    head = struct.pack(order + "III", len(owner), len(body), kind)
    return head + owner.ljust(-(-len(owner) // 4) * 4, b"\0") + body.ljust(-(-len(body) // 4) * 4, b"\0")


def _varint(body: bytes) -> bytes:
    size, out = len(body), b""
    while size >= 0x80:
        out += bytes([size & 0x7F | 0x80])
        size >>= 7
    return out + bytes([size]) + body


class _Layout:
    def __init__(self, elf: Elf) -> None:
        self.elf, self.strings = elf, b"\0"
        self.wide = elf.bits == 64
        self.header, self.program_header = (64, 56) if self.wide else (52, 32)

    def string(self, text: str) -> int:
        at = len(self.strings)
        self.strings += text.encode() + b"\0"
        return at

    def pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(self.elf.order + layout, *values)

    def build(self) -> bytes:
        elf = self.elf
        entries: list[tuple[int, int | str]] = [(1, self.string(name)) for name in elf.needed]
        entries += [(tag, self.string(text)) for tag, text in elf.strings.items()]
        entries += [*elf.numbers.items(), *elf.more]
        needs, symbols = self.version_needs(), self.symbols()
        dynamic_wanted = bool(entries or needs or elf.undefined or elf.interpreter is not None)
        parts = [("interp", (elf.interpreter or "").encode() + b"\0" if elf.interpreter is not None else b"")]
        parts += [
            ("strings", self.strings if dynamic_wanted else b""),
            ("needs", needs),
            ("symbols", symbols),
        ]
        parts += [("hash", self.pack("IIII", 1, len(elf.undefined) + 1, 0, 0) if elf.undefined else b"")]
        entries += [(5, "strings"), (10, len(self.strings))] if dynamic_wanted else []
        entries += [(0x6FFFFFFE, "needs"), (0x6FFFFFFF, len(elf.versions))] if needs else []
        entries += [(6, "symbols"), (4, "hash")] if elf.undefined else []
        width = 16 if self.wide else 8
        parts += [("dynamic", bytes(width * (len(entries) + 1)) if dynamic_wanted else b"")]
        parts += [("buildinfo", elf.buildinfo), ("notes", elf.notes)]
        segments = 1 + (elf.interpreter is not None) + dynamic_wanted + bool(elf.notes)
        place, at = {}, self.header + segments * self.program_header
        for name, body in parts:
            at = -(-at // 16) * 16
            place[name] = (at, len(body))
            at += len(body)
        size = at
        bodies = dict(parts)
        values = [
            (tag, BASE + place[value][0] if isinstance(value, str) else value) for tag, value in entries
        ]
        if dynamic_wanted:
            words = "QQ" if self.wide else "II"
            bodies["dynamic"] = b"".join(self.pack(words, tag, value) for tag, value in [*values, (0, 0)])
        out = bytearray(self.file_header(segments))
        out += self.segment(1, 6, 0, size)
        out += self.segment(3, 4, *place["interp"]) if elf.interpreter is not None else b""
        out += self.segment(2, 6, *place["dynamic"]) if dynamic_wanted else b""
        out += self.segment(4, 4, *place["notes"]) if elf.notes else b""
        out = out.ljust(size, b"\0")
        for name, (start, length) in place.items():
            out[start : start + length] = bodies[name]
        return bytes(out)

    def file_header(self, segments: int) -> bytes:
        elf = self.elf
        ident = b"\x7fELF" + bytes([2 if self.wide else 1, 1 if elf.order == "<" else 2, 1]) + bytes(9)
        words = "HHIQQQIHHHHHH" if self.wide else "HHIIIIIHHHHHH"
        sizes = (self.header, self.program_header, segments, 64 if self.wide else 40, 0, 0)
        return ident + self.pack(words, elf.kind, elf.machine, 1, elf.entry, self.header, 0, 0, *sizes)

    def segment(self, kind: int, flags: int, offset: int, size: int) -> bytes:
        address = BASE + offset
        if self.wide:
            return self.pack("IIQQQQQQ", kind, flags, offset, address, address, size, size, 16)
        return self.pack("IIIIIIII", kind, offset, address, address, size, size, flags, 16)

    def version_needs(self) -> bytes:
        out = b""
        for place, (library, names) in enumerate(self.elf.versions.items()):
            last = place == len(self.elf.versions) - 1
            size = 16 + 16 * len(names)
            out += self.pack("HHIII", 1, len(names), self.string(library), 16, 0 if last else size)
            for index, name in enumerate(names):
                flag = 2 if name in self.elf.weak else 0
                following = 0 if index == len(names) - 1 else 16
                out += self.pack("IHHII", 0, flag, 2, self.string(name), following)
        return out

    def symbols(self) -> bytes:
        if not self.elf.undefined:
            return b""
        out = bytes(24 if self.wide else 16)
        for name in self.elf.undefined:
            weak = name in self.elf.weak
            binding = (2 if weak else 1) << 4 | 2
            at = self.string(name)
            if self.wide:
                out += self.pack("IBBHQQ", at, binding, 0, 0, 0, 0)
            else:
                out += self.pack("IIIBBH", at, 0, 0, binding, 0, 0)
        return out
