"""Looks in a file for what `wants` concludes from. Pure: bytes come through a `Source`, bounded in number."""

import re
from collections.abc import Iterable

from trimaran.binary import dynamic, pclntab
from trimaran.binary.calls import started
from trimaran.binary.elf import BrokenFileError, Elf, Source, read_elf
from trimaran.binary.linkage import read_file
from trimaran.binary.model import File, Kind
from trimaran.binary.packed import refuse_packed
from trimaran.binary.wants import FUNCTIONS, SYMBOLS, TEXTS, Seen, Want, c_wants, go_wants

# Constants of larger programs are looked through to here; 32 MB take about 20 ms.
TEXT_BYTES = 32 << 20
_NAMES = 8
_LIBRARY = re.compile(rb"(?<![!-~])(?:/[!-~]{1,200}/)?lib[A-Za-z0-9_+-]{1,60}\.so(?:\.[0-9]{1,4}){0,3}(?=\0)")
_ENCODED = frozenset(text.encode() for text in TEXTS)


def look(name: str, source: Source) -> tuple[File, tuple[Want, ...]]:
    """The file, and what it may ask for while it runs.

    Raises:
        BrokenFileError, NotStartedError: as `linkage.read_file`. Evidence that cannot be read is no error:
            the program starts without it.
    """
    refuse_packed(name, source)
    file = read_file(name, source, closely=False)
    return file, read_wants(file, source)


def read_wants(file: File, source: Source) -> tuple[Want, ...]:
    """What a file that has been read may ask for while it runs; nothing for a library."""
    if file.kind is Kind.LIBRARY:
        return ()
    try:
        elf = read_elf(source)
        symbols = _symbols(elf)
        if file.go is None:
            return c_wants(file, _constants(file, elf, symbols))
        return go_wants(file, _go(file, elf, symbols))
    except BrokenFileError as error:
        if error.truncated and error.what.startswith("became"):
            raise
        return ()


def _symbols(elf: Elf) -> frozenset[str]:
    try:
        return SYMBOLS.intersection(dynamic.undefined_symbols(elf, dynamic.entries(elf)) or ())
    except BrokenFileError:
        return frozenset()


def _go(file: File, elf: Elf, symbols: frozenset[str]) -> Seen:
    table = pclntab.find(elf)
    functions = pclntab.linked(elf, table, FUNCTIONS) if table is not None else frozenset()
    programs = started(elf, table, functions) if table is not None else ()
    # Without a loader a C library may have been linked in; only a program with cgo can have one.
    inside = file.interpreter is None and file.go is not None and file.go.setting("CGO_ENABLED") != "0"
    texts = _texts(elf, (b"libnss_", b"/etc/nsswitch.conf")) if inside else frozenset()
    return Seen(functions, symbols, texts, programs)


def _constants(file: File, elf: Elf, symbols: frozenset[str]) -> Seen:
    libraries = _libraries(elf, file.needed) if symbols & {"dlopen", "dlmopen"} else ()
    return Seen(symbols=symbols, texts=_texts(elf, _ENCODED), libraries=libraries)


def _texts(elf: Elf, wanted: Iterable[bytes]) -> frozenset[str]:
    found = pclntab.contained(pclntab.constants(elf, TEXT_BYTES), wanted)
    return frozenset(text.decode("ascii") for text in found)


def _libraries(elf: Elf, needed: tuple[str, ...]) -> tuple[str, ...]:
    # The loader's own table of names lists what is needed anyway.
    found: dict[str, None] = {}
    for piece in pclntab.constants(elf, TEXT_BYTES):
        for match in _LIBRARY.finditer(piece):
            name = match[0].decode("ascii")
            if name not in needed:
                found[name] = None
            if len(found) == _NAMES:
                return tuple(found)
    return tuple(found)
