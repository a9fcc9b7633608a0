"""Symbols with their versions, as pyelftools and our own object files have them; and from any bytes."""

import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.binary.elves import Elf
from tests.unit.portability.blame_objects import Bytes, obj

from trimaran.binary.elf import BrokenFileError, read_elf
from trimaran.portability import blame_elf
from trimaran.portability.blame_elf import Asked, Dynamic


@cache
def libc() -> Path:
    """The C library that this Python runs with."""
    maps = Path("/proc/self/maps").read_text("utf-8").splitlines()
    return Path(next(line.split()[-1] for line in maps if "/libc.so" in line or "/libc-" in line))


def read(path: Path) -> Dynamic:
    return blame_elf.read_dynamic(read_elf(Bytes(path.read_bytes())))


def other_reader(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """(what is asked for, what is offered) by name, as pyelftools reads it."""
    asked, offered = {}, {}
    with path.open("rb") as file:
        elf = ELFFile(file)
        names: dict[int, str] = {}
        for section in elf.iter_sections():
            if isinstance(section, GNUVerNeedSection):
                names |= {aux["vna_other"]: aux.name for _, each in section.iter_versions() for aux in each}
        definitions: dict[int, str] = {}
        for section in elf.iter_sections():
            if isinstance(section, GNUVerDefSection):
                definitions |= {
                    each["vd_ndx"]: next(aux).name
                    for each, aux in section.iter_versions()
                    if not each["vd_flags"] & 1
                }
        table = elf.get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        versions = next(each for each in elf.iter_sections() if isinstance(each, GNUVerSymSection))
        for place, symbol in enumerate(table.iter_symbols()):
            index = versions.get_symbol(place)["ndx"]
            index = index if isinstance(index, int) else 1
            if symbol.name and index in names:
                asked[symbol.name] = names[index]
            elif symbol.name and symbol["st_shndx"] != "SHN_UNDEF" and not index & 0x8000:
                offered[symbol.name] = definitions.get(index, "")
    return asked, offered


@pytest.mark.parametrize("name", ["python", "libc"])
def test_what_is_asked_for_is_what_another_reader_finds(name: str) -> None:
    path = {"python": Path(sys.executable).resolve(), "libc": libc()}[name]
    found = {each.name: each.version for each in read(path).asked if each.version}
    assert found == other_reader(path)[0]
    assert found


def test_what_a_library_offers_is_what_another_reader_finds() -> None:
    found = blame_elf.offered(read_elf(Bytes(libc().read_bytes())))
    theirs = other_reader(libc())[1]
    assert {name: found.get(name) for name in theirs} == theirs
    assert found["memcpy"] == theirs["memcpy"] != ""
    assert "GLIBC_2.2.5" in blame_elf.definitions(read_elf(Bytes(libc().read_bytes())))


def test_without_section_headers_the_hash_table_counts() -> None:
    body = bytearray(libc().read_bytes())
    whole = blame_elf.read_dynamic(read_elf(Bytes(bytes(body))))
    body[40:48] = bytes(8)  # where the section headers are
    assert blame_elf.read_dynamic(read_elf(Bytes(bytes(body)))) == whole


def test_a_symbol_has_its_version_its_library_and_its_weakness() -> None:
    elf = Elf(versions={"libc.so.6": ("GLIBC_2.34",)}, undefined=("puts", "hook"), weak=frozenset({"hook"}))
    found = blame_elf.read_dynamic(read_elf(Bytes(bytes(elf))))
    # These files have no table that gives symbols their versions.
    assert found.asked == (Asked("hook", "", "", True), Asked("puts", "", "", False))
    assert found.unused == (("libc.so.6", "GLIBC_2.34"),)
    assert not found.external


def test_an_object_tells_what_it_lacks_and_what_it_has() -> None:
    found = blame_elf.read_object(Bytes(obj(["stat64", "open"], ["hook"], ["main"], "main.c")))
    assert found.undefined == {"stat64": False, "open": False, "hook": True}
    assert found.defined == {"main"}
    assert found.source == "main.c"
    assert not found.sealed


def test_an_object_of_a_link_time_optimizer_is_known() -> None:
    assert blame_elf.read_object(Bytes(obj(defined=["__gnu_lto_slim"]))).sealed


def test_a_program_is_no_object() -> None:
    with pytest.raises(BrokenFileError, match="no object file"):
        blame_elf.read_object(Bytes(bytes(Elf())))


SEEDS = [
    obj(["stat64"], ["hook"], ["main"], "main.c"),
    bytes(Elf(versions={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.34")}, undefined=("puts", "exit"))),
]


@settings(max_examples=120)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(16, 700), st.integers(0, 255)), max_size=12),
    st.integers(16, 2000),
)
def test_any_bytes_give_symbols_or_one_error(seed: bytes, changes: list[tuple[int, int]], end: int) -> None:
    body = bytearray(seed[:end])
    for at, value in changes:
        if at < len(body):
            body[at] = value
    started = time.perf_counter()
    for reader in (blame_elf.read_dynamic, blame_elf.offered, blame_elf.definitions):
        with suppress(BrokenFileError):
            reader(read_elf(Bytes(bytes(body))))
    with suppress(BrokenFileError):
        blame_elf.read_object(Bytes(bytes(body)))
    assert time.perf_counter() - started < 2


def test_enormous_counts_are_refused_before_they_are_read() -> None:
    body = bytearray(SEEDS[0])
    table = len(body) - 192 + 64
    body[table + 32 : table + 40] = (1 << 40).to_bytes(8, "little")
    with pytest.raises(BrokenFileError, match="are believed"):
        blame_elf.read_object(Bytes(bytes(body)))
