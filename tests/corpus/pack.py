"""Builds small archives of every form, whole or with lies in them; the same arguments give the same bytes."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": lambda raw: gzip.compress(raw, 6, mtime=0),
    "xz": lambda raw: lzma.compress(raw, preset=0),
    "bz2": bz2.compress,
    "zst": zstd.compress,
    "lzma": lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE, preset=0),
}
Files = Mapping[str, bytes | str]
"""Name → bytes of a file, or the target of a symbolic link."""


def tar(
    files: Files | Sequence[tuple[str, bytes | str]], form: int = tarfile.PAX_FORMAT, *, ends: bool = True
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            elif name.endswith("/"):
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        size = archive.offset
    return out.getvalue() if ends else out.getvalue()[:size]


def header(name: bytes, kind: bytes = b"0", size: int = 0, link: bytes = b"", tail: bytes = b"") -> bytes:
    """One tar header as it is asked for, with a right sum."""
    number = b"%011o\0" % size if size < 1 << 33 else b"\x80" + size.to_bytes(11)
    block = name[:100].ljust(100, b"\0") + b"0000755\0" + b"0000000\0" * 2 + number + b"00000000000\0"
    block += b" " * 8 + kind + link[:100].ljust(100, b"\0") + b"ustar\x0000" + tail
    block = block.ljust(512, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def member(name: bytes, content: bytes, kind: bytes = b"0", **more: bytes) -> bytes:
    return header(name, kind, len(content), **more) + content + bytes(-len(content) % 512)


def plain(files: Mapping[str, bytes]) -> bytes:
    """The same of short names and files alone, many times as quick."""
    return b"".join(member(name.encode(), content) for name, content in files.items()) + bytes(1024)


def ar(members: Sequence[tuple[str, bytes]]) -> bytes:
    out = b"!<arch>\n"
    for name, content in members:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode() + content
        out += b"\n" * (len(content) % 2)
    return out


def deb(data: bytes, ending: str = "gz", version: bytes = b"2.0\n") -> bytes:
    """A Debian package around a tar archive."""
    control = PACK["gz"](tar({"./control": b"Package: x\n"}))
    name = f"data.tar.{ending}" if ending else "data.tar"
    return ar([("debian-binary", version), ("control.tar.gz", control), (name, PACK[ending](data))])


def cpio(files: Mapping[str, bytes], *, short: bool = False) -> bytes:
    out = b""
    for number, (name, content) in enumerate(files.items()):
        if short:
            out += b"07070X%08x\0\0" % number
        else:
            out += cpio_header(name.encode(), len(content), inode=number + 1)
        out += content + bytes(-len(content) % 4)
    return out + cpio_header(b"TRAILER!!!", 0)


def cpio_header(
    name: bytes, size: int, mode: int = 0o100755, links: int = 1, inode: int = 0, width: int | None = None
) -> bytes:
    fields = (inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, len(name) + 1 if width is None else width, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    return head + bytes(-len(head) % 4)


def rpm_header(tags: Sequence[tuple[int, int, int, bytes]]) -> bytes:
    """A header of (tag, type, count, bytes)."""
    index, store = b"", b""
    for tag, kind, count, value in tags:
        store += bytes(-len(store) % {3: 2, 4: 4, 5: 8}.get(kind, 1))
        index += struct.pack(">4I", tag, kind, len(store), count)
        store += value
    return b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">2I", len(tags), len(store)) + index + store


def strings(*values: str) -> bytes:
    return b"".join(value.encode() + b"\0" for value in values)


def rpm(
    files: Mapping[str, bytes],
    named: str = "gzip",
    ending: str = "gz",
    *,
    short: bool = False,
    payload: bytes | None = None,
    more: Sequence[tuple[int, int, int, bytes]] = (),
    digest: str | None = None,
    header_digest: str | None = None,
) -> bytes:
    """An rpm package; what is given replaces what would be right."""
    packed = PACK[ending](cpio(files, short=short) if payload is None else payload)
    count, names = len(files), [name.lstrip("./") for name in files]
    tags = [
        (1028, 4, count, struct.pack(f">{count}I", *map(len, files.values()))),
        (1030, 3, count, struct.pack(f">{count}H", *[0o100755] * count)),
        (1096, 4, count, struct.pack(f">{count}I", *range(1, count + 1))),
        (1116, 4, count, bytes(4 * count)),
        (1117, 8, count, strings(*names)),
        (1118, 8, 1, strings("/")),
        (1124, 6, 1, strings("cpio")),
        *([(1125, 6, 1, strings(named))] if named else []),
        (5092, 8, 1, strings(digest or hashlib.sha256(packed).hexdigest())),
        (5093, 4, 1, struct.pack(">I", 8)),
        *more,
    ]
    main = rpm_header(tags)
    signed = rpm_header([(273, 6, 1, strings(header_digest or hashlib.sha256(main).hexdigest()))])
    lead = b"\xed\xab\xee\xdb\x03".ljust(96, b"\0")
    return lead + signed + bytes(-len(signed) % 8) + main + packed


@dataclass
class Zipped:
    """One member of a zip archive; what is given replaces what would be right."""

    name: bytes
    content: bytes
    method: int = 8
    flags: int = 0
    crc: int | None = None
    size: int | None = None
    local_name: bytes | None = None
    at: int | None = None
    packed: bytes | None = None
    mode: int = 0o100755


def zipped(*members: Zipped, count: int | None = None, move: int = 0) -> bytes:
    out, table = b"", b""
    for each in members:
        raw = zlib.compressobj(6, zlib.DEFLATED, -15)
        squeezed = raw.compress(each.content) + raw.flush() if each.method == 8 else each.content
        packed = squeezed if each.packed is None else each.packed
        crc = zlib.crc32(each.content) if each.crc is None else each.crc
        size = len(each.content) if each.size is None else each.size
        local = each.name if each.local_name is None else each.local_name
        common = struct.pack(
            "<HHHHIIIHH", each.flags, each.method, 0, 33, crc, len(packed), size, len(each.name), 0
        )
        at = len(out) if each.at is None else each.at
        table += b"PK\x01\x02" + struct.pack("<HH", 0x031E, 20) + common
        table += struct.pack("<HHHII", 0, 0, 0, each.mode << 16, at) + each.name
        out += (
            b"PK\x03\x04"
            + struct.pack("<H", 20)
            + common[:-4]
            + struct.pack("<HH", len(local), 0)
            + local
            + packed
        )
    number = len(members) if count is None else count
    return (
        out
        + table
        + b"PK\x05\x06"
        + struct.pack("<HHHHIIH", 0, 0, number, number, len(table), len(out) + move, 0)
    )


def adb(files: Mapping[str, bytes], *, digests: bool = True, ending: bytes = b"") -> bytes:
    """An Alpine package of version 3 with all files in one folder, `usr/bin`."""
    raw = bytearray(8)

    def put(value: bytes, kind: int) -> int:
        raw.extend(bytes(-len(raw) % 4))
        at = len(raw)
        raw.extend(value)
        return kind << 28 | at

    def blob(value: bytes) -> int:
        return put(bytes([len(value)]) + value, 8)

    def slots(kind: int, *values: int) -> int:
        return put(struct.pack(f"<{len(values) + 1}I", len(values) + 1, *values), kind)

    listed = [
        slots(
            0xE,
            blob(name.encode()),
            0,
            0x1 << 28 | len(content),
            0,
            blob(hashlib.sha256(content).digest()) if digests else 0,
        )
        for name, content in files.items()
    ]
    folder = slots(0xE, blob(b"usr/bin"), 0, slots(0xD, *listed))
    raw[4:8] = slots(0xE, 0, slots(0xD, folder)).to_bytes(4, "little")
    out = b"ADB.pckg" + block(0, bytes(raw))
    for number, content in enumerate(files.values(), 1):
        out += block(2, struct.pack("<II", 1, number) + content)
    if ending == b"d":
        squeezed = zlib.compressobj(6, zlib.DEFLATED, -15)
        return b"ADBd" + squeezed.compress(out) + squeezed.flush()
    return b"ADBc\x02\x00" + zstd.compress(out) if ending == b"c" else out


def block(kind: int, content: bytes) -> bytes:
    raw = struct.pack("<I", kind << 30 | len(content) + 4) + content
    return raw + bytes(-len(raw) % 8)


class Layout:
    """An image layout that is being written."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(self, content: bytes, kind: str, **more: object) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content), **more}

    def document(self, content: object, kind: str, **more: object) -> dict[str, object]:
        return self.blob(json.dumps(content).encode(), kind, **more)

    def image(self, *layers: bytes, architecture: str = "amd64", **more: object) -> dict[str, object]:
        """The descriptor of an image of these layers, the lowest first."""
        config = self.document({"os": "linux", "architecture": architecture, "n": len(layers)}, CONFIG)
        kinds = [self.blob(layer, LAYER) for layer in layers]
        manifest = {"schemaVersion": 2, "config": config, "layers": kinds}
        platform = {"os": "linux", "architecture": architecture}
        return self.document(manifest, MANIFEST, platform=platform, **more)

    def index(self, *manifests: dict[str, object]) -> "Layout":
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
        return self

    def tar(self) -> bytes:
        return plain(self.files)


CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def saved(*layers: bytes, diffs: Sequence[str] | None = None, config_name: str | None = None) -> bytes:
    """What docker save writes."""
    right = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": right if diffs is None else diffs}}
    )
    name = config_name or f"{hashlib.sha256(config.encode()).hexdigest()}.json"
    files = {f"{number:064x}/layer.tar": layer for number, layer in enumerate(layers)}
    manifest = [{"Config": name, "RepoTags": ["x:1"], "Layers": list(files)}]
    return tar({**files, name: config.encode(), "manifest.json": json.dumps(manifest).encode()})
