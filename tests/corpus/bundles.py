"""The corpus of archives: whole, broken and hostile ones, each with what must be said about it.

`python -m tests.corpus.bundles FOLDER` writes them to disk.
"""

import sys
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.pack import (
    PACK,
    Zipped,
    adb,
    ar,
    cpio,
    cpio_header,
    deb,
    header,
    member,
    rpm,
    tar,
    zipped,
)
from tests.unit.binary.elves import Elf

PROGRAM = bytes(Elf(needed=("libc.so.6",), versions={"libc.so.6": ("GLIBC_2.34",)}))
OBJECT = bytes(Elf(kind=1))
SCRIPT = b"#!/bin/sh\n"
X = {"usr/bin/x": PROGRAM}
TREE: dict[str, bytes | str] = {"./": b"", "./usr/bin/x": PROGRAM, "./usr/bin/y": "x", "./usr/bin/s": SCRIPT}
TREE |= {"./usr/lib/o.o": OBJECT, "./empty": b""}
ZEROS = 16 << 20
END = bytes(1024)


@dataclass(frozen=True)
class Case:
    """One archive: its name, its bytes, the names of the programs that are read, the codes of the errors."""

    name: str
    content: bytes
    programs: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


def whole() -> Iterator[Case]:
    """Archives that are fine."""
    found = ("/usr/bin/x",)
    for ending in PACK:
        yield Case(f"data-{ending or 'none'}.deb", deb(tar(TREE), ending), found)
        if ending != "lzma":
            yield Case(f"tree.tar.{ending}".rstrip("."), PACK[ending](tar(TREE)), found)
    yield Case(
        "gnu.tar", tar(TREE | {"d/" * 80 + "z": PROGRAM}, tarfile.GNU_FORMAT), (*found, "/" + "d/" * 80 + "z")
    )
    yield Case("pax.tar", tar(TREE | {"d/" * 80 + "z": PROGRAM}), (*found, "/" + "d/" * 80 + "z"))
    yield Case(
        "ustar.tar",
        tar(TREE | {"d/" * 80 + "z": PROGRAM}, tarfile.USTAR_FORMAT),
        (*found, "/" + "d/" * 80 + "z"),
    )
    for named, ending in (
        ("gzip", "gz"),
        ("bzip2", "bz2"),
        ("xz", "xz"),
        ("lzma", "lzma"),
        ("zstd", "zst"),
        ("", ""),
    ):
        yield Case(f"{named or 'plain'}.rpm", rpm({"./usr/bin/x": PROGRAM}, named, ending), found)
    yield Case("short.rpm", rpm({"./x": PROGRAM, "./y": SCRIPT}, short=True), ("/x",))
    parts = [tar({".SIGN.RSA.k": b"1"}, ends=False), tar({".PKGINFO": b"pkgname = x"}, ends=False), tar(TREE)]
    yield Case("two.apk", b"".join(map(PACK["gz"], parts)), found)
    for form in (b"", b"d", b"c"):
        yield Case(f"three-{form.decode() or 'plain'}.apk", adb({"x": PROGRAM}, ending=form), found)
    yield Case(
        "x.zip", zipped(Zipped(b"d/", b"", 0), Zipped(b"d/x", PROGRAM), Zipped(b"s", SCRIPT)), ("/d/x",)
    )
    yield Case("stored.whl", zipped(Zipped(b"a/x.so", PROGRAM, 0)), ("/a/x.so",))
    yield Case("zst.zip", zipped(Zipped(b"x", PROGRAM, 93, packed=PACK["zst"](PROGRAM))), ("/x",))
    yield Case("bz2.zip", zipped(Zipped(b"x", PROGRAM, 12, packed=PACK["bz2"](PROGRAM))), ("/x",))
    yield Case("linked.zip", zipped(Zipped(b"x", PROGRAM), Zipped(b"y", b"x", 0, mode=0o120777)), ("/x",))
    yield Case("x.gz", PACK["gz"](PROGRAM), ("/x",))
    yield Case("absolute.tar", tar({"/usr/bin/x": PROGRAM}), found)
    yield Case("parts.tar.gz", PACK["gz"](tar(X)[:700]) + PACK["gz"](tar(X)[700:]) + bytes(512), found)


def tars() -> Iterator[Case]:
    """Tar archives that lie or break."""
    big, name, body = tar(X), b"usr/bin/x", member(b"usr/bin/x", PROGRAM)
    yield Case("nothing.tar.gz", PACK["gz"](bytes(10240)), (), ("TRM0211",))
    yield Case("script.tar", tar({"x": SCRIPT, "o.o": OBJECT}), (), ("TRM0211",))
    devices = b"".join(header(b"dev/" + kind, kind, 4096) for kind in (b"3", b"4", b"6"))
    yield Case(
        "devices.tar",
        devices + header(b"y", b"1", 0, b"x") + header(b"z", b"2", 9, b"/etc/passwd") + END,
        (),
        ("TRM0211",),
    )
    yield Case("links-and-one.tar", header(b"y", b"2", 0, b"../../x") + big, ("/usr/bin/x",))
    yield Case("outside.tar", tar({"../../etc/x": PROGRAM, "a/../../x": PROGRAM}), (), ("TRM0223", "TRM0223"))
    yield Case("twice.tar", tar([*X.items(), *X.items()]), ("/usr/bin/x",), ("TRM0224",))
    yield Case(
        "replaced.tar", tar([*X.items(), ("./usr//bin/x", "/etc/passwd")]), ("/usr/bin/x",), ("TRM0224",)
    )
    yield Case("cut-header.tar", (body + header(b"y"))[:-100], ("/usr/bin/x",), ("TRM0212",))
    yield Case("cut-between.tar", body, ("/usr/bin/x",), ("TRM0212",))
    yield Case("cut-body.tar", body[: 512 + len(PROGRAM) - 9], (), ("TRM0212",))
    yield Case("cut-behind-pax.tar", member(b"p", b"11 path=abc", b"x")[:512], (), ("TRM0212",))
    yield Case("pax-and-no-member.tar", member(b"p", b"11 path=ab\n", b"x"), (), ("TRM0212",))
    yield Case("wrong-sum.tar", body + header(b"y")[:-400] + b"!" + bytes(399), ("/usr/bin/x",), ("TRM0213",))
    yield Case("no-size.tar", header(b"a").replace(b"0" * 11 + b"\0", b"zzzzzzzzzzz\0", 1), (), ("TRM0213",))
    yield Case("enormous.tar", header(name, b"0", 1 << 80) + PROGRAM, (), ("TRM0212",))
    yield Case(
        "enormous.tar.gz", PACK["gz"](header(name, b"0", 1 << 62) + PROGRAM), (), ("TRM0217", "TRM0212")
    )
    yield Case("pax-bomb.tar", header(b"p", b"x", 2 << 20) + bytes(2 << 20), (), ("TRM0216",))
    yield Case("pax-bomb.tar.gz", PACK["gz"](header(b"p", b"x", 2 << 30) + bytes(1 << 20)), (), ("TRM0216",))
    yield Case("name-bomb.tar", member(b"n", b"a/" * 2500, b"L") + body, (), ("TRM0216",))
    yield Case("name-chain.tar", member(b"n", b"abc", b"L") * 1000 + body, (), ("TRM0216",))
    for number, record in enumerate(
        (b"99 path=x\n", b"path=x\n", b"0 path=x\n", b"10 path x\n", b"12 size=-10\n")
    ):
        yield Case(f"pax-record-{number}.tar", member(b"p", record, b"x") + body, (), ("TRM0213",))
    extended = header(name, b"S", len(PROGRAM))
    yield Case("sparse.tar", extended + PROGRAM.ljust(512, b"\0") + END, (), ("TRM0218",))
    yield Case("sparse-data.tar", header(b"log", b"S", 512) + bytes(512) + body + END, ("/usr/bin/x",))
    newest = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    sparse = b"1\n0\n%d\n" % len(PROGRAM)
    yield Case(
        "sparse-pax.tar",
        member(b"p", newest, b"x") + member(name, sparse.ljust(512, b"\0") + PROGRAM) + END,
        (),
        ("TRM0218",),
    )
    yield Case("unnamed.tar", member(b"", PROGRAM) + END, ("/",))


def squeezed() -> Iterator[Case]:
    """Compressed data that lies, breaks or never ends."""
    packed = PACK["gz"](tar(TREE))
    start = header(b"zeros", b"0", 640 * ZEROS)
    for ending in ("gz", "bz2", "xz", "zst"):
        yield Case(
            f"bomb.tar.{ending}", PACK[ending](start) + PACK[ending](bytes(ZEROS)) * 640, (), ("TRM0215",)
        )
        whole = PACK[ending](tar(TREE))
        yield Case(f"cut.tar.{ending}", whole[: len(whole) // 2], (), ("TRM0212",))
    yield Case("bomb-behind.tar.gz", packed + PACK["gz"](bytes(ZEROS)) * 640, ("/usr/bin/x",), ("TRM0215",))
    yield Case("sum.tar.gz", packed[:-8] + bytes(4) + packed[-4:], ("/usr/bin/x",), ("TRM0214",))
    yield Case("behind.tar.gz", packed + b"something else", ("/usr/bin/x",), ("TRM0213",))
    nested = packed
    for _ in range(99):
        nested = PACK["gz"](nested)
    yield Case("hundred.gz", nested, (), ("TRM0218",))
    yield Case("frames.tar.gz", PACK["gz"](b"") * 5000, (), ("TRM0216",))
    yield Case("text.gz", PACK["gz"](b"hello\n" * 100), (), ("TRM0218",))
    wide = PACK["zst"](b"")
    yield Case("window.tar.zst", wide[:4] + b"\x00\xa8" + b"\x01\x00\x00" + wide[:0], (), ("TRM0215",))
    yield Case("not.xz", b"\xfd7zXZ\0" + bytes(100), (), ("TRM0214",))


def packages() -> Iterator[Case]:
    """Packages that lie or break."""
    data = tar(TREE)
    yield Case("no-data.deb", ar([("debian-binary", b"2.0\n")]), (), ("TRM0213",))
    yield Case("version.deb", deb(data, version=b"3.0\n"), (), ("TRM0218",))
    yield Case("two-data.deb", deb(data) + ar([("data.tar", data)])[8:], ("/usr/bin/x",), ("TRM0213",))
    yield Case("ending.deb", ar([("debian-binary", b"2.0\n"), ("data.tar.lz4", data)]), (), ("TRM0218",))
    yield Case("cut.deb", deb(data, "")[:-3000], ("/usr/bin/x",), ("TRM0212",))
    yield Case("cut-header.deb", deb(data)[:100], (), ("TRM0212",))
    yield Case("size.deb", deb(data).replace(b"4         `\n", b"-4        `\n", 1), (), ("TRM0213",))
    yield Case("end.deb", deb(data).replace(b"`\n", b"``", 1), (), ("TRM0213",))
    files = {"./usr/bin/x": PROGRAM}
    yield Case("cut-lead.rpm", rpm(files)[:50], (), ("TRM0212",))
    yield Case("cut-header.rpm", rpm(files)[:300], (), ("TRM0212",))
    yield Case("cut-payload.rpm", rpm(files)[:-50], (), ("TRM0212",))
    yield Case("digest.rpm", rpm(files, digest="0" * 64), ("/usr/bin/x",), ("TRM0219",))
    yield Case("header-digest.rpm", rpm(files, header_digest="0" * 64), (), ("TRM0219",))
    yield Case("other.rpm", rpm(files, "lzip"), (), ("TRM0218",))
    yield Case("lie.rpm", rpm(files, "xz", "gz"), (), ("TRM0213",))
    many = b"\x8e\xad\xe8\x01" + bytes(4) + b"\xff" * 8
    yield Case("many.rpm", rpm(files)[:96] + many, (), ("TRM0216",))
    yield Case(
        "many-files.rpm", rpm(files, short=True, more=[(5008, 5, 1 << 30, bytes(8))]), (), ("TRM0216",)
    )
    yield Case("no-magic.rpm", rpm(files)[:96] + bytes(500), (), ("TRM0213",))
    yield Case("number.rpm", rpm(files, payload=b"07070X0000ffff\0\0"), (), ("TRM0213",))
    yield Case("name.rpm", rpm(files, payload=cpio_header(b"x", 0, width=1 << 30)), (), ("TRM0216",))
    yield Case("magic.rpm", rpm(files, payload=b"070707" + bytes(200)), (), ("TRM0213",))
    yield Case(
        "digits.rpm", rpm(files, payload=cpio(files).replace(b"000081ed", b"+0x081ed", 1)), (), ("TRM0213",)
    )
    yield Case(
        "enormous.rpm",
        rpm(files, payload=cpio_header(b"x", 0xFFFFFFFF) + PROGRAM),
        (),
        ("TRM0217", "TRM0212"),
    )
    yield Case("outside.rpm", rpm({"./../x": PROGRAM}), (), ("TRM0223",))
    yield Case("index.apk", adb(X).replace(b"pckg", b"indx"), (), ("TRM0218",))
    yield Case("changed.apk", adb({"x": PROGRAM}).replace(b"libc", b"libd"), ("/usr/bin/x",), ("TRM0219",))
    yield Case("cut.apk", adb({"x": PROGRAM})[:-99], (), ("TRM0212",))
    yield Case("behind.apk", adb({"x": PROGRAM}) * 2, ("/usr/bin/x",), ("TRM0213",))
    yield Case("kind.apk", b"ADBc\x09\x00" + bytes(100), (), ("TRM0218",))


def zips() -> Iterator[Case]:
    """Zip archives that lie or break."""
    one = Zipped(b"x", PROGRAM)
    yield Case("empty.zip", zipped(), (), ("TRM0211",))
    yield Case("overlap.zip", zipped(one, Zipped(b"y", PROGRAM, at=0)), (), ("TRM0213",))
    yield Case("names.zip", zipped(Zipped(b"x", PROGRAM, local_name=b"y")), (), ("TRM0213",))
    yield Case("encrypted.zip", zipped(Zipped(b"x", PROGRAM, flags=1)), (), ("TRM0218",))
    yield Case("method.zip", zipped(Zipped(b"x", PROGRAM, 97)), (), ("TRM0218",))
    yield Case("sum.zip", zipped(Zipped(b"x", PROGRAM, crc=1)), ("/x",), ("TRM0214",))
    yield Case("larger.zip", zipped(Zipped(b"x", PROGRAM, size=100)), (), ("TRM0213",))
    yield Case("smaller.zip", zipped(Zipped(b"x", PROGRAM, size=1 << 20)), (), ("TRM0212",))
    yield Case("stored.zip", zipped(Zipped(b"x", PROGRAM, 0, size=9)), (), ("TRM0213",))
    yield Case("count.zip", zipped(one, count=2), (), ("TRM0213",))
    yield Case("fewer.zip", zipped(one, Zipped(b"y", PROGRAM), count=1), (), ("TRM0213",))
    yield Case("moved.zip", zipped(one, move=10), (), ("TRM0213",))
    yield Case("behind.zip", zipped(Zipped(b"x", PROGRAM, at=1 << 31)), (), ("TRM0213",))
    yield Case("cut.zip", zipped(one)[:-30], (), ("TRM0212",))
    yield Case("name.zip", zipped(Zipped(b"n" * 5000, PROGRAM)), (), ("TRM0216",))
    yield Case("outside.zip", zipped(Zipped(b"../x", PROGRAM)), (), ("TRM0223",))
    yield Case("twice.zip", zipped(one, one), ("/x",), ("TRM0224",))
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    first = squeeze.compress(PROGRAM) + squeeze.flush(zlib.Z_FULL_FLUSH)
    more = squeeze.compress(bytes(ZEROS)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    yield Case(
        "bomb.zip",
        zipped(Zipped(b"x", PROGRAM, packed=first + more * 640, size=900 << 20)),
        (),
        ("TRM0215",),
    )


def cases() -> Iterator[Case]:
    """All of them but the images."""
    for part in (whole, tars, squeezed, packages, zips):
        yield from part()


def main(folder: str) -> int:
    """Write the corpus."""
    from tests.corpus.images import cases as images

    for case in (*cases(), *images()):
        (Path(folder) / case.name).write_bytes(case.content)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
