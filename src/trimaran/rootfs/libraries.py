"""Which shared libraries a distribution's loader finds, and what each brings and needs. Runs nothing."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trimaran.binary import dynamic, elf, exports
from trimaran.binary.elf import BrokenFileError, Elf
from trimaran.binary.linkage import machine_of
from trimaran.binary.reader import OpenFile
from trimaran.facts.model import Libc, Library
from trimaran.rootfs import inside, texts

_LOADER_BYTES = 64 << 20
_CACHE_BYTES = 16 << 20
_LIBRARIES = 20_000
# musl's loader answers itself to `lib`, one of these words and a dot, whatever follows and whatever files are
# there (`reserved` in its load_library): so libc.so.6 is found there, if not all that is expected of it.
_MUSL_SELF = (
    *(f"lib{word}.so" for word in ("c", "pthread", "rt", "m", "dl", "util", "xnet")),
    "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libutil.so.1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loader:
    """The program that starts a distribution's dynamic programs.

    Args:
        path: as programs name it, as `/lib64/ld-linux-x86-64.so.2`.
        file: where it is on this machine.
    """

    libc: Libc
    machine: str
    path: str
    file: Path


def inventory(root: Path, loader: Loader) -> dict[str, Library]:
    """Every library that the loader finds, by the name that it is asked for."""
    found: dict[str, Library] = {}
    read: dict[Path, Library | None] = {}
    for name, file in _candidates(root, loader):
        if name not in found and len(read) < _LIBRARIES:
            if file not in read:
                read[file] = library(file, loader)
            here = read[file]
            if here is not None:
                found[name] = here
    own = library(loader.file, loader)
    if own is not None:
        names = [loader.path.rpartition("/")[2]]
        names += _MUSL_SELF if loader.libc is Libc.MUSL else ()
        found |= dict.fromkeys(names, own)
    return dict(sorted(found.items()))


def _candidates(root: Path, loader: Loader) -> Iterator[tuple[str, Path]]:
    """(name, file) in the order in which the loader would take them."""
    if loader.libc is Libc.GLIBC:
        for name, path in texts.loader_cache(inside.read(root, "etc/ld.so.cache", _CACHE_BYTES)):
            file = inside.resolve(root, path)
            if file is not None:
                yield name, file
        folders = texts.glibc_folders(inside.read(root, loader.path, _LOADER_BYTES))
    else:
        folders = texts.musl_folders(inside.text(root, f"etc/ld-musl-{loader.machine}.path"))
    for folder in folders:
        for name in inside.names(root, folder):
            if ".so" in name:
                file = inside.resolve(root, f"{folder}/{name}")
                if file is not None:
                    yield name, file


def library(file: Path, loader: Loader) -> Library | None:
    """What a shared library needs and brings; None for any other file, or one of another machine."""
    try:
        with _opened(file) as opened:
            return _library(opened, loader)
    except (OSError, BrokenFileError):
        return None


class _opened:  # noqa: N801 - reads as a phrase where it is used
    """A regular file's bytes as ELF; nothing waits for a pipe."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> Elf:
        if not self._file.is_file():
            raise BrokenFileError("no regular file")
        self._descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            source = OpenFile(self._descriptor, os.fstat(self._descriptor).st_size)
            if source.at(0, 4) != b"\x7fELF":
                raise BrokenFileError("no ELF file")  # noqa: TRY301 - met by the same end
            return elf.read_elf(source)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _library(opened: Elf, loader: Loader) -> Library | None:
    if opened.kind != elf.ET_DYN or machine_of(opened) != loader.machine:
        return None
    table = dynamic.entries(opened)
    if not table:
        return None
    return Library(
        needed=dynamic.names(opened, table, dynamic.DT_NEEDED),
        versions=exports.version_definitions(opened, table),
        exports=exports.defined_symbols(opened, table) if loader.libc is Libc.MUSL else None,
    )


def machine(file: Path) -> tuple[str, str | None] | None:
    """The machine and the interpreter of a program; None for what is no ELF file."""
    try:
        with _opened(file) as opened:
            return machine_of(opened), elf.interpreter(opened)
    except (OSError, BrokenFileError):
        return None


def loaders(root: Path, known: Iterable[tuple[Libc, str, str]]) -> list[Loader]:
    """The loaders that are there, of those known as (C library, machine, path)."""
    found = []
    for libc, its_machine, path in known:
        file = inside.resolve(root, path)
        what = machine(file) if file is not None else None
        if file is not None and what is not None and what[0] == its_machine:
            found.append(Loader(libc, its_machine, path, file))
    return found
