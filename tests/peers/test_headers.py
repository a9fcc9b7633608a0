"""What is refused because no kernel can do it: tried with the kernel and the loader of this machine."""

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.peers.beliefs import ACCOUNT, built

from trimaran.binary import inspect_file
from trimaran.errors import TrimaranError

pytestmark = pytest.mark.peer

_LOAD, _DYNAMIC, _PHDR = 1, 2, 6
_EXECUTE = 1
# Where they stand in a program header of 64 bits.
_KIND, _FLAGS, _OFFSET, _ADDRESS, _SIZE, _MEMORY = 0, 4, 8, 16, 32, 40
Change = Callable[[bytearray], None]


def place(program: bytes | bytearray, kind: int, flags: int = 0) -> int:
    """Where the first program header of that kind stands."""
    start, width, count = *struct.unpack_from("<Q", program, 32), *struct.unpack_from("<HH", program, 54)
    return next(
        at
        for at in range(start, start + width * count, width)
        if struct.unpack_from("<I", program, at)[0] == kind
        and struct.unpack_from("<I", program, at + _FLAGS)[0] & flags == flags
    )


def put(program: bytearray, at: int, value: int, layout: str = "<Q") -> None:
    struct.pack_into(layout, program, at, value)


def add(program: bytearray, at: int, value: int) -> None:
    put(program, at, struct.unpack_from("<Q", program, at)[0] + value)


def text(program: bytearray) -> int:
    return place(program, _LOAD, _EXECUTE)


def no_segments(program: bytearray) -> None:
    while True:
        try:
            put(program, place(program, _LOAD), 0, "<I")
        except StopIteration:
            return


CHANGES: dict[str, tuple[Change, str]] = {
    "more bytes than memory": (lambda it: put(it, text(it) + _MEMORY, 1), "has room for 1 in memory"),
    "an offset that no page can do": (lambda it: add(it, text(it) + _OFFSET, 8), "which no page can do"),
    "an end beyond all addresses": (
        lambda it: put(it, text(it) + _MEMORY, 1 << 60),
        "which no program has",
    ),
    "an entry in no segment": (lambda it: put(it, 24, 1 << 40), "starts at address 0x10000000000"),
    "an entry that is not to be executed": (
        lambda it: put(it, text(it) + _FLAGS, 4, "<I"),
        "which is not to be executed",
    ),
    "no segment to load": (no_segments, "has no segment to load"),
}
DYNAMIC: dict[str, tuple[Change, str]] = CHANGES | {
    "no dynamic section": (lambda it: put(it, place(it, _DYNAMIC), 0, "<I"), "has no dynamic section"),
    "program headers elsewhere": (
        lambda it: add(it, place(it, _PHDR) + _ADDRESS, 8),
        "its program headers are not at address",
    ),
}


@pytest.fixture(scope="module", params=["static", "dynamic"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that prints a name, and ends with 0."""
    name = str(request.param)
    return built(tmp_path_factory.mktemp("headers") / name, ACCOUNT, cgo=name == "dynamic")


def started(program: Path) -> tuple[bool, str]:
    """Whether it does what it does, and what came instead."""
    try:
        done = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=20)
    except OSError as error:
        return False, str(error)
    return done.returncode == 0 and bool(done.stdout), f"status {done.returncode}"


def test_a_program_with_headers_that_nobody_can_do_is_refused_and_does_not_start(
    program: Path, tmp_path: Path
) -> None:
    assert started(program)[0]
    inspect_file(program)
    for name, (change, said) in (DYNAMIC if program.name == "dynamic" else CHANGES).items():
        changed = bytearray(program.read_bytes())
        change(changed)
        broken = tmp_path / name.replace(" ", "-")
        broken.write_bytes(changed)
        broken.chmod(0o755)
        with pytest.raises(TrimaranError) as caught:
            inspect_file(broken)
        (problem,) = caught.value.problems
        assert problem.code == "TRM0206", name
        assert said in problem.what, name
        assert not started(broken)[0], name


def test_where_a_dynamic_section_stands_is_told_by_its_address(tmp_path: Path) -> None:
    whole = built(tmp_path / "whole", ACCOUNT)
    changed = bytearray(whole.read_bytes())
    put(changed, place(changed, _DYNAMIC) + _OFFSET, 64)
    other = tmp_path / "other"
    other.write_bytes(changed)
    other.chmod(0o755)
    assert started(other)[0]
    assert inspect_file(other).needed == inspect_file(whole).needed == ("libc.so.6",)
