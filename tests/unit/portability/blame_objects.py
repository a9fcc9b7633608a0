"""Builds small object files and archives, whole, for the tests of what reads them."""

import struct
from collections.abc import Mapping, Sequence


def obj(
    undefined: Sequence[str] = (),
    weak: Sequence[str] = (),
    defined: Sequence[str] = (),
    source: str = "",
) -> bytes:
    """A 64-bit object file with these symbols and nothing else."""
    strings, symbols = b"\0", bytes(24)

    def add(name: str, info: int, section: int) -> None:
        nonlocal strings, symbols
        symbols += struct.pack("<IBBHQQ", len(strings), info, 0, section, 0, 0)
        strings += name.encode() + b"\0"

    if source:
        add(source, 4, 0xFFF1)
    add("local_function", 2, 1)
    for names, info, section in ((undefined, 0x10, 0), (weak, 0x20, 0), (defined, 0x12, 1)):
        for name in names:
            add(name, info, section)
    at = 64
    table = b"".join(
        struct.pack("<IIQQQQIIQQ", *row)
        for row in (
            (0,) * 10,
            (0, 2, 0, 0, at, len(symbols), 2, 1, 8, 24),
            (0, 3, 0, 0, at + len(symbols), len(strings), 0, 0, 1, 0),
        )
    )
    sections = at + len(symbols) + len(strings)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, sections, 0, 64, 0, 0, 64, 3, 0)
    return head + symbols + strings + table


def ar(members: Mapping[str, bytes]) -> bytes:
    """An ar archive as `ar` writes it; names of more than 15 bytes go into its table of names."""
    names = "".join(f"{name}/\n" for name in members if len(name) > 15)
    parts = [("//", names.encode())] if names else []
    parts += [
        (f"/{names.index(name)}" if len(name) > 15 else f"{name}/", body) for name, body in members.items()
    ]
    out = b"!<arch>\n"
    for name, body in parts:
        out += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(body):<10}`\n".encode()
            + body
            + b"\n" * (len(body) % 2)
        )
    return out


def go_object(directives: str) -> bytes:
    """The start of what Go compiles a package to, with cgo's directives as JSON; none when empty."""
    head = 'go object linux amd64 go1.26.8 GOAMD64=v1\nbuild id "x"\n\n'
    told = f"$$  // cgo\n{directives}\n\n$$\n" if directives else ""
    return f"{head}{told}!\n\0\0go120ld".encode() + bytes(64)


class Bytes:
    """Bytes as a source."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.size = len(body)

    def at(self, offset: int, size: int) -> bytes:
        from trimaran.binary.elf import BrokenFileError

        if offset < 0 or size < 0 or offset + size > self.size:
            raise BrokenFileError("outside", truncated=True)
        return self.body[offset : offset + size]
