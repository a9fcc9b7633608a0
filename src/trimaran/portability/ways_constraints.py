"""Go's build constraints: which files of a package are compiled with some tags. Pure.

The rules: `go help buildconstraint`, and go/build/constraint for the syntax of a `//go:build` line.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_LINE = re.compile(r"^//go:build[ \t]+(.*)$", re.MULTILINE)
_PACKAGE = re.compile(r"^package[ \t]+\w", re.MULTILINE)
_IMPORT_C = re.compile(r'^[ \t]*(?:import[ \t]+)?"C"[ \t]*(?://.*)?$', re.MULTILINE)
_TOKEN = re.compile(r"\s*(\|\||&&|[!()]|[\w.]+)")
_MOST_TOKENS = 400
_DEEPEST = 40


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SYSTEMS = _words(
    "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 "
    "windows zos"
)
_MACHINES = _words(
    "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le "
    "ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm"
)
# Tags that the toolchain sets, not a user.
_GIVEN = _SYSTEMS | _MACHINES | {"unix", "cgo", "gc", "gccgo", "compiler_bootstrap", "ignore", "race", "msan"}


@dataclass(frozen=True, slots=True)
class GoFile:
    """A Go file of a package.

    Args:
        name: without a folder.
        constraint: its `//go:build` expression; empty without one.
        c: whether it imports "C", and so is compiled with cgo only.
        text: its beginning, for what it says of itself.
    """

    name: str
    constraint: str
    c: bool
    text: str = ""


def go_file(name: str, text: str) -> GoFile:
    """A file, read from its name and its text (or the first part of it)."""
    package = _PACKAGE.search(text)
    line = _LINE.search(text, 0, package.start() if package else len(text))
    return GoFile(name, line[1].strip() if line else "", _IMPORT_C.search(text) is not None, text)


def compiled(files: Iterable[GoFile], tags: Collection[str]) -> tuple[GoFile, ...]:
    """The files that are compiled with these tags; `cgo` among them when C may be linked in."""
    return tuple(each for each in files if _is_in(each, tags))


def platform_tags(platform: str, minor: int) -> frozenset[str]:
    """The tags that are set for a Linux platform as `linux/amd64` by Go 1.`minor`, without `cgo`."""
    system, _, machine = platform.partition("/")
    releases = {f"go1.{number}" for number in range(1, minor + 1)}
    return frozenset({system, machine, "unix", "gc", *releases})


def offered(files: Iterable[GoFile]) -> tuple[str, ...]:
    """The tags that a user could set and that some file asks about, in order."""
    found = {word for each in files for word in re.findall(r"[A-Za-z_][\w.]*", each.constraint)}
    return tuple(sorted(tag for tag in found if tag not in _GIVEN and not re.fullmatch(r"go1\.\d+", tag)))


def _is_in(file: GoFile, tags: Collection[str]) -> bool:
    if file.name.startswith(("_", ".")) or file.name.endswith("_test.go"):
        return False
    if file.c and "cgo" not in tags:
        return False
    words = file.name.removesuffix(".go").split("_")[1:]
    if words and words[-1] in _MACHINES:
        if words[-1] not in tags:
            return False
        words = words[:-1]
    if words and words[-1] in _SYSTEMS and words[-1] not in tags:
        return False
    return not file.constraint or satisfied(file.constraint, tags)


def satisfied(expression: str, tags: Collection[str]) -> bool:
    """Whether an expression of `//go:build` holds; False for one that cannot be read, as Go refuses it."""
    tokens = _tokens(expression)
    if tokens is None:
        return False
    try:
        value, rest = _either(tokens, 0, tags, 0)
    except (IndexError, ValueError):
        return False
    return value and rest == len(tokens)


def _tokens(expression: str) -> list[str] | None:
    expression = expression.partition("//")[0].strip()
    found: list[str] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or len(found) >= _MOST_TOKENS:
            return None
        found.append(match[1])
        at = match.end()
    return found or None


def _either(tokens: list[str], at: int, tags: Collection[str], deep: int) -> tuple[bool, int]:
    value, at = _both(tokens, at, tags, deep)
    while at < len(tokens) and tokens[at] == "||":
        more, at = _both(tokens, at + 1, tags, deep)
        value = value or more
    return value, at


def _both(tokens: list[str], at: int, tags: Collection[str], deep: int) -> tuple[bool, int]:
    value, at = _one(tokens, at, tags, deep)
    while at < len(tokens) and tokens[at] == "&&":
        more, at = _one(tokens, at + 1, tags, deep)
        value = value and more
    return value, at


def _one(tokens: list[str], at: int, tags: Collection[str], deep: int) -> tuple[bool, int]:
    if deep > _DEEPEST:
        raise ValueError("too deep")
    word = tokens[at]
    if word == "!":
        value, at = _one(tokens, at + 1, tags, deep + 1)
        return not value, at
    if word == "(":
        value, at = _either(tokens, at + 1, tags, deep + 1)
        if tokens[at] != ")":
            raise ValueError("no closing parenthesis")
        return value, at + 1
    if not re.fullmatch(r"[\w.]+", word):
        raise ValueError("no tag")
    return word in tags, at + 1
