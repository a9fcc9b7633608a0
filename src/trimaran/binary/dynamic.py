"""Reads the dynamic section of an ELF file: what the loader looks for before it starts the file. Pure.

Every count and every sum of bytes has a bound, because a table may name the same bytes many times over.
"""

import struct
from collections.abc import Iterator

from trimaran.binary.elf import NAME_BYTES, PT_DYNAMIC, SHT_DYNSYM, BrokenFileError, Elf, sections

ENTRIES = 16_384
NEEDED = 4096
NEEDED_BYTES = 1 << 18
VERSIONS = 4096
VERSION_BYTES = 512
SYMBOLS = 1 << 17
RELOCATIONS = 1 << 20
STRING_BYTES = 4 << 20

DT_NULL, DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ = 0, 1, 4, 5, 6, 10
DT_SONAME, DT_RPATH, DT_RUNPATH, DT_FLAGS = 14, 15, 29, 30
DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_JMPREL = 2, 7, 8, 23
_EM_X86_64, _R_X86_64_IRELATIVE, _STT_GNU_IFUNC = 62, 37, 10
DF_STATIC_TLS = 0x10
DT_GNU_HASH = 0x6FFFFEF5
DT_RELR, DT_VERNEED, DT_VERNEEDNUM, DT_FLAGS_1 = 36, 0x6FFFFFFE, 0x6FFFFFFF, 0x6FFFFFFB


def entries(elf: Elf) -> dict[int, list[int]]:
    """Tag → values of the dynamic section, in the file's order; empty when there is no such section."""
    found: dict[int, list[int]] = {}
    for segment in elf.segments:
        if segment.kind == PT_DYNAMIC:
            layout = elf.order + ("qQ" if elf.bits == 64 else "iI")
            width = struct.calcsize(layout)
            count = min(segment.size // width, ENTRIES)
            # Loaders know its address alone.
            rows = elf.source.at(elf.offset_of(segment.address), count * width)
            for tag, value in struct.iter_unpack(layout, rows):
                if tag == DT_NULL:
                    break
                found.setdefault(tag & 0xFFFFFFFF, []).append(value)
            break
    return found


def names(elf: Elf, table: dict[int, list[int]], tag: int) -> tuple[str, ...]:
    """The strings that entries with this tag name."""
    wanted = table.get(tag, [])
    if len(wanted) > NEEDED:
        raise BrokenFileError(f"{len(wanted)} entries of one dynamic tag; at most {NEEDED} are believed")
    if not wanted:
        return ()
    strings, found, left = _strings(elf, table), list[str](), NEEDED_BYTES
    for value in wanted:
        found.append(elf.text(strings + value))
        left -= len(found[-1])
        if left < 0:
            raise BrokenFileError(f"names of one dynamic tag of more than {NEEDED_BYTES} bytes together")
    return tuple(found)


def _strings(elf: Elf, table: dict[int, list[int]]) -> int:
    if DT_STRTAB not in table:
        raise BrokenFileError("the dynamic section has no string table")
    return elf.offset_of(table[DT_STRTAB][0])


def version_needs(elf: Elf, table: dict[int, list[int]]) -> Iterator[tuple[str, str, bool]]:
    """(library, version, weak) for each symbol version that the loader looks for before the start."""
    if DT_VERNEED not in table:
        return
    strings, at = _strings(elf, table), elf.offset_of(table[DT_VERNEED][0])
    left = VERSIONS
    for _ in range(min(table.get(DT_VERNEEDNUM, [VERSIONS])[0], VERSIONS)):
        _, count, library, first, following = elf.unpack("HHIII", at)
        name, aux = elf.text(strings + library, VERSION_BYTES), at + first
        for _ in range(count):
            left -= 1
            if left < 0:
                raise BrokenFileError(f"more than {VERSIONS} symbol versions")
            _, flags, _, version, step = elf.unpack("IHHII", aux)
            yield name, elf.text(strings + version, VERSION_BYTES), bool(flags & 2)
            if not step:
                break
            aux += step
        if not following:
            break
        at += following


def chooses_functions(elf: Elf, table: dict[int, list[int]]) -> bool:
    """Whether the loader must call the file to learn which function it means (IRELATIVE; x86_64 only).

    Linkers put these relocations last, behind all that they may depend on.
    """
    if elf.machine != _EM_X86_64 or elf.bits != 64:
        return False
    for start, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
        whole = table.get(size, [0])[0]
        if start in table and whole >= 24:
            try:
                at = elf.offset_of(table[start][0] + whole - 24)
            except BrokenFileError:
                continue
            if elf.unpack("QQQ", at)[1] & 0xFFFFFFFF == _R_X86_64_IRELATIVE:
                return True
    return False


def chosen_by_name(elf: Elf, table: dict[int, list[int]]) -> tuple[str, ...]:
    """Names of its own functions that it refers to and that are yet to be chosen (STT_GNU_IFUNC; x86_64).

    musl binds nothing to these: with it they are missing like those that are nowhere.
    """
    wide = elf.machine == _EM_X86_64 and elf.bits == 64
    count = symbol_count(elf, table) if wide and DT_SYMTAB in table else None
    if not count:
        return ()
    rows = elf.source.at(elf.offset_of(table[DT_SYMTAB][0]), count * 24)
    # The type of a symbol is the lower half of its fifth byte.
    kinds = rows[4::24]
    if not any(kind & 15 == _STT_GNU_IFUNC for kind in set(kinds)):
        return ()
    used = {info >> 32 for info in _relocations(elf, table)}
    wanted = [
        struct.unpack_from("<I", rows, 24 * place)[0]
        for place, kind in enumerate(kinds)
        if kind & 15 == _STT_GNU_IFUNC and place in used and rows[24 * place + 6 : 24 * place + 8] != b"\0\0"
    ]
    return _names_at(elf, table, wanted) if wanted else ()


def _relocations(elf: Elf, table: dict[int, list[int]]) -> Iterator[int]:
    """What each says of its kind and its symbol, in 64 bits."""
    for start, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
        count = min(table.get(size, [0])[0] // 24, RELOCATIONS)
        if count and start in table:
            rows = elf.source.at(elf.offset_of(table[start][0]), count * 24)
            yield from (info for _, info, _ in struct.iter_unpack("<QQQ", rows))


def undefined_symbols(elf: Elf, table: dict[int, list[int]]) -> tuple[str, ...] | None:
    """Names that some library must bring, without weak ones; None when their number cannot be told."""
    if DT_SYMTAB not in table:
        return ()
    count = _undefined_count(elf, table)
    if count is None:
        return None
    layout = elf.order + ("IBxH16x" if elf.bits == 64 else "I8xBxH")
    rows = elf.source.at(elf.offset_of(table[DT_SYMTAB][0]), count * struct.calcsize(layout))
    # Binding 1 is global; 2 is weak, and may stay missing. Section 0 is "undefined".
    wanted = [
        name
        for name, binding, section in struct.iter_unpack(layout, rows)
        if not section and name and binding >> 4 == 1
    ]
    return _names_at(elf, table, wanted) if wanted else ()


def _undefined_count(elf: Elf, table: dict[int, list[int]]) -> int | None:
    """How many symbols to look at for undefined ones."""
    if DT_GNU_HASH in table:
        # The second number of the table is the first symbol that others can find by it; linkers put every
        # defined one there, and the undefined before. A table without any begins at 1, and tells nothing.
        first = elf.unpack("II", elf.offset_of(table[DT_GNU_HASH][0]))[1]
        if 1 < first <= SYMBOLS:
            return first
    return symbol_count(elf, table)


def _names_at(elf: Elf, table: dict[int, list[int]], wanted: list[int]) -> tuple[str, ...]:
    # Most stand close together in a table that may be large.
    start = min(wanted)
    strings = string_table(elf, table, start, max(wanted)).decode("latin-1")
    found, left = list[str](), STRING_BYTES
    for name in wanted:
        end = strings.find("\0", name - start, name - start + NAME_BYTES)
        left -= end - name + start
        if end < 0 or left < 0:
            raise BrokenFileError(
                f"the symbol name at {name:#x} of the string table has no end, or all are too long"
            )
        found.append(strings[name - start : end])
    if strings.isascii():
        return tuple(found)
    return tuple(name.encode("latin-1").decode("utf-8", "backslashreplace") for name in found)


def string_table(elf: Elf, table: dict[int, list[int]], first: int = 0, last: int = STRING_BYTES) -> bytes:
    """The names that symbols point into, from the offset `first` on, with the name at `last`."""
    # Symbols are many, so their names are read in one piece.
    size = table.get(DT_STRSZ, [0])[0]
    if size > STRING_BYTES:
        raise BrokenFileError(f"a table of names of {size} bytes; at most {STRING_BYTES} are believed")
    end = min(size, last + NAME_BYTES)
    return elf.source.at(_strings(elf, table) + first, max(0, end - first))


def symbol_count(elf: Elf, table: dict[int, list[int]]) -> int | None:
    """DT_HASH counts symbols; with DT_GNU_HASH alone only the section header does without a long walk."""
    count = None
    if DT_HASH in table:
        count = elf.unpack("II", elf.offset_of(table[DT_HASH][0]))[1]
    else:
        width = 24 if elf.bits == 64 else 16
        for section in sections(elf):
            if section.kind == SHT_DYNSYM and section.address == table[DT_SYMTAB][0]:
                count = section.size // width
    if count is not None and count > SYMBOLS:
        raise BrokenFileError(f"{count} dynamic symbols; at most {SYMBOLS} are believed")
    return count
