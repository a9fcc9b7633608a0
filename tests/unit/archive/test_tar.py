"""Archives are read as tar writes them; what is no archive is one clear error."""

import io
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.oci import tars

from trimaran.archive.tar import (
    Archive,
    BoundTarError,
    BrokenTarError,
    CutTarError,
    Extended,
    Kind,
    Member,
    is_header,
    members,
)


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


LONG = tars.long_name("x")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (tars.file("a", b"xyz")[:514], CutTarError),
        (tars.file("a")[:100], CutTarError),
        (LONG[:700], CutTarError),
        (LONG, CutTarError),
        (tars.file("a") + LONG + tars.END, CutTarError),
        (tars.block(b"a", size=1 << 80), CutTarError),
        (tars.block(b"a", b"x", size=(1 << 20) + 1), BoundTarError),
        (tars.block(b"a", b"L", size=(1 << 16) + 1), BoundTarError),
        (LONG * 17 + tars.file("a") + tars.END, BoundTarError),
        (tars.pax(("GNU.sparse.map", "0," * 200_002 + "0")) + tars.file("a") + tars.END, BoundTarError),
    ],
)
def test_what_ends_early_is_told_from_what_asks_for_too_much(
    content: bytes, error: type[BrokenTarError]
) -> None:
    with pytest.raises(BrokenTarError) as caught:
        read(content)
    assert caught.type is error
    assert "\n" not in str(caught.value)


def test_sixteen_extended_headers_before_one_entry_are_read() -> None:
    ((member, _),) = read(LONG * 15 + tars.pax(("path", "y")) + tars.file("a") + tars.END)
    assert member.name == "y"


def test_records_are_counted_over_all_archives_that_share_a_bound() -> None:
    made = tars.pax(("path", "y"), ("mtime", "1")) + tars.file("a") + tars.END
    extended = Extended(8)
    for _ in range(2):
        assert len(list(members(Archive(io.BytesIO(made).read, extended=extended)))) == 1
    with pytest.raises(BoundTarError):
        list(members(Archive(io.BytesIO(made).read, extended=extended)))


def test_what_holds_for_all_entries_gives_way_to_an_entrys_own_and_can_be_taken_back() -> None:
    made = tars.pax(("path", "all"), ("linkpath", "there"), kind=b"g")
    made += tars.file("a") + tars.pax(("path", "own")) + tars.file("b")
    made += tars.pax(("path", "")) + tars.file("c") + tars.file("d")
    made += tars.long_name("long") + tars.file("d")
    made += tars.pax(("path", ""), kind=b"g") + tars.file("e") + tars.END
    found = [member for member, _ in read(made)]
    assert [each.name for each in found] == ["all", "own", "c", "all", "long", "e"]
    assert {each.target for each in found} == {"there"}


def test_a_header_for_the_whole_archive_may_stand_before_no_entry() -> None:
    assert read(tars.pax(("comment", "0" * 40), kind=b"g") + tars.END) == []


def test_a_checksum_of_signed_characters_is_right_and_one_without_digits_is_not() -> None:
    block = tars.block(b"\xe9" * 50)
    blank = block[:148] + b" " * 8 + block[156:]
    plain = sum(blank)

    def told(field: bytes) -> bool:
        return is_header(blank[:148] + field.ljust(8, b"\0") + blank[156:])

    right = [number for number in range(plain + 300) if told(b"%06o" % number)]
    assert right == [plain - 256 * 50, plain]
    assert not told(b"")
    assert not told(b"\x80" + plain.to_bytes(7, "big"))
    assert not is_header(bytes(512))
    assert not is_header(block[:511])


def test_what_is_read_elsewhere_is_not_passed_over_again() -> None:
    stream = io.BytesIO(tars.file("a", b"x" * 700) + tars.file("b", b"y" * 5) + tars.END)
    over: list[int] = []

    def leave(size: int) -> int:
        over.append(size)
        return len(stream.read(size))

    archive, contents = Archive(stream.read, leave), []
    for member in members(archive):
        contents.append(stream.read(member.stored))
        archive.left = 0
    assert contents == [b"x" * 700, b"y" * 5]
    assert over == [324, 507]


@pytest.mark.parametrize(
    ("content", "marked"), [(tars.file("a"), False), (tars.file("a") + tars.END, True), (b"", False)]
)
def test_the_mark_of_the_end_is_seen(content: bytes, marked: bool) -> None:
    archive = Archive(io.BytesIO(content).read, may_be_empty=True)
    list(members(archive))
    assert archive.marked is marked
