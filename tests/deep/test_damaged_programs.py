"""Whatever the bytes are: an answer or one TrimaranError, in little time."""

import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.binary.elves import Elf, inline_buildinfo, pointed_buildinfo
from trimaran.binary import inspect_file, report, report_text, verdicts
from trimaran.errors import TrimaranError
from trimaran.facts import distributions

SEEDS = [
    bytes(
        Elf(
            bits=bits,
            order=order,
            interpreter=interpreter,
            needed=("libc.so.6", "libz.so.1"),
            versions={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.34"), "libm.so.6": ("GLIBC_2.29",)},
            undefined=("puts", "exit", "open64"),
            strings={29: "$ORIGIN"},
            buildinfo=inline_buildinfo("go1.26.8", "path\tx\nbuild\tCGO_ENABLED=1\n")
            + pointed_buildinfo("go1.16", "path\tx\n", bits, order, 0x400400),
        )
    )
    for bits, order in ((64, "<"), (32, ">"))
    for interpreter in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1")
]
PYTHON = Path(sys.executable).resolve().read_bytes()[: 1 << 16]
LIMITS = settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the time is measured below, per file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "program"


def survives(body: bytes, path: Path) -> None:
    path.write_bytes(body)
    started = time.perf_counter()
    code = "TRM0200"
    try:
        file = inspect_file(path)
    except TrimaranError as error:
        code = error.problems[0].code
    else:
        found = verdicts(file, distributions().values())
        inspected = report.Inspected(file, found)
        report.document([inspected])
        assert all(line.isprintable() for line in report_text.text(inspected, None, 80))
    assert code.startswith("TRM02")
    assert time.perf_counter() - started < 1


@given(st.binary(max_size=300))
@LIMITS
def test_random_bytes_behind_the_magic_number(path: Path, body: bytes) -> None:
    survives(b"\x7fELF" + body, path)


@given(st.binary(max_size=64))
@LIMITS
def test_random_bytes(path: Path, body: bytes) -> None:
    survives(body, path)


_EDGES = [0, 1, 2, 0x7F, 0x80, 0xFF]


@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(st.integers(4, 1500), st.sampled_from(_EDGES) | st.integers(0, 255)), min_size=1, max_size=8
    ),
    st.none() | st.integers(0, 1500),
)
@settings(LIMITS, max_examples=600)
def test_a_file_with_changed_bytes(
    path: Path, seed: bytes, changes: list[tuple[int, int]], cut: int | None
) -> None:
    body = bytearray(seed)
    for place, value in changes:
        body[place % len(body)] = value
    survives(bytes(body[:cut]), path)


@given(
    st.sampled_from(SEEDS),
    st.integers(4, 1500),
    st.sampled_from([2, 4, 8]),
    st.sampled_from([0, 1, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 62, (1 << 63) - 1, (1 << 64) - 1]),
)
@settings(LIMITS, max_examples=400)
def test_a_file_with_an_extreme_number(path: Path, seed: bytes, place: int, width: int, value: int) -> None:
    body = bytearray(seed)
    place %= len(body) - 8
    body[place : place + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
    survives(bytes(body), path)


@given(st.lists(st.tuples(st.integers(4, len(PYTHON) - 1), st.integers(0, 255)), min_size=1, max_size=20))
@settings(LIMITS, max_examples=150)
def test_a_real_program_with_changed_bytes(path: Path, changes: list[tuple[int, int]]) -> None:
    body = bytearray(PYTHON)
    for place, value in changes:
        body[place] = value
    survives(bytes(body), path)


def test_a_table_that_names_the_same_bytes_again_and_again_costs_little(path: Path) -> None:
    elf = Elf(needed=("n" * 4000,), more=tuple((1, 1 + place) for place in range(3900)))
    path.write_bytes(bytes(elf))
    tracemalloc.start()
    try:
        survives(path.read_bytes(), path)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 10e6
    with pytest.raises(TrimaranError, match="bytes together"):
        inspect_file(path)
