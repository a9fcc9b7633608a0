"""Archives made by chance are unpacked or refused: nothing escapes, nothing is a traceback."""

import gzip
import io
import os
import random
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.oci import tars
from trimaran.archive.tar import Archive, BrokenTarError, Kind, members
from trimaran.errors import TrimaranError
from trimaran.rootfs.bounds import Bounds
from trimaran.rootfs.store import remove_tree
from trimaran.rootfs.tree import Tree
from trimaran.rootfs.unpack import unpack

CASES = 20_800
SMALL = Bounds(size_bytes=1 << 20, entries=200)


def seen(folder: Path) -> list[tuple[str, int, int, bytes]]:
    """Everything in a folder: names, modes, link counts and contents."""
    return sorted(
        (each.name, (there := each.stat(follow_symlinks=False)).st_mode, there.st_nlink,
         Path(each.path).read_bytes() if stat.S_ISREG(there.st_mode) else b"")
        for each in os.scandir(folder)
    )  # fmt: skip


def around(place: Path) -> list[object]:
    return [seen(place), seen(place / "outside"), sorted(place.parent.iterdir())]


def emptied(target: Path) -> None:
    """Nothing but plain files and links was left there, without a setuid bit; now nothing is."""
    for folder, _, files in os.walk(target):
        for name in files:
            mode = os.lstat(f"{folder}/{name}").st_mode
            assert stat.S_ISLNK(mode) or (stat.S_ISREG(mode) and not mode & 0o6000)
    for inner in target.iterdir():
        remove_tree(inner) if inner.is_dir() and not inner.is_symlink() else inner.unlink()


@pytest.fixture
def quick() -> Iterator[Path]:
    """A folder in memory, where there is such a place: a disk is what takes most of the time."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize("part", range(4))
def test_no_archive_escapes_or_ends_in_a_traceback(quick: Path, part: int) -> None:
    chance = random.Random(f"archives {part}")
    place = quick / "place"
    outside = place / "outside"
    outside.mkdir(parents=True)
    (outside / "canary").write_text("alive")
    (outside / "folder").mkdir()
    target = place / "target"
    target.mkdir()
    before = around(place)
    ends: Counter[str] = Counter()
    for case in range(CASES // 4):
        with Tree(target, SMALL) as tree:
            for _ in range(chance.choice((1, 1, 2))):
                made = tars.strange(chance, str(outside))
                packed = gzip.compress(made, 1) if case % 50 == 0 else made
                ends[_end(packed, tree, layer=chance.random() < 0.6)] += 1
        emptied(target)
        if case % 25 == 0:
            assert around(place) == before, case
    assert around(place) == before
    # Each happens often, or this would test little.
    assert set(ends) == {"unpacked", "TRM1111", "TRM1128", "TRM1129"}
    assert ends["unpacked"] > CASES // 20
    assert ends["TRM1128"] > CASES // 40


def _end(packed: bytes, tree: Tree, layer: bool) -> str:
    try:
        unpack(io.BytesIO(packed).read, tree, layer)
    except TrimaranError as error:
        return error.problems[0].code
    return "unpacked"


def test_the_archives_of_chance_are_dangerous() -> None:
    """Written as they say, every tenth entry would land, or lead, outside."""
    chance = random.Random("dangers")
    entries = dangers = 0
    for _ in range(400):
        made = io.BytesIO(tars.strange(chance, "/outside"))
        try:
            for member in members(Archive(made.read)):
                entries += 1
                dangers += member.name.startswith("/") or ".." in member.name.split("/")
                dangers += member.kind is Kind.LINK and ("outside" in member.target or ".." in member.target)
        except BrokenTarError:
            continue
    assert entries > 500
    assert dangers > entries // 10
