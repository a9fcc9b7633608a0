"""Tar archives made by hand, so that they can be as no tool makes them."""

import random

BLOCK = 512


def block(
    name: bytes,
    kind: bytes = b"0",
    size: int = 0,
    target: bytes = b"",
    mode: int = 0o644,
    magic: bytes = b"ustar\x0000",
) -> bytes:
    """One header, with a right checksum."""
    number = b"%011o\0" % size if size < 1 << 33 else b"\x80" + size.to_bytes(11, "big")
    head = bytearray(
        name[:100].ljust(100, b"\0") + b"%07o\0" % mode + b"%07o\0" % 0 + b"%07o\0" % 0 + number
        + b"%011o\0" % 0 + b" " * 8 + kind[:1].ljust(1, b"\0") + target[:100].ljust(100, b"\0") + magic
    ).ljust(BLOCK, b"\0")  # fmt: skip
    return seal(bytes(head))


def seal(head: bytes) -> bytes:
    """The same header with its checksum put right."""
    blank = head[:148] + b" " * 8 + head[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def filled(content: bytes) -> bytes:
    """Whole blocks."""
    return content + b"\0" * (-len(content) % BLOCK)


def file(name: str, content: bytes = b"", **more: int) -> bytes:
    return block(name.encode(), b"0", len(content), **more) + filled(content)  # type: ignore[arg-type]


def folder(name: str, mode: int = 0o755) -> bytes:
    return block(name.encode(), b"5", mode=mode)


def link(name: str, target: str) -> bytes:
    return block(name.encode(), b"2", target=target.encode())


def hard_link(name: str, target: str) -> bytes:
    return block(name.encode(), b"1", target=target.encode())


def pax(*pairs: tuple[str, str], kind: bytes = b"x") -> bytes:
    """An extended header."""
    rows = b"".join(_record(f"{key}={value}\n".encode()) for key, value in pairs)
    return block(b"PaxHeaders/x", kind, len(rows)) + filled(rows)


def _record(text: bytes) -> bytes:
    size = len(text) + 2
    while len(str(size)) + 1 + len(text) != size:
        size = len(str(size)) + 1 + len(text)
    return b"%d %b" % (size, text)


def long_name(name: str, kind: bytes = b"L") -> bytes:
    content = name.encode() + b"\0"
    return block(b"././@LongLink", kind, len(content)) + filled(content)


END = b"\0" * (2 * BLOCK)

# Some twice, so that entries meet: links under names that folders have, and names below links.
_PARTS = ("a", "a", "b", "b", "c", "c", "lib", "lib", ".", "", ".wh.a", ".wh.b", ".wh..wh..opq", "x" * 250)
_RARE = (
    "..",
    ".wh.",
    ".wh...",
    "..",
    "a\nb",
    "\x1b[2J",
    "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
)
_TARGETS = (
    "..", "../..", "../../../..", "/", "a", "b", "a/b", "../outside", "../../outside", "./a", "/a", "c/../..",
    "../outside/canary", "loop", "lib", "/lib", ".",
)  # fmt: skip
_KINDS = (
    (b"0",) * 8 + (b"5",) * 8 + (b"2",) * 8 + (b"1",) * 2 + (b"3", b"4", b"6", b"7", b"\0", b"A", b"V", b"S")
)


def strange(chance: random.Random, outside: str) -> bytes:
    """An archive as no tool makes it."""
    made = b"".join(_entry(chance, outside) for _ in range(chance.randint(1, 7)))
    if chance.random() < 0.9:
        made += END
    if chance.random() < 0.25:
        made = _damaged(chance, made)
    return made


def _entry(chance: random.Random, outside: str) -> bytes:
    name = _name(chance, outside)
    kind = chance.choice(_KINDS)
    target = chance.choice((*_TARGETS, outside, f"{outside}/canary", f"..{outside}")) if kind in b"12" else ""
    content = b"" if kind in b"12" else chance.randbytes(chance.choice((0, 0, 3, 600)))
    size = (
        len(content) if chance.random() < 0.95 else chance.choice((0, 1, 511, 513, 1 << 20, 1 << 40, 1 << 70))
    )
    before = b""
    match chance.randrange(30):
        case 0:
            before = long_name(name * chance.choice((1, 1, 40)))
        case 1:
            before = long_name(target or "a", b"K")
        case 2:
            before = pax(("path", name), ("linkpath", target or "../outside"))
        case 3:
            before = pax((chance.choice(("size", "GNU.sparse.realsize", "GNU.sparse.map")), str(size)))
        case 4:
            before = pax(("GNU.sparse.major", "1"), ("GNU.sparse.name", name), ("GNU.sparse.realsize", "99"))
        case 5:
            before = pax(("path", chance.choice((outside, "../../x"))), kind=b"g")
    mode = chance.choice((0o644, 0, 0o4755, 0o7777, 0o2000))
    return (
        before + block(name.encode(), kind, min(size, (1 << 88) - 1), target.encode(), mode) + filled(content)
    )


def _name(chance: random.Random, outside: str) -> str:
    start = chance.choice(("", "", "", "/", "./", "//", f"{outside}/"))
    parts = [chance.choice(_PARTS) for _ in range(chance.choice((1, 1, 2, 2, 3, 5)))]
    if chance.random() < 0.05:
        parts.insert(chance.randrange(len(parts)), chance.choice(_RARE))
    return start + "/".join(parts)


def _damaged(chance: random.Random, made: bytes) -> bytes:
    changed = bytearray(made)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed))
        changed[at] = chance.randrange(256)
        start = at - at % BLOCK
        if chance.random() < 0.7 and start + BLOCK <= len(changed):
            changed[start : start + BLOCK] = seal(bytes(changed[start : start + BLOCK]))
    return bytes(changed[: chance.randint(1, len(changed))] if chance.random() < 0.3 else changed)
