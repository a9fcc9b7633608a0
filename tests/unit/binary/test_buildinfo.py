"""What Go writes about a build, in both of its layouts."""

from pathlib import Path

import pytest
from tests.unit.binary.elves import BASE, Elf, inline_buildinfo, pointed_buildinfo

from trimaran.binary import GoBuild, Module, cpu_level, inspect_file

SETTINGS = (
    "path\texample.com/app/cmd/app\n"
    "mod\texample.com/app\tv1.2.3\th1:abc=\n"
    "dep\tgithub.com/a/b\tv0.1.0\th1:def=\n"
    "dep\tgithub.com/c/d\tv0.2.0\n"
    "=>\t../d\t(devel)\n"
    "build\t-buildmode=pie\n"
    "build\tCGO_ENABLED=1\n"
    'build\t-ldflags="-X \\"main.v=1\\" -s\\n"\n'
    "build\t`odd key`=`raw`\n"
    "build\tGOAMD64=v3\n"
)


def build_of(elf: Elf, folder: Path) -> GoBuild | None:
    path = folder / "program"
    path.write_bytes(bytes(elf))
    return inspect_file(path).go


def address(bits: int) -> int:
    # Where the builder puts the block when the file has an interpreter and nothing else.
    plain = bytes(Elf(bits=bits, buildinfo=b"\xff" * 16))
    return BASE + plain.index(b"\xff" * 16)


def test_the_inline_layout_is_read(tmp_path: Path) -> None:
    build = build_of(Elf(buildinfo=inline_buildinfo("go1.26.8", SETTINGS)), tmp_path)
    assert build is not None
    assert (build.version, build.minor, build.package) == ("go1.26.8", 26, "example.com/app/cmd/app")
    assert build.main == Module("example.com/app", "v1.2.3", "h1:abc=")
    assert build.modules == (
        Module("github.com/a/b", "v0.1.0", "h1:def="),
        Module("github.com/c/d", "v0.2.0", "", Module("../d", "(devel)")),
    )
    assert build.setting("-buildmode") == "pie"
    assert build.setting("-ldflags") == '-X "main.v=1" -s\n'
    assert build.setting("nothing") is None


@pytest.mark.parametrize(("bits", "order"), [(64, "<"), (64, ">"), (32, "<"), (32, ">")])
def test_the_layout_with_pointers_is_read(bits: int, order: str, tmp_path: Path) -> None:
    block = pointed_buildinfo(
        "go1.16.5", "path\tcommand\nmod\texample.com/old\tv0.0.1\n", bits, order, address(bits)
    )
    build = build_of(Elf(bits=bits, order=order, buildinfo=block), tmp_path)
    assert build is not None
    assert (build.version, build.package) == ("go1.16.5", "command")
    assert build.settings == ()


def test_a_program_without_the_block_is_no_go_program(tmp_path: Path) -> None:
    assert build_of(Elf(needed=("libc.so.6",)), tmp_path) is None


def test_a_block_at_an_odd_place_is_none(tmp_path: Path) -> None:
    assert build_of(Elf(buildinfo=b"x" + inline_buildinfo("go1.26", "")), tmp_path) is None


def test_a_build_without_modules_still_tells_its_release(tmp_path: Path) -> None:
    build = build_of(Elf(buildinfo=inline_buildinfo("devel go1.27-abcdef", "")), tmp_path)
    assert build == GoBuild("devel go1.27-abcdef")
    assert build.minor is None


def test_enormous_sizes_in_the_block_are_not_believed(tmp_path: Path) -> None:
    block = inline_buildinfo("go1.26", "")[:32] + b"\xff" * 9 + b"\x01"
    assert build_of(Elf(buildinfo=block), tmp_path) is None


def test_pointers_out_of_the_file_are_not_followed(tmp_path: Path) -> None:
    block = pointed_buildinfo("go1.16.5", "", 64, "<", 0x7FFF_FFFF_0000)
    assert build_of(Elf(buildinfo=block), tmp_path) is None


def test_the_processor_level_comes_from_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "program"
    for machine, level in ((62, 3), (183, 1)):
        path.write_bytes(bytes(Elf(machine=machine, buildinfo=inline_buildinfo("go1.26", SETTINGS))))
        assert cpu_level(inspect_file(path)) == level
