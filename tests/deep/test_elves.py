"""Fifty thousand damaged programs: each is read or refused, with nothing else raised and in bounded time."""

import os
import random
import shutil
import struct
import subprocess
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.corpus.elves import files
from trimaran.binary import File, report, report_text, verdicts
from trimaran.binary.elf import BrokenFileError
from trimaran.binary.reader import headers, look_into
from trimaran.binary.wantsread import look
from trimaran.errors import TrimaranError
from trimaran.facts import distributions

# Kind of program, whether what it may ask for is looked for too, and how many: 50,000 together.
CASES = [("c", False, 28_000), ("go", False, 18_000), ("c", True, 3000), ("go", True, 1000)]
GO = Path(__file__).parents[1] / "fixtures" / "go" / "wants"
_EDGES = (0, 1, 2, 3, 0x7F, 0xFF, 0xFFF, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 62, (1 << 64) - 1)
SOME = [distributions()[name] for name in ("alpine-3.23", "debian-11")]


class Damaged:
    """The bytes of a file with some of them replaced, without a copy of the whole."""

    def __init__(self, whole: bytes, changes: dict[int, bytes], size: int) -> None:
        self._whole, self._changes, self.size = whole, changes, size

    def at(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise BrokenFileError(f"ends after {self.size} bytes", truncated=True)
        found = self._whole[offset : offset + size]
        for place, value in self._changes.items():
            start, end = max(place, offset), min(place + len(value), offset + size)
            if start < end:
                found = found[: start - offset] + value[start - place : end - place] + found[end - offset :]
        return found


@cache
def built(name: str, cgo: str) -> bytes:
    cache_folder = Path("/tmp") / f"trimaran-deep-{os.getuid()}-{os.getpid()}"
    environment = {**os.environ, "CGO_ENABLED": cgo, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    try:
        subprocess.run(
            ["go", "build", "-buildvcs=false", "-o", str(cache_folder / name), f"./{name}"],
            cwd=GO,
            env=environment,
            check=True,
        )
        return (cache_folder / name).read_bytes()
    finally:
        shutil.rmtree(cache_folder, ignore_errors=True)


def seeds(kind: str) -> list[bytes]:
    if kind == "go":
        return [built("plain", "0"), built("zones", "0")]
    programs = ("/usr/bin/env", "/usr/bin/true", "/bin/sh")
    small = [bad.body for bad in files() if not bad.code]
    return [*small, *(Path(each).read_bytes() for each in programs if Path(each).exists())]


def interesting(whole: bytes) -> list[int]:
    """Where numbers stand that a reader goes by: headers, tables, and what begins them."""
    places = list(range(4, 64))
    if whole[4] == 2:
        start, count = struct.unpack_from("<Q", whole, 32)[0], struct.unpack_from("<H", whole, 56)[0]
        places += range(start, min(start + 56 * count, 4096))
        for number in range(min(count, 64)):
            at = start + 56 * number
            if at + 40 <= len(whole) and struct.unpack_from("<I", whole, at)[0] in {2, 3, 4}:
                offset, _, _, size = struct.unpack_from("<4Q", whole, at + 8)
                places += range(offset, min(offset + size, offset + 512))
        sections = struct.unpack_from("<Q", whole, 40)[0]
        places += range(sections, min(sections + 4096, len(whole)))
    for mark in (b"\xff Go buildinf:", b"\xf1\xff\xff\xff\0\0\1\x08", b"GLIBC_2"):
        found = whole.find(mark)
        while found >= 0 and len(places) < 20_000:
            places += range(found, found + 96)
            found = whole.find(mark, found + 1)
            if mark == b"GLIBC_2":
                break
    return [place for place in places if place < len(whole) - 8]


def damaged(whole: bytes, places: list[int], chance: random.Random) -> Damaged:
    changes = {}
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        near = places if chance.random() < 0.5 else places[:400]
        place, width = chance.choice(near), chance.choice((1, 2, 4, 8))
        value = chance.choice(_EDGES) if chance.random() < 0.6 else chance.getrandbits(64)
        if chance.random() < 0.2:
            value = len(whole) + chance.randint(-64, 64)
        changes[place] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
    # Most stay whole: a cut is found at once, and then nothing behind it is tried.
    size = chance.randrange(len(whole)) if chance.random() < 0.08 else len(whole)
    return Damaged(whole, changes, max(1, size))


def survives(source: Damaged, *, wanted: bool) -> str:
    try:
        file, wants = look_into("program", source, look) if wanted else (plain(source), None)
    except TrimaranError as error:
        return error.problems[0].code
    inspected = report.Inspected(file, verdicts(file, SOME), wants)
    report.file_document(inspected)
    if wanted:
        assert all(line.isprintable() for line in report_text.brief(inspected, 80))
    return ""


def plain(source: Damaged) -> File:
    return look_into("program", source, headers)


@pytest.mark.parametrize(("kind", "wanted", "count"), CASES)
def test_damaged_programs_are_read_or_refused(kind: str, wanted: bool, count: int) -> None:
    chance = random.Random(f"elves {kind}")  # the same cases every time
    given = [(whole, interesting(whole)) for whole in seeds(kind)]
    seen: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(count):
        source = damaged(*chance.choice(given), chance)
        started = time.process_time()
        seen[survives(source, wanted=wanted)] += 1
        slowest = max(slowest, time.process_time() - started)
    assert slowest < 2
    assert set(seen) <= {"", "TRM0203", "TRM0204", "TRM0205", "TRM0206", "TRM0207", "TRM0240"}
    # A reader that refused everything, or nothing, would try nothing.
    assert min(seen[""], seen["TRM0205"], seen["TRM0206"]) > count // 100
