"""Archives are read as tar writes them; what is no archive is one clear error."""

import bz2
import gzip
import io
import lzma
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.oci import tars

from trimaran.oci.packed import BrokenStreamError, Unpacked
from trimaran.oci.tar import Archive, BrokenTarError, Kind, Member, members


def read(content: bytes) -> list[tuple[Member, bytes]]:
    archive = Archive(io.BytesIO(content).read)
    return [(each, _whole(archive, each)) for each in members(archive)]


def _whole(archive: Archive, member: Member) -> bytes:
    found = bytearray(min(member.size, 1 << 20))
    for offset, piece in archive.pieces(member):
        found[offset : offset + len(piece)] = piece
    return bytes(found)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_the_library_writes_is_read(form: int) -> None:
    made = io.BytesIO()
    wanted = []
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        names = ["a", "folder/b", "x" * 90 + "/y" * 4] + (
            ["n" * 300, "é/ü"] if form != tarfile.USTAR_FORMAT else []
        )
        for place, name in enumerate(names):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = place * 700, 0o640
            archive.addfile(entry, io.BytesIO(bytes([place]) * entry.size))
            wanted.append((name, Kind.FILE, bytes([place]) * entry.size))
        for kind, sort in (
            (tarfile.SYMTYPE, Kind.LINK),
            (tarfile.LNKTYPE, Kind.HARD_LINK),
            (tarfile.FIFOTYPE, Kind.PIPE),
        ):
            entry = tarfile.TarInfo(f"of {sort}")
            entry.type, entry.linkname = kind, "a"
            archive.addfile(entry)
            wanted.append((entry.name, sort, b""))
    assert [(each.name, each.kind, content) for each, content in read(made.getvalue())] == wanted


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=150)


@given(
    st.lists(
        st.tuples(NAMES.filter(lambda name: name.strip("/") == name), st.binary(max_size=1200)), max_size=6
    )
)
def test_names_and_contents_come_back(files: list[tuple[str, bytes]]) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    assert [(each.name, content) for each, content in read(made.getvalue())] == files


def test_what_the_library_finds_in_a_strange_archive_is_found_too() -> None:
    """Where both can read an archive to its end, they see the same names."""
    chance, compared = random.Random("tarfile"), 0
    for _ in range(500):
        made = tars.strange(chance, "/outside")
        try:
            mine = [each.name.rstrip("/") for each, _ in read(made)]
            with tarfile.open(fileobj=io.BytesIO(made)) as archive:
                theirs = [each.name for each in archive.getmembers()]
        except (BrokenTarError, tarfile.TarError, ValueError, OverflowError):
            continue
        compared += mine == theirs
    assert compared > 100


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0", b"x" * 511, b"x" * 512, b"\0" * 511, tars.file("a", b"xyz")[:514],
        tars.block(b"a", size=1 << 40),
        tars.block(b"a", b"x", size=5 << 20), tars.block(b"a", b"L", size=1 << 40) + b"\0" * 9000,
        tars.block(b"x", b"x", size=20) + tars.filled(b"20 path=toolong"),
        tars.pax(("size", "-1")) + tars.file("a"),
        tars.pax(("size", "9" * 30)) + tars.file("a"), tars.pax(("GNU.sparse.map", "0,1,2")) + tars.file("a"),
        tars.pax(("GNU.sparse.map", "0,9,5,9"), ("GNU.sparse.size", "99")) + tars.file("a", b"x" * 20),
        tars.pax(("GNU.sparse.map", "0,999"), ("GNU.sparse.size", "999")) + tars.file("a", b"x" * 20),
        tars.pax(("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")) + tars.file("a", b"9" * 2000),
        tars.pax(("GNU.sparse.major", "1")) + tars.file("a"),
        b"".join(tars.pax(("path", "x")) for _ in range(20)),
        tars.block(b"a", b"M"), b"\xff" * 512,
    ],
)  # fmt: skip
def test_what_is_no_archive_is_one_error(content: bytes) -> None:
    with pytest.raises(BrokenTarError):
        read(content)


def test_a_map_of_a_million_parts_is_refused_at_once() -> None:
    rows = b"1000000\n" + b"0\n0\n" * 1_000_000
    with pytest.raises(BrokenTarError, match="parts"):
        read(tars.pax(("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "9")) + tars.file("a", rows))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_stream_is_unpacked_in_small_pieces(pack: type[gzip.compress]) -> None:  # type: ignore[valid-type]
    plain = random.Random(1).randbytes(300_000) + b"\0" * 3_000_000
    packed = pack(plain[:1000]) + pack(plain[1000:])  # type: ignore[misc]
    for content, whole in ((packed, True), (packed[:-9], False), (packed[:400] + b"x" + packed[401:], False)):
        found = bytearray()
        try:
            with Unpacked(io.BytesIO(content).read) as stream:
                while piece := stream.read(1 << 20):
                    assert len(piece) <= 1 << 20
                    found += piece
        except BrokenStreamError:
            assert not whole
        else:
            assert bytes(found) == plain or not whole
        assert not whole or bytes(found) == plain


@given(st.sampled_from((b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"")), st.binary(max_size=300))
def test_any_bytes_are_unpacked_or_refused(magic: bytes, content: bytes) -> None:
    try:
        with Unpacked(io.BytesIO(magic + content).read) as stream:
            while stream.read(1000):
                pass
    except BrokenStreamError:
        pass
