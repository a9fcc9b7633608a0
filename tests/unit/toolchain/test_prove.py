"""Proving a tree: what is as published is believed, and every file that is not is named."""

import os
import zlib
from pathlib import Path

import pytest
from tests.unit.toolchain import liar as lies
from tests.unit.toolchain.liar import FILES, TOOLCHAIN, ZIP, Liar, pack, plant

from trimaran.errors import TrimaranError
from trimaran.toolchain import prove
from trimaran.toolchain.archive import Deviation, Kind
from trimaran.toolchain.prove import Proof, Subject
from trimaran.toolchain.versions import GoVersion, Toolchain

DOCUMENTS = ("CONTRIBUTING.md", "LICENSE", "PATENTS", "README.md", "SECURITY.md", "codereview.cfg")
WHEEL = {name: body for name, body in FILES.items() if name not in DOCUMENTS} | {
    "__init__.py": b"def main(): ...\n",
    "__pycache__/__init__.cpython-311.pyc": b"\0",
    "lib/hg/__pycache__/sum.cpython-311.pyc": b"\0",
    "misc/ios/detect.go": b"package main\n",
}


def judged(liar: Liar, root: Path, cache: Path, from_wheel: bool = False) -> Proof:
    return prove.prove(Subject(root, TOOLCHAIN, from_wheel), liar.court(cache))


def test_an_untouched_tree_is_as_published(liar: Liar, tmp_path: Path) -> None:
    proof = judged(liar, plant(tmp_path / "go"), tmp_path / "cache")
    assert proof.holds
    assert proof.h1 == proof.stated.h1
    assert ZIP not in liar.asked


def test_the_wheels_tree_is_proven_with_the_documents_it_leaves_out(liar: Liar, tmp_path: Path) -> None:
    proof = judged(liar, plant(tmp_path / "go", WHEEL), tmp_path / "cache", from_wheel=True)
    assert proof.holds
    assert proof.absent == tuple(sorted(DOCUMENTS))
    assert proof.uncovered == 4


def test_without_ranges_the_documents_come_from_the_whole_zip(liar: Liar, tmp_path: Path) -> None:
    liar.plans[ZIP] = [lies.whole_despite_range]
    assert judged(liar, plant(tmp_path / "go", WHEEL), tmp_path / "cache", from_wheel=True).holds


def test_every_file_that_deviates_is_named(liar: Liar, tmp_path: Path) -> None:
    root = plant(tmp_path / "go", WHEEL)
    (root / "src/fmt/print.go").write_bytes(b"package fmt // changed\n")
    (root / "src/fmt/extra.go").write_bytes(b"package fmt\n")
    (root / "src/__pycache__").mkdir()
    (root / "src/__pycache__/odd.cpython-311.pyc").write_bytes(b"")
    (root / "pkg/tool/linux_amd64/compile").unlink()
    proof = judged(liar, root, tmp_path / "cache", from_wheel=True)
    assert proof.deviations == (
        Deviation("pkg/tool/linux_amd64/compile", Kind.MISSING),
        Deviation("src/__pycache__/odd.cpython-311.pyc", Kind.ADDED),
        Deviation("src/fmt/extra.go", Kind.ADDED),
        Deviation("src/fmt/print.go", Kind.CHANGED),
    )


def test_a_changed_go_mod_is_named_as_it_is_on_disk(liar: Liar, tmp_path: Path) -> None:
    root = plant(tmp_path / "go")
    (root / "src/go.mod").write_bytes(b"module other\n")
    assert judged(liar, root, tmp_path / "cache").deviations == (Deviation("src/go.mod", Kind.CHANGED),)


def test_a_link_in_place_of_a_file_deviates_even_with_equal_content(liar: Liar, tmp_path: Path) -> None:
    root = plant(tmp_path / "go")
    (root / "VERSION").rename(tmp_path / "elsewhere")
    (root / "VERSION").symlink_to(tmp_path / "elsewhere")
    assert judged(liar, root, tmp_path / "cache").deviations == (Deviation("VERSION", Kind.CHANGED),)


def test_a_document_is_excused_only_in_the_wheel_and_only_when_absent(liar: Liar, tmp_path: Path) -> None:
    root = plant(tmp_path / "go", WHEEL)
    (root / "LICENSE").write_bytes(b"another\n")
    found = judged(liar, root, tmp_path / "cache", from_wheel=True).deviations
    assert found == (Deviation("LICENSE", Kind.CHANGED),)


def forge(body: bytes, wanted: int) -> bytes:
    """`body` with four bytes appended so that its CRC-32 is `wanted`."""
    table = []
    for at in range(256):
        value = at
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        table.append(value)
    state, chosen = wanted ^ 0xFFFFFFFF, []
    for _ in range(4):
        index = next(at for at in range(256) if table[at] >> 24 == state >> 24)
        state = ((state ^ table[index]) << 8) & 0xFFFFFFFF
        chosen.append(index)
    current = zlib.crc32(body) ^ 0xFFFFFFFF
    added = bytearray()
    for index in reversed(chosen):
        added.append((current ^ index) & 0xFF)
        current = current >> 8 ^ table[index]
    return body + bytes(added)


def test_a_file_with_a_forged_checksum_is_named_all_the_same(liar: Liar, tmp_path: Path) -> None:
    root = plant(tmp_path / "go")
    body = FILES["src/fmt/print.go"]
    forged = forge(b"package evil ".ljust(len(body) - 4), zlib.crc32(body))
    assert (len(forged), zlib.crc32(forged)) == (len(body), zlib.crc32(body))
    (root / "src/fmt/print.go").write_bytes(forged)
    assert judged(liar, root, tmp_path / "cache").deviations == (Deviation("src/fmt/print.go", Kind.CHANGED),)


def test_a_proxy_whose_zip_agrees_with_a_changed_tree_is_found_out(liar: Liar, tmp_path: Path) -> None:
    changed = FILES | {"bin/go": b"evil"}
    liar.routes[ZIP] = pack(changed)
    with pytest.raises(TrimaranError) as caught:
        judged(liar, plant(tmp_path / "go", changed), tmp_path / "cache")
    assert caught.value.problems[0].code == "TRM0326"


def ensure(liar: Liar, root: Path, cache: Path) -> list[str]:
    told: list[str] = []
    liar.asked.clear()
    prove.ensure(Subject(root, TOOLCHAIN, from_wheel=True), liar.court(cache, told))
    return told


def test_a_proven_tree_is_believed_until_a_file_of_it_is_touched(liar: Liar, tmp_path: Path) -> None:
    root, cache = plant(tmp_path / "go", WHEEL), tmp_path / "cache"
    assert ensure(liar, root, cache)
    assert ensure(liar, root, cache) == []
    assert liar.asked == []
    os.utime(root / "bin/go")
    # Hashed again, against what was proven before: nobody needs to be asked.
    assert ensure(liar, root, cache)
    assert liar.asked == []
    assert ensure(liar, root, cache) == []


def test_a_file_changed_with_its_old_times_is_noticed(liar: Liar, tmp_path: Path) -> None:
    root, cache = plant(tmp_path / "go", WHEEL), tmp_path / "cache"
    ensure(liar, root, cache)
    seen = (root / "bin/go").stat()
    (root / "bin/go").write_bytes(FILES["bin/go"].replace(b"echo", b"exec"))
    os.utime(root / "bin/go", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    with pytest.raises(TrimaranError) as caught:
        ensure(liar, root, cache)
    assert caught.value.problems[0].code == "TRM0327"
    assert caught.value.problems[0].detail == ("changed: bin/go",)


def test_a_new_file_is_noticed(liar: Liar, tmp_path: Path) -> None:
    root, cache = plant(tmp_path / "go", WHEEL), tmp_path / "cache"
    ensure(liar, root, cache)
    (root / "src/fmt/init.go").write_bytes(b"package fmt\n")
    with pytest.raises(TrimaranError, match="1 file"):
        ensure(liar, root, cache)


def test_a_tree_that_claims_another_version_needs_another_proof(liar: Liar, tmp_path: Path) -> None:
    root, cache = plant(tmp_path / "go", WHEEL), tmp_path / "cache"
    ensure(liar, root, cache)
    other = Subject(root, Toolchain(GoVersion.parse("1.99.2"), "linux", "amd64"), from_wheel=True)
    assert not prove.stands(other, cache)
