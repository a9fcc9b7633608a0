"""Finds names of a Go package that only files with C declare, and who uses them. Pure.

Sources are read as gofmt leaves them: what is declared at the top of a file begins a line, or stands behind
one tab in a group. That is enough to say that a name is used and declared nowhere; whether one is hidden by
another of the same name inside a function, only a compiler knows.
"""

import re
from collections.abc import Iterable

_ALONE = re.compile(rb"^(?:func|type|var|const)[ \t]+(\w+(?:[ \t]*,[ \t]*\w+)*)", re.MULTILINE)
_GROUP = re.compile(rb"^(?:type|var|const)[ \t]*\(\n(.*?)^\)", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(rb"^\t(\w+(?:[ \t]*,[ \t]*\w+)*)", re.MULTILINE)
_WORD = re.compile(rb"\b[A-Za-z_]\w*\b")


def declared(source: bytes) -> frozenset[bytes]:
    """Names that a Go file declares for its package: functions, types, variables and constants."""
    listed = _ALONE.findall(source)
    for group in _GROUP.findall(source):
        listed += _MEMBER.findall(group)
    return frozenset(name for names in listed for name in _WORD.findall(names))


def gone(with_c: Iterable[bytes], without: Iterable[bytes]) -> frozenset[bytes]:
    """Names that the files for a build with cgo declare, and those for one without do not."""
    there = frozenset[bytes]().union(*map(declared, without))
    return frozenset[bytes]().union(*map(declared, with_c)) - there - {b"init", b"_"}


def mentioned(source: bytes, names: frozenset[bytes]) -> frozenset[bytes]:
    """Those of the names that stand anywhere in a file, as words."""
    return names & frozenset(_WORD.findall(source))


def used(source: bytes, path: str, name: str, names: frozenset[bytes]) -> frozenset[bytes]:
    """Those of a package's names that a file uses which imports it.

    Args:
        path: the package's import path.
        name: what it calls itself.
    """
    place = rb'(?:^|[(;]|\bimport\b)[ \t]*(?:((?!import\b)[\w.]+)[ \t]+)?"%b"' % re.escape(path.encode())
    imported = re.search(place, source, re.MULTILINE)
    if imported is None:
        return frozenset()
    alias = imported[1] or name.encode()
    # Names without their package in front are any names.
    if alias in {b".", b"_"}:
        return frozenset()
    return names & frozenset(re.findall(rb"\b%b\.(\w+)" % re.escape(alias), source))
