"""Reads what C compilers and linkers print when something is missing. Pure.

The texts are those of GCC with GNU ld, of Clang with lld, and of Zig.
"""

import re
import struct
from dataclasses import dataclass

_HEADER = re.compile(
    r"fatal error: '?([^\s:']+)'?(?:: No such file| file not found)"
    r"|no include path in which to search for (\S+)"
)
_STARTUP = re.compile(
    r"cannot (?:find|open) (?:\S*/)?((?:crt1|Scrt1|rcrt1|gcrt1|crti|crtn|crtbegin\w*|crtend\w*)\.o)"
)
_LIBRARY = re.compile(
    r"cannot find -l(\S+?):? |cannot find -l(\S+)|unable to find library -l(\S+)"
    r"|unable to find (?:dynamic|static) system library [\"'](\S+?)[\"']"
    r"|cannot find (\S*lib\S+\.so[.\d]*) inside"
)
_LINKER = re.compile(
    r"cannot find '?ld'?$|collect2: fatal error: cannot find|unable to execute command.*ld", re.M
)
_FOREIGN = re.compile(
    r"skipping incompatible|incompatible with|wrong format|Relocations in generic ELF|is incompatible"
    r"|unrecognized command-line option .-m(?:64|32|arm|thumb|abi)|unknown target CPU|unsupported option",
    re.I,
)
_MACHINES = {3: "i386", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}


@dataclass(frozen=True, slots=True)
class Lack:
    """What a compilation lacked.

    Args:
        what: `headers`, `kernel-headers`, `startup`, `library`, `linker`, `machine` or `other`.
        name: the file or library; empty when none is named.
    """

    what: str
    name: str = ""


def lack(text: str) -> Lack:
    """What is missing, from all that a compiler printed when it failed."""
    header = _HEADER.search(text)
    if header:
        name = header[1] or header[2]
        kernel = name.startswith(("linux/", "asm/", "asm-generic/"))
        return Lack("kernel-headers" if kernel else "headers", name)
    for what, pattern in (("startup", _STARTUP), ("library", _LIBRARY)):
        found = pattern.search(text)
        if found:
            return Lack(what, next(group for group in found.groups() if group))
    if _LINKER.search(text):
        return Lack("linker", "ld")
    if _FOREIGN.search(text):
        return Lack("machine")
    return Lack("other")


def machine(start: bytes) -> str:
    """The machine of an object file, from its first 20 bytes; empty when it is no ELF file."""
    if len(start) < 20 or not start.startswith(b"\x7fELF") or start[5] not in (1, 2):
        return ""
    number = struct.unpack_from("<H" if start[5] == 1 else ">H", start, 18)[0]
    if number == 21 and start[5] == 1:
        return "ppc64le"
    return _MACHINES.get(number, f"unknown-{number}")


def words(text: str) -> list[str]:
    """A command as Go reads it from CC: blanks part words, quotes keep them together (cmd/internal/quoted).

    Raises ValueError when a quotation does not end, as Go refuses it.
    """
    found: list[str] = []
    text = text.strip(" \t\r\n")
    while text:
        mark = text[0]
        if mark in "'\"":
            end = text.find(mark, 1)
            if end < 0:
                raise ValueError(f"unterminated {mark} string")
            word, text = text[1:end], text[end + 1 :]
        else:
            word = re.split(r"[ \t\r\n]", text, maxsplit=1)[0]
            text = text[len(word) :]
        found.append(word)
        text = text.lstrip(" \t\r\n")
    return found


def shown(text: str, most: int = 3) -> tuple[str, ...]:
    """The lines worth showing: errors first, else the first ones."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|cannot|unable|not found|undefined", line)]
    return tuple((telling or lines)[:most])
