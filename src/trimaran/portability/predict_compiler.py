"""Asks the C compiler that Go would use what it links with, without compiling anything."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trimaran.binary.elf import BrokenFileError
from trimaran.errors import TrimaranError
from trimaran.portability import predict_linker
from trimaran.portability.blame_files import opened
from trimaran.portability.predict_linker import STAND_IN, LinkLine
from trimaran.toolchain import gocommand
from trimaran.toolchain.gocommand import Limits
from trimaran.toolchain.situation import program

_ASKING = Limits(total_s=20)
_SCRIPT_BYTES = 1 << 16
_LIBRARIES = 1 << 10


@dataclass(frozen=True, slots=True)
class Compiler:
    """The C compiler of a build.

    Args:
        command: as CC says it, split into words.
        found: whether its program is there.
        line: what it links with; None when it does not tell.
    """

    command: tuple[str, ...]
    found: bool
    line: LinkLine | None = None

    @property
    def name(self) -> str:
        """As the user wrote it in CC."""
        return " ".join(self.command)


def ask(
    settings: Mapping[str, str],
    flags: Sequence[str],
    scratch: Path,
    env: Mapping[str, str],
    *,
    cplusplus: bool = False,
) -> Compiler:
    """The compiler of `go env`'s settings, and what it links a program with.

    Args:
        flags: what Go tells it, as `-no-pie`.
        scratch: where it runs.
        cplusplus: the one for C++ (CXX) instead of CC.
    """
    variable, usual = ("CXX", "g++") if cplusplus else ("CC", "gcc")
    try:
        command = tuple(shlex.split(settings.get(variable, ""))) or (usual,)
    except ValueError:
        return Compiler((settings.get(variable, ""),), found=False)
    found = Path(command[0]) if "/" in command[0] else program(command[0])
    if found is None or not os.access(found, os.X_OK):
        return Compiler(command, found=False)
    argv = [*command, "-###", *flags, "-o", "a.out", STAND_IN]
    try:
        finished = gocommand.run(argv, scratch, env, _silent, _ASKING)
    except TrimaranError:
        return Compiler(command, found=True)
    return Compiler(command, True, predict_linker.read(f"{finished.err}\n{finished.out}"))


def _silent(line: object) -> None:
    del line


def library(name: str, folders: Sequence[str], *, shared: bool = True) -> tuple[str, ...]:
    """The files that `-lNAME` links, as a linker finds them; empty when there are none.

    A linker script, as glibc's libc.so is one, gives the files that it names.
    """
    exact = name.removeprefix(":")
    names = (exact,) if name.startswith(":") else (*([f"lib{name}.so"] if shared else []), f"lib{name}.a")
    for folder in folders:
        for each in names:
            path = f"{folder}/{each}"
            if os.path.isfile(path):  # noqa: PTH113 - many, and most are absent
                return _real(path, folders)
    return ()


def _real(path: str, folders: Sequence[str]) -> tuple[str, ...]:
    with Path(path).open("rb") as file:
        start = file.read(_SCRIPT_BYTES)
    if start.startswith((b"\x7fELF", b"!<arch>\n")):
        return (path,)
    found: list[str] = []
    for word in predict_linker.script_files(start.decode("utf-8", "replace"))[:_LIBRARIES]:
        if word.startswith("-l"):
            # A script that names itself would never end.
            found += [each for each in _plain(word[2:], folders) if each != path]
        elif word.startswith("/"):
            found.append(word)
        else:
            found += [f"{folder}/{word}" for folder in folders if Path(folder, word).is_file()][:1]
    return tuple(found)


def _plain(name: str, folders: Sequence[str]) -> tuple[str, ...]:
    paths = (f"{folder}/lib{name}{end}" for folder in folders for end in (".so", ".a"))
    return next(((path,) for path in paths if Path(path).is_file()), ())


def soname(path: str) -> str:
    """The name that a program gets which is linked with this library; the file's own where it gives none."""
    from trimaran.binary import dynamic, elf

    try:
        with opened(path) as source:
            read = elf.read_elf(source)
            found = dynamic.names(read, dynamic.entries(read), dynamic.DT_SONAME)
    except (BrokenFileError, OSError):
        found = ()
    return found[0] if found else os.path.basename(path)  # noqa: PTH119
