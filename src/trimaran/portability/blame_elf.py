"""Reads symbols: what a program asks for, what a library offers, what an object file lacks. Pure.

Every count is checked against a bound of ours before anything of that size is read. The tables: the System V
ABI, chapter 4 (symbols), and the LSB's symbol versioning (.gnu.version, _r and _d).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from trimaran.binary import dynamic
from trimaran.binary.elf import ET_REL, BrokenFileError, Elf, Source, read_elf, sections

SECTIONS = 1 << 17
SYMBOLS = 1 << 18
STRING_BYTES = 64 << 20
VERSIONS = 4096

_SHT_SYMTAB, _SHT_DYNSYM = 2, 11
_LOCAL, _WEAK = 0, 2
_STT_FILE, _SHN_ABS = 4, 0xFFF1
_DT_INIT, _DT_INIT_ARRAY = 12, 25
_DT_GNU_HASH, _DT_VERSYM, _DT_VERDEF, _DT_VERDEFNUM = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
_HIDDEN = 0x8000


class Asked(NamedTuple):
    """A symbol that the loader has to find before a program starts.

    Args:
        version: as `GLIBC_2.34`; empty for one without a version.
        library: the library that must have that version; empty without one.
        weak: whether the program starts without it.
    """

    name: str
    version: str
    library: str
    weak: bool


@dataclass(frozen=True, slots=True)
class Dynamic:
    """What of a linked file its symbols tell.

    Args:
        asked: the symbols that others must bring, sorted.
        unused: (library, version) that is asked for without a symbol, as the marker GLIBC_ABI_DT_RELR.
        external: whether a C linker made it, and not Go's own: then its startup files are in it.
    """

    asked: tuple[Asked, ...]
    unused: tuple[tuple[str, str], ...]
    external: bool


@dataclass(frozen=True, slots=True)
class Object:
    """The symbols of an object file.

    Args:
        undefined: name → whether all its uses are weak.
        defined: names that other objects can use.
        source: name of the source file that it was compiled from; empty when it does not say.
        sealed: whether it holds code of a link-time optimizer, whose symbols are not told.
    """

    undefined: Mapping[str, bool]
    defined: frozenset[str]
    source: str = ""
    sealed: bool = False


def read_dynamic(elf: Elf) -> Dynamic:
    """The versioned symbols of a program or a shared library. Raises BrokenFileError."""
    table = dynamic.entries(elf)
    needs = _needs(elf, table)
    used: set[int] = set()
    asked = set()
    for name, binding, section, index in _symbols(elf, table):
        library, version = needs.get(index, ("", ""))
        used.add(index)
        # A library's variable that was copied into the program is defined there, with the library's version.
        if version or not section:
            asked.add(Asked(name, version, library, binding == _WEAK))
    unused = tuple(sorted(need for index, need in needs.items() if index not in used))
    external = bool({_DT_INIT, _DT_INIT_ARRAY, _DT_GNU_HASH} & table.keys())
    return Dynamic(tuple(sorted(asked)), unused, external)


def offered(elf: Elf) -> dict[str, str]:
    """Name → the version that a program gets which is linked with this library now; empty for none."""
    table = dynamic.entries(elf)
    names = _definitions(elf, table)
    return {
        name: names.get(index, "")
        for name, _, section, index in _symbols(elf, table)
        if section and not index & _HIDDEN and index != 0
    }


def definitions(elf: Elf) -> tuple[str, ...]:
    """Names of the versions that a library defines."""
    return tuple(_definitions(elf, dynamic.entries(elf)).values())


def read_object(source: Source) -> Object:
    """The symbols of an object file. Raises BrokenFileError, also for an ELF file of another type."""
    elf = read_elf(source)
    if elf.kind != ET_REL:
        raise BrokenFileError(f"an ELF file of type {elf.kind} is no object file")
    undefined: dict[str, bool] = {}
    defined = set()
    file = ""
    for rows, strings in _object_tables(elf):
        for name, binding, section in _rows(elf, rows, strings):
            if not name:
                continue
            if binding == _LOCAL:
                file = file or (name if section == _SHN_ABS else "")
            elif section:
                defined.add(name)
            else:
                undefined[name] = undefined.get(name, True) and binding == _WEAK
    return Object(undefined, frozenset(defined), file, "__gnu_lto_slim" in defined)


def _object_tables(elf: Elf) -> list[tuple[bytes, bytes]]:
    start, width, count, _ = elf.section_table
    layout = elf.order + ("IIQQQQIIQQ" if elf.bits == 64 else "IIIIIIIIII")
    if width != struct.calcsize(layout):
        raise BrokenFileError(f"section headers of {width} bytes")
    if not count:
        # With 65,280 sections and more the number stands in the first one's size.
        count = struct.unpack(layout, elf.source.at(start, width))[5]
    if count > SECTIONS:
        raise BrokenFileError(f"{count} sections; at most {SECTIONS} are believed")
    headers = list(struct.iter_unpack(layout, elf.source.at(start, width * count)))
    found = []
    for _, kind, _, _, at, size, link, _, _, _ in headers:
        if kind == _SHT_SYMTAB and link < len(headers):
            found.append((_table(elf, at, size), _strings(elf, headers[link][4], headers[link][5])))
    return found


def _table(elf: Elf, at: int, size: int) -> bytes:
    width = 24 if elf.bits == 64 else 16
    if size // width > SYMBOLS:
        raise BrokenFileError(f"{size // width} symbols; at most {SYMBOLS} are believed")
    return elf.source.at(at, size // width * width)


def _strings(elf: Elf, at: int, size: int) -> bytes:
    if size > STRING_BYTES:
        raise BrokenFileError(f"a table of names of {size} bytes; at most {STRING_BYTES} are believed")
    return elf.source.at(at, size)


def _rows(elf: Elf, rows: bytes, strings: bytes) -> list[tuple[str, int, int]]:
    """(name, binding, section) of each symbol with a name."""
    found = []
    wide = elf.bits == 64
    layout = elf.order + ("IBBHQQ" if wide else "IIIBBH")
    left = STRING_BYTES
    for row in struct.iter_unpack(layout, rows):
        at = row[0]
        kind, section = (row[1], row[3]) if wide else (row[3], row[5])
        binding = kind >> 4
        # Of local symbols only the source file's name counts.
        if not at or (binding == _LOCAL and (kind & 15 != _STT_FILE or section != _SHN_ABS)):
            found.append(("", _LOCAL, section))
            continue
        end = strings.find(b"\0", at)
        # Names may share their bytes, so their sum has a bound of its own.
        left -= end - at
        if end < 0 or left < 0:
            raise BrokenFileError(f"the symbol name at {at:#x} has no end, or all are too long")
        found.append((strings[at:end].decode("utf-8", "backslashreplace"), binding, section))
    return found


def _symbols(elf: Elf, table: dict[int, list[int]]) -> list[tuple[str, int, int, int]]:
    """(name, binding, section, version index) of each dynamic symbol with a name."""
    if dynamic.DT_SYMTAB not in table or dynamic.DT_STRTAB not in table:
        return []
    count = _count(elf, table)
    at = elf.offset_of(table[dynamic.DT_SYMTAB][0])
    rows = _table(elf, at, count * (24 if elf.bits == 64 else 16))
    size = table.get(dynamic.DT_STRSZ, [0])[0]
    strings = _strings(elf, elf.offset_of(table[dynamic.DT_STRTAB][0]), size)
    versions = [0] * count
    if _DT_VERSYM in table:
        raw = elf.source.at(elf.offset_of(table[_DT_VERSYM][0]), 2 * count)
        versions = list(struct.unpack(f"{elf.order}{count}H", raw))
    symbols = zip(_rows(elf, rows, strings), versions, strict=True)
    return [(*symbol, version) for symbol, version in symbols if symbol[0]]


def _count(elf: Elf, table: dict[int, list[int]]) -> int:
    if dynamic.DT_HASH in table:
        count = elf.unpack("II", elf.offset_of(table[dynamic.DT_HASH][0]))[1]
    else:
        width = 24 if elf.bits == 64 else 16
        listed = (
            each.size // width
            for each in sections(elf)
            if each.kind == _SHT_DYNSYM and each.address == table[dynamic.DT_SYMTAB][0]
        )
        count = next(listed, None) or _hashed(elf, table)
    if count > SYMBOLS:
        raise BrokenFileError(f"{count} dynamic symbols; at most {SYMBOLS} are believed")
    return count


def _hashed(elf: Elf, table: dict[int, list[int]]) -> int:
    """The number of symbols by GNU's hash table: the end of the chain that starts last."""
    if _DT_GNU_HASH not in table:
        return 0
    at = elf.offset_of(table[_DT_GNU_HASH][0])
    buckets, first, words, _ = elf.unpack("IIII", at)
    if buckets > SYMBOLS or words > SYMBOLS:
        raise BrokenFileError(f"a hash table of {buckets} buckets; at most {SYMBOLS} are believed")
    at += 16 + words * elf.bits // 8
    last = max(elf.unpack(f"{buckets}I", at), default=0)
    if last < first:
        return first
    at += 4 * buckets
    at += 4 * (last - first)
    size = min(elf.source.size - at, 4 * SYMBOLS) // 4
    chain = elf.unpack(f"{max(size, 0)}I", at)
    # The last bit of a hash marks the end of its chain.
    end = next((place for place, value in enumerate(chain) if value & 1), None)
    if end is None:
        raise BrokenFileError("a hash chain without an end")
    return last + end + 1


def _needs(elf: Elf, table: dict[int, list[int]]) -> dict[int, tuple[str, str]]:
    """Version index → (library, version), of those that the file asks for."""
    if dynamic.DT_VERNEED not in table or dynamic.DT_STRTAB not in table:
        return {}
    strings = elf.offset_of(table[dynamic.DT_STRTAB][0])
    at = elf.offset_of(table[dynamic.DT_VERNEED][0])
    found: dict[int, tuple[str, str]] = {}
    for _ in range(min(table.get(dynamic.DT_VERNEEDNUM, [VERSIONS])[0], VERSIONS)):
        _, count, library, first, following = elf.unpack("HHIII", at)
        name, aux = elf.text(strings + library, dynamic.VERSION_BYTES), at + first
        for _ in range(count):
            _, _, index, version, step = elf.unpack("IHHII", aux)
            found[index & ~_HIDDEN] = (name, elf.text(strings + version, dynamic.VERSION_BYTES))
            if len(found) > VERSIONS:
                raise BrokenFileError(f"more than {VERSIONS} symbol versions")
            if not step:
                break
            aux += step
        if not following:
            break
        at += following
    return found


def _definitions(elf: Elf, table: dict[int, list[int]]) -> dict[int, str]:
    """Version index → version, of those that the file defines; without its own name."""
    if _DT_VERDEF not in table or dynamic.DT_STRTAB not in table:
        return {}
    strings, at = elf.offset_of(table[dynamic.DT_STRTAB][0]), elf.offset_of(table[_DT_VERDEF][0])
    found = {}
    for _ in range(min(table.get(_DT_VERDEFNUM, [VERSIONS])[0], VERSIONS)):
        _, flags, index, _, _, aux, following = elf.unpack("HHHHIII", at)
        # Flag 1 marks the library's own name, which stands first.
        if not flags & 1:
            name, _ = elf.unpack("II", at + aux)
            found[index] = elf.text(strings + name, dynamic.VERSION_BYTES)
        if not following:
            break
        at += following
    return found
