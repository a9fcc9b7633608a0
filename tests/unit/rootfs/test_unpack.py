"""Archives are unpacked inside their folder, whatever they hold."""

import gzip
import io
import os
import stat
import time
from pathlib import Path

import pytest
from tests.unit.oci import tars

from trimaran.errors import TrimaranError
from trimaran.rootfs.bounds import Bounds
from trimaran.rootfs.tree import Tree
from trimaran.rootfs.unpack import unpack, unpack_file


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "inner" / "target"
    folder.mkdir(parents=True)
    (tmp_path / "inner" / "outside").mkdir()
    (tmp_path / "inner" / "outside" / "canary").write_text("alive")
    return folder


def put(target: Path, *layers: bytes, bounds: Bounds | None = None, layer: bool = True) -> Tree:
    tree = Tree(target, bounds)
    try:
        for each in layers:
            unpack(io.BytesIO(each).read, tree, layer=layer)
    finally:
        tree.close()
    return tree


def listing(target: Path) -> dict[str, str]:
    """Name → content, link target or `/`."""
    found = {}
    for folder, folders, files in os.walk(target):
        for name in (*folders, *files):
            path = Path(folder, name)
            there = path.lstat().st_mode
            found[str(path.relative_to(target))] = (
                f"-> {path.readlink()}"
                if stat.S_ISLNK(there)
                else "/"
                if stat.S_ISDIR(there)
                else path.read_text()
            )
    return found


def outside(target: Path) -> list[str]:
    place = target.parent
    return [str(path.relative_to(place)) for path in place.rglob("*") if target not in path.parents]


def code(target: Path, *layers: bytes, bounds: Bounds | None = None) -> str:
    before = outside(target)
    with pytest.raises(TrimaranError) as caught:
        put(target, *layers, bounds=bounds)
    assert outside(target) == before
    assert (target.parent / "outside/canary").read_text() == "alive"
    assert "\n" not in caught.value.problems[0].what
    return caught.value.problems[0].code


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "..", "a/..", "/../x", "./../outside/canary", "a/b/../c"]
)
@pytest.mark.parametrize("make", [tars.file, tars.folder, lambda name: tars.link(name, "x")])
def test_a_name_that_climbs_is_refused(target: Path, name: str, make: object) -> None:
    assert code(target, make(name) + tars.END) == "TRM1128"  # type: ignore[operator]


def test_an_absolute_name_is_inside(target: Path) -> None:
    put(target, tars.file("/etc/x", b"1") + tars.file("//y", b"2") + tars.END)
    assert listing(target) == {"etc": "/", "etc/x": "1", "y": "2"}


@pytest.mark.parametrize("aim", ["/outside", "../outside", "../../../../../../outside", "/", "/../outside"])
def test_a_file_behind_a_link_that_leads_out_lands_inside(target: Path, aim: str) -> None:
    put(target, tars.link("way", aim) + tars.file("way/canary", b"dead") + tars.END)
    assert (target.parent / "outside/canary").read_text() == "alive"
    assert "dead" in listing(target).values()


def test_a_real_absolute_way_out_lands_inside(target: Path) -> None:
    away = str(target.parent / "outside")
    put(target, tars.link("way", away) + tars.file("way/canary", b"dead") + tars.END)
    assert (target.parent / "outside/canary").read_text() == "alive"
    assert (target / away.lstrip("/") / "canary").read_text() == "dead"


def test_a_file_takes_the_place_of_a_link_and_not_of_its_target(target: Path) -> None:
    put(target, tars.link("x", "../outside/canary") + tars.file("x", b"new") + tars.END)
    assert listing(target) == {"x": "new"}
    assert (target.parent / "outside/canary").read_text() == "alive"


@pytest.mark.parametrize(
    "aim", ["../outside/canary", "/etc/passwd", "nothing", "way/canary", "folder", ".", ""]
)
def test_a_hard_link_to_something_outside_or_absent_is_refused(target: Path, aim: str) -> None:
    made = tars.link("way", str(target.parent / "outside")) + tars.folder("folder") + tars.hard_link("x", aim)
    assert code(target, made + tars.END) == "TRM1128"


def test_a_hard_link_is_the_same_file(target: Path) -> None:
    put(target, tars.file("a", b"1") + tars.hard_link("b/c", "a") + tars.hard_link("a", "/a") + tars.END)
    assert (target / "a").samefile(target / "b/c")


@pytest.mark.parametrize(
    "links", [[("a", "a")], [("a", "b"), ("b", "a")], [("a", "a/a")], [("a", "b/x"), ("b", "a/x")]]
)
def test_links_that_go_round_are_refused(target: Path, links: list[tuple[str, str]]) -> None:
    made = b"".join(tars.link(name, aim) for name, aim in links)
    assert code(target, made + tars.file("a/x", b"") + tars.END) == "TRM1128"


def test_devices_are_skipped_and_named_and_setuid_is_off(target: Path) -> None:
    tree = put(
        target,
        tars.block(b"dev/null", b"3") + tars.block(b"dev/sda", b"4") + tars.block(b"p", b"6")
        + tars.folder("d", 0o7000) + tars.file("su", mode=0o6755) + tars.file("none", mode=0) + tars.END,
    )  # fmt: skip
    assert tree.skipped == ["dev/null", "dev/sda", "p"]
    modes = {name: stat.S_IMODE((target / name).lstat().st_mode) for name in ("su", "d", "none")}
    assert modes == {"su": 0o755, "d": 0o700, "none": 0o400}


@pytest.mark.parametrize(
    "made",
    [
        tars.block(b"zeros", size=10 << 30),
        tars.pax(("size", str(10 << 30))) + tars.file("zeros"),
        tars.pax(("GNU.sparse.major", "1"), ("GNU.sparse.realsize", str(10 << 40)))
        + tars.file("zeros", b"0\n".ljust(512, b"\0")),
        tars.pax(("GNU.sparse.map", "0,0"), ("GNU.sparse.size", str(1 << 60))) + tars.file("zeros"),
    ],
    ids=["plain", "pax", "sparse 1.0", "sparse 0.1"],
)
def test_ten_gigabytes_of_zeros_are_refused_before_they_are_written(target: Path, made: bytes) -> None:
    started = time.monotonic()
    assert code(target, made + b"\0" * 4096) == "TRM1129"
    assert not listing(target)
    assert time.monotonic() - started < 5


def test_gigabytes_that_were_packed_small_are_refused(target: Path) -> None:
    """What nobody writes counts as well: here the content of entries that are passed over."""
    bomb = gzip.compress(
        tars.block(b"x", b"A", 40 << 20) + b"\0" * (40 << 20) + tars.file("a", b"") + tars.END
    )
    assert len(bomb) < 100_000
    assert code(target, bomb, bounds=Bounds(size_bytes=8 << 20)) == "TRM1129"


def test_too_many_entries_are_refused(target: Path) -> None:
    made = b"".join(tars.folder(f"f{number}") for number in range(101))
    assert code(target, made + tars.END, bounds=Bounds(entries=100)) == "TRM1129"


@pytest.mark.parametrize(
    "name", ["d/" * 200 + "x", "x" * 300, "x" * 5000, "/".join("y" * 200 for _ in range(30))], ids=len
)
def test_names_that_no_system_has_are_refused(target: Path, name: str) -> None:
    assert code(target, tars.pax(("path", name)) + tars.file("short") + tars.END) == "TRM1128"


def test_folders_that_are_deep_by_links_are_refused(target: Path) -> None:
    deep = "d/" * 100
    made = tars.pax(("path", deep)) + tars.folder("x") + tars.pax(("linkpath", deep)) + tars.link("down", "x")
    made += tars.pax(("path", f"down/{deep}")) + tars.folder("x")
    assert code(target, made + tars.END) == "TRM1128"


def test_a_file_that_is_a_folder_as_well_is_refused(target: Path) -> None:
    assert code(target, tars.file("a", b"") + tars.file("a/b", b"") + tars.END) == "TRM1128"


LOWER = (
    tars.file("a/x", b"1")
    + tars.file("a/y", b"2")
    + tars.file("a/b/z", b"3")
    + tars.file("c", b"4")
    + tars.END
)


@pytest.mark.parametrize(
    ("layer", "left"),
    [
        (tars.file("a/.wh.x"), {"a/y", "a/b/z", "c"}),
        (tars.file(".wh.a"), {"c"}),
        (tars.file("a/.wh..wh..opq"), {"c"}),
        (tars.file("a/n", b"5") + tars.file("a/.wh..wh..opq"), {"a/n", "c"}),
        (tars.file("a/.wh..wh..opq") + tars.file("a/b/n", b"5"), {"a/b/n", "c"}),
        (tars.file("a/b/n", b"5") + tars.file("a/.wh..wh..opq"), {"a/b/n", "c"}),
        (tars.file(".wh..wh..opq"), set()),
        (tars.file("a", b"5"), {"a", "c"}),
        (tars.folder("c") + tars.file("c/d", b""), {"a/x", "a/y", "a/b/z", "c/d"}),
        (tars.file("nothing/.wh.x") + tars.file(".wh.nothing"), {"a/x", "a/y", "a/b/z", "c"}),
        (tars.file(".wh..wh.plnk") + tars.file(".wh..wh.aufs"), {"a/x", "a/y", "a/b/z", "c"}),
        (tars.folder("a"), {"a/x", "a/y", "a/b/z", "c"}),
        (tars.link("a", "c"), {"a", "c"}),
    ],
)
def test_a_layer_takes_away_what_is_below_it(target: Path, layer: bytes, left: set[str]) -> None:
    put(target, LOWER, layer + tars.END)
    assert {name for name, content in listing(target).items() if content != "/"} == left


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "a/.wh..", "../.wh.outside", "way/.wh.canary"])
def test_a_whiteout_reaches_nothing_outside(target: Path, name: str) -> None:
    way = tars.link("way", str(target.parent / "outside")) + tars.END
    try:
        put(target, LOWER, way, tars.file(name) + tars.END)
    except TrimaranError as error:
        assert error.problems[0].code == "TRM1128"  # noqa: PT017 - both ends are allowed
    assert (target.parent / "outside/canary").read_text() == "alive"
    assert (target / "c").exists()


def test_an_archive_that_is_no_layer_keeps_names_that_look_like_whiteouts(target: Path) -> None:
    put(target, tars.file("a", b"1") + tars.file(".wh.a", b"2") + tars.END, layer=False)
    assert listing(target) == {"a": "1", ".wh.a": "2"}


def test_a_hundred_layers_are_laid_over_one_another(target: Path) -> None:
    layers = [tars.file(f"f{n}", b"x") + tars.file("top", str(n).encode()) + tars.END for n in range(100)]
    put(target, *layers)
    assert len(listing(target)) == 101
    assert (target / "top").read_text() == "99"


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x1f\x8b\x08garbage", b"PK\x03\x04" * 300, b"\x28\xb5\x2f\xfdx"]
)
def test_a_file_that_is_no_archive_is_named(target: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    with pytest.raises(TrimaranError) as caught, Tree(target) as tree:
        unpack_file(path, tree)
    problem = caught.value.problems[0]
    assert (problem.code, problem.where and problem.where.file) == ("TRM1111", str(path))


def test_an_archive_whose_last_block_was_not_filled_is_whole(target: Path) -> None:
    """As umoci writes layers."""
    put(target, tars.file("a", b"x" * 600) + tars.block(b"b", size=3) + b"yyy")
    assert listing(target)["b"] == "yyy"


@pytest.mark.parametrize("cut", [425, 511, 513, 1500])
def test_an_archive_that_was_cut_is_damaged(target: Path, cut: int) -> None:
    made = tars.file("a", b"x" * 600) + tars.file("b", b"y" * 600) + tars.END
    assert code(target, gzip.compress(made)[:-9]) == "TRM1111"
    assert code(target, made[: len(made) - 1024 - cut]) == "TRM1111"
