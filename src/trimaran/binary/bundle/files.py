"""The programs inside one archive, whatever its kind."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar, overload

from trimaran.binary.bundle import deb, tar
from trimaran.binary.bundle.budget import Budget
from trimaran.binary.bundle.expand import Expanded, compression
from trimaran.binary.bundle.opened import Form, form_of, opened
from trimaran.binary.bundle.programs import Look, placed, programs
from trimaran.binary.bundle.spool import Spool
from trimaran.binary.bundle.stream import Entry, Straight
from trimaran.binary.elf import BrokenFileError, Source
from trimaran.binary.linkage import read_file
from trimaran.binary.model import File
from trimaran.errors import TrimaranError, fail

T = TypeVar("T")


def is_bundle(path: str) -> bool:
    """Whether programs may be inside: an archive by its first bytes, or a folder with an image layout."""
    return form_of(path) is not None


@overload
def files_in(path: str) -> Iterator[File | TrimaranError]: ...
@overload
def files_in(path: str, look: Callable[[str, Source], T]) -> Iterator[T | TrimaranError]: ...
def files_in(path: str, look: Look[Any] = read_file) -> Iterator[Any]:
    """One result for each program inside an archive, in the archive's order, while it is read.

    An error stands in the place of a program that cannot be read. When the archive itself is broken, one
    error is the last result; when there is no program inside, it is the only one.

    Args:
        look: what to make of each; it gets the path (`pkg.deb!/usr/bin/x`) and the bytes, which are there
            only until it returns. A TrimaranError, BrokenFileError or NotStartedError of it is a result.
    """
    count = 0
    try:
        with closing(Spool()) as spool:
            for result in _results(path, look, spool):
                count += 1
                yield result
        if not count:
            raise fail("TRM0211", "there is no program inside", "inspect reads Linux programs (ELF)")
    except TrimaranError as error:
        yield placed(error, path)
    except BrokenFileError as error:
        yield placed(fail("TRM0212", error.what, "copy or download it again"), path)
    except (OSError, ValueError) as error:
        what = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
        yield placed(fail("TRM0201", f"cannot read it: {what}", "check that the file system is well"), path)


def _results(path: str, look: Look[T], spool: Spool) -> Iterator[T | TrimaranError]:
    form = form_of(path)
    with opened(path) as source:
        yield from programs(path, _entries(form, source), look, spool)


def _entries(form: str | None, source: Source) -> Iterator[Entry]:
    budget, stream = Budget(), Straight(source)
    if form == Form.DEB:
        return deb.entries(stream, budget)
    if form == Form.TAR:
        return tar.entries(stream, budget)
    kind = compression(source.at(0, min(16, source.size)))
    if kind:
        return tar.entries(Expanded(stream, kind, budget), budget)
    raise fail("TRM0218", "not an archive that is read", "see the list")
