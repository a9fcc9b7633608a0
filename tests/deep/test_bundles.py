"""Tens of thousands of damaged archives: one clear result each, nothing written, bounded memory."""

import hashlib
import os
import random
import subprocess
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.corpus import bundles, images
from tests.corpus.pack import CONFIG, LAYER, MANIFEST, Layout, cpio, deb, header, plain, rpm, tar
from trimaran.binary.bundle import files_in
from trimaran.binary.model import File
from trimaran.codes import explanations
from trimaran.errors import TrimaranError

CASES = 60_000
SHARDS = 6
# Big ones are the corpus's own; here the number counts.
SMALL = 32 << 10


def whole() -> dict[str, bytes]:
    """The archives that are damaged."""
    found = [*bundles.whole(), *images.whole(), *bundles.tars()]
    return {case.name: case.content for case in found if case.programs and len(case.content) < SMALL}


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """`raw` with one to four faults."""
    content = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) or 1)
        chance.choice(FAULTS)(content, at, chance)
    return bytes(content)


def cut(content: bytearray, at: int, chance: random.Random) -> None:
    del content[at:]


def flip(content: bytearray, at: int, chance: random.Random) -> None:
    content[at : at + 1] = bytes([chance.randrange(256)])


def fill(content: bytearray, at: int, chance: random.Random) -> None:
    width = chance.choice((1, 2, 4, 8, 16, 64, 512))
    content[at : at + width] = (
        bytes([chance.choice((0, 1, 0x20, 0x30, 0x37, 0x39, 0x7F, 0x80, 0xFF))]) * width
    )


def leave_out(content: bytearray, at: int, chance: random.Random) -> None:
    del content[at : at + chance.choice((1, 4, 60, 512, 1024))]


def repeat(content: bytearray, at: int, chance: random.Random) -> None:
    width = chance.choice((1, 4, 60, 512, 1024))
    content[at:at] = content[at : at + width] * chance.choice((1, 1, 2, 8))


def number(content: bytearray, at: int, chance: random.Random) -> None:
    places = [place for place in range(at, min(at + 200, len(content))) if 0x30 <= content[place] <= 0x39]
    if places:
        content[chance.choice(places)] = chance.choice(b"0123456789-+ x")


def swap(content: bytearray, at: int, chance: random.Random) -> None:
    other, width = chance.randrange(len(content) or 1), chance.choice((4, 60, 512))
    content[at : at + width], content[other : other + width] = (
        content[other : other + width],
        content[at : at + width],
    )


FAULTS: tuple[Callable[[bytearray, int, random.Random], None], ...] = (
    cut, flip, flip, fill, fill, leave_out, repeat, number, number, swap,
)  # fmt: skip


def wrapped(chance: random.Random) -> bytes:
    """A damaged archive inside a package or an image that is fine, so that the damage is reached."""
    inner = damaged(chance.choice(INNER), chance)
    kind = chance.randrange(4)
    if kind == 0:
        return deb(inner, chance.choice(("gz", "zst", "")))
    if kind == 1:
        return rpm({"./x": b"x"}, "zstd", "zst", payload=damaged(CPIO, chance))
    if kind == 2:
        layout = Layout()
        return layout.index(layout.image(INNER[0], inner)).tar()
    documents = {name: damaged(text, chance) if text[:1] == b"{" else text for name, text in IMAGE.items()}
    return plain(documents)


PROGRAM = bundles.PROGRAM
INNER = [tar(bundles.TREE), tar(bundles.X), header(b"d/", b"5") + tar({"d/x": PROGRAM, "d/.wh.y": b""})]
CPIO = cpio({"./usr/bin/x": PROGRAM, "./usr/bin/y": b"#!/bin/sh\n"})
IMAGE = images.one(INNER[0], INNER[2]).files


@pytest.fixture
def written(tmp_path: Path) -> Iterator[list[str]]:
    """The files with a name that were opened for writing."""
    found, active = list[str](), [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if active[0] and event == "open":
            path, flags = arguments[0], arguments[2]
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            # A file without a name is opened by the name of its folder.
            if writes and not Path(str(path)).is_dir():
                found.append(str(path))

    sys.addaudithook(hook)
    yield found
    active[0] = False


@pytest.mark.parametrize("shard", range(SHARDS))
def test_damaged_archives_give_results(tmp_path: Path, written: list[str], shard: int) -> None:
    chance, originals = random.Random(shard), list(whole().values())
    path, slowest, seen = tmp_path / "archive", 0.0, Counter[str]()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    del written[:]
    for turn in range(CASES // SHARDS):
        content = wrapped(chance) if turn % 3 == 0 else damaged(chance.choice(originals), chance)
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
        began = time.perf_counter()
        results = list(files_in(str(path)))
        slowest = max(slowest, time.perf_counter() - began)
        assert results
        for result in results:
            assert isinstance(result, File | TrimaranError), content
            seen.update([result.problems[0].code] if isinstance(result, TrimaranError) else ["read"])
    os.close(descriptor)
    assert written == []
    assert [each.name for each in tmp_path.iterdir()] == ["archive"]
    assert slowest < 5
    # Damage is found, and much of what it does not reach is still read.
    assert seen["read"] > CASES / SHARDS / 8
    assert len(seen) > 12
    assert set(seen) <= {"read", *explanations()}


@pytest.mark.parametrize("name", whole())
def test_a_cut_archive_gives_what_stood_before_the_cut(tmp_path: Path, name: str) -> None:
    content, path = whole()[name], tmp_path / name
    path.write_bytes(content)
    complete = [result for result in files_in(str(path)) if isinstance(result, File)]
    for size in range(1, len(content), 1 + len(content) // 40):
        path.write_bytes(content[:size])
        results = list(files_in(str(path)))
        programs = [result for result in results if isinstance(result, File)]
        assert programs == complete[: len(programs)]
        assert len(results) - len(programs) <= 2
        assert len(programs) == len(complete) or len(results) > len(programs)


BIG = r"""
import pathlib, re, sys
from trimaran.binary.bundle import files_in
print(*(getattr(found, "size_bytes", found) for found in files_in(sys.argv[1])))
# What getrusage says began with the process that started this one.
status = pathlib.Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)
"""


def peak(path: Path) -> tuple[list[str], int]:
    """What a process of its own prints about an archive, and its peak of memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", BIG, path], capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stdout.splitlines()
    return lines[0].split(), int(lines[1])


BIG_PROGRAM = 300 << 20
MEMORY = 80


@pytest.mark.parametrize("form", ["tar.gz", "zip", "oci.tar.gz"])
def test_a_big_program_in_an_archive_needs_little_memory(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"big.{form}"
    with path.open("wb") as out:
        BIG_FORMS[form](out)
    sizes, memory = peak(path)
    path.unlink()
    assert sizes == [str(BIG_PROGRAM)]
    assert memory < MEMORY


def test_many_members_need_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.tar"
    names = (b"usr/share/a-package/%07d" % number for number in range(100_000))
    path.write_bytes(tar(bundles.X, ends=False) + b"".join(map(header, names)) + bytes(1024))
    sizes, memory = peak(path)
    assert sizes == [str(len(PROGRAM))]
    assert memory < MEMORY


def test_a_zip_archive_of_many_members_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("usr/bin/x", PROGRAM)
        for number in range(70_000):
            archive.writestr(f"usr/share/a-package/{number}", b"")
    sizes, memory = peak(path)
    assert sizes == [str(len(PROGRAM))]
    assert memory < MEMORY


def big_tar(out: BinaryIO) -> None:
    squeezed = zlib.compressobj(0, zlib.DEFLATED, 31)
    for piece in big_pieces():
        out.write(squeezed.compress(piece))
    out.write(squeezed.flush())


def big_image(out: BinaryIO) -> None:
    """A layout in which the layer comes first, packed as one."""
    digest = hashlib.sha256()
    for piece in big_pieces():
        digest.update(piece)
    size, layout = BIG_PROGRAM + 1536, Layout()
    blob = {"mediaType": LAYER, "digest": f"sha256:{digest.hexdigest()}", "size": size}
    config = layout.document({"os": "linux"}, CONFIG)
    layout.index(layout.document({"config": config, "layers": [blob]}, MANIFEST))
    squeezed = zlib.compressobj(0, zlib.DEFLATED, 31)
    name = f"blobs/sha256/{digest.hexdigest()}".encode()
    for piece in (header(name, b"0", size), *big_pieces(), tar(layout.files)):
        out.write(squeezed.compress(piece))
    out.write(squeezed.flush())


def big_pieces() -> Iterator[bytes]:
    """A tar archive with a program that is enormous and cannot be squeezed."""
    yield header(b"usr/bin/big", b"0", BIG_PROGRAM)
    yield PROGRAM
    noise, left = random.Random(1).randbytes(1 << 20), BIG_PROGRAM - len(PROGRAM)
    while left:
        yield noise[:left]
        left -= min(left, len(noise))
    yield bytes(1024 + -BIG_PROGRAM % 512)


def big_zip(out: BinaryIO) -> None:
    with zipfile.ZipFile(out, "w") as archive, archive.open("big", "w") as member:
        for piece in list(big_pieces())[1:-1]:
            member.write(piece)


BIG_FORMS = {"tar.gz": big_tar, "zip": big_zip, "oci.tar.gz": big_image}
