"""What a shared library brings to those that need it: symbol versions and names. Pure.

`dynamic` reads what a file asks for; this is the other side, read in the same bounded way.
"""

import struct

from trimaran.binary import dynamic
from trimaran.binary.dynamic import string_table, symbol_count
from trimaran.binary.elf import NAME_BYTES, BrokenFileError, Elf

DT_VERDEF, DT_VERDEFNUM = 0x6FFFFFFC, 0x6FFFFFFD
_FLAG_BASE = 1  # the version that stands for the library itself
_BINDINGS = (1, 2, 10)  # global, weak, unique
# No type, object, function, common, thread-local. What is chosen at run time (10) is nothing to musl.
_KINDS = (0, 1, 2, 5, 6)
_VISIBLE = (0, 3)  # default and protected


def version_definitions(elf: Elf, table: dict[int, list[int]]) -> frozenset[str]:
    """Names of the symbol versions that a library defines; empty for one without versions.

    Raises BrokenFileError when the table contradicts itself or is beyond all reason.
    """
    if DT_VERDEF not in table:
        return frozenset()
    strings = elf.offset_of(table[dynamic.DT_STRTAB][0]) if dynamic.DT_STRTAB in table else 0
    at, found = elf.offset_of(table[DT_VERDEF][0]), set[str]()
    for _ in range(min(table.get(DT_VERDEFNUM, [dynamic.VERSIONS])[0], dynamic.VERSIONS)):
        _, flags, _, count, _, first, following = elf.unpack("HHHHIII", at)
        if count and not flags & _FLAG_BASE:
            name, _ = elf.unpack("II", at + first)
            found.add(elf.text(strings + name, dynamic.VERSION_BYTES))
        if not following:
            break
        at += following
    return frozenset(found)


def defined_symbols(elf: Elf, table: dict[int, list[int]]) -> frozenset[str] | None:
    """Names that others may bind to with musl, weak ones too; None when their number cannot be told.

    Raises BrokenFileError as `version_definitions`.
    """
    if dynamic.DT_SYMTAB not in table:
        return frozenset()
    count = symbol_count(elf, table)
    if count is None:
        return None
    layout = elf.order + ("IBBHQQ" if elf.bits == 64 else "IIIBBH")
    rows = elf.source.at(elf.offset_of(table[dynamic.DT_SYMTAB][0]), count * struct.calcsize(layout))
    strings, found, left = string_table(elf, table), set[str](), dynamic.STRING_BYTES
    for row in struct.iter_unpack(layout, rows):
        # The same fields stand in another order in 32 bits.
        sort, other, section = (row[1], row[2], row[3]) if elf.bits == 64 else (row[3], row[4], row[5])
        if not row[0] or not section or sort >> 4 not in _BINDINGS or sort & 15 not in _KINDS:
            continue
        if other & 3 in _VISIBLE:
            end = strings.find(b"\0", row[0], row[0] + NAME_BYTES)
            left -= end - row[0]
            if end < 0 or left < 0:
                raise BrokenFileError(f"the symbol name at {row[0]:#x} has no end, or all are too long")
            found.add(strings[row[0] : end].decode("utf-8", "backslashreplace"))
    return frozenset(found)
