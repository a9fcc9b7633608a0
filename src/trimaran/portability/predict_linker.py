"""What a C compiler would link a program with, from its own dry run (`CC -###`). Pure.

Nothing is compiled for that: gcc and clang print the linker's command line, with the dynamic linker's name,
the startup files and the folders of libraries.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

# The object that stands for the program on the dry run's command line.
STAND_IN = "trimaran-stand-in.o"
LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LinkLine:
    """The command line of a linker, as far as it matters here.

    Args:
        interpreter: what it writes as the program's interpreter; None for a static program.
        startup: object files of the compiler itself, in their order.
        folders: where libraries are looked for, in their order.
        libraries: names of the libraries that every program is linked with, as `c` and `gcc`.
    """

    interpreter: str | None
    startup: tuple[str, ...]
    folders: tuple[str, ...]
    libraries: tuple[str, ...]


def read(text: str) -> LinkLine | None:
    """The linker's line from what `CC -###` prints; None when there is none."""
    for line in reversed(text.splitlines()):
        if STAND_IN in line and len(line) <= LINE_BYTES:
            try:
                words = shlex.split(line)
            except ValueError:
                continue
            if "-o" in words and STAND_IN in words:
                return _line(words)
    return None


def _line(words: Sequence[str]) -> LinkLine:
    interpreter = None
    for flag in ("-dynamic-linker", "--dynamic-linker"):
        if flag in words[:-1]:
            interpreter = words[words.index(flag) + 1]
    return LinkLine(
        interpreter,
        startup=tuple(word for word in words if word.endswith(".o") and word != STAND_IN and "/" in word),
        folders=tuple(word[2:] for word in words if word.startswith("-L") and len(word) > 2),
        libraries=tuple(dict.fromkeys(word[2:] for word in words if _is_library(word))),
    )


def _is_library(word: str) -> bool:
    return word.startswith("-l") and len(word) > 2 and "=" not in word


def script_files(text: str) -> tuple[str, ...]:
    """The files that a linker script, as glibc's libc.so is one, names in GROUP and INPUT.

    Those in AS_NEEDED are left out: most programs come to need none of them.
    """
    text = re.sub(r"/\*.*?\*/", " ", text[:LINE_BYTES], flags=re.DOTALL)
    text = re.sub(r"\bAS_NEEDED\s*\([^()]*\)", " ", text)
    found = re.findall(r"\b(?:GROUP|INPUT)\s*\(((?:[^()]|\([^()]*\))*)\)", text)
    return tuple(" ".join(found).replace("(", " ").replace(")", " ").replace(",", " ").split())


def asked_libraries(flags: Sequence[str]) -> tuple[str, ...]:
    """Names that `-l` flags ask for, in their order."""
    return tuple(dict.fromkeys(flag[2:] for flag in flags if flag.startswith("-l") and len(flag) > 2))


def asked_folders(flags: Sequence[str]) -> tuple[str, ...]:
    """Folders that `-L` flags name, in their order."""
    return tuple(dict.fromkeys(flag[2:] for flag in flags if flag.startswith("-L") and len(flag) > 2))


def asked_archives(flags: Sequence[str]) -> tuple[str, ...]:
    """Static libraries that flags name by their path."""
    return tuple(dict.fromkeys(flag for flag in flags if flag.endswith(".a") and not flag.startswith("-")))
