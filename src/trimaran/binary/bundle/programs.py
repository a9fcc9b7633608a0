"""Finds the programs among the entries of an archive and has them looked at, one at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from trimaran.binary.bundle.spool import Spool
from trimaran.binary.bundle.stream import Entry, Kind, cut, upto
from trimaran.binary.elf import ET_CORE, ET_REL, PT_LOAD, BrokenFileError, Source, read_elf
from trimaran.binary.linkage import NotStartedError
from trimaran.binary.model import Origin
from trimaran.errors import TrimaranError, Where, fail, printable

T = TypeVar("T")
Look = Callable[[str, Source], T]
"""What is made of one program: its path, its bytes."""

_START = 20
_LAYERED = ("folder", "archive")
_EXECUTED = 1


def programs(
    path: str, found: Iterable[Entry], look: Look[T], spool: Spool, origin: Origin
) -> Iterator[tuple[Origin, T | TrimaranError]]:
    """One result for each program among the entries, and where that stands.

    Args:
        path: what stands before `!/` in the paths of the results.
        origin: the package.
    """
    seen = set[str]()
    for entry in found:
        name = _normal(entry.name)
        place = f"{path}!/{printable(name)}"
        if name in seen and entry.kind is not Kind.DIRECTORY:
            yield origin, placed(_twice(), place)
            continue
        source = _program(entry, spool)
        if source is None or (not isinstance(source, TrimaranError) and _only_debugging(source)):
            continue
        seen.add(name)
        if ".." in name.split("/"):
            source = _outside()
        there = origin._replace(member=entry.name, layer=entry.layer[0])
        if origin.form in _LAYERED:
            there = there._replace(compression=entry.layer[1])
        result = placed(source, place) if isinstance(source, TrimaranError) else _looked(place, source, look)
        yield there, result


def _looked(place: str, source: Source, look: Look[T]) -> T | TrimaranError:
    try:
        return look(place, source)
    except TrimaranError as error:
        return placed(error, place)
    except BrokenFileError as error:
        return placed(_broken(error), place)
    except NotStartedError as error:
        return placed(fail("TRM0207", f"this is {error}", error.fix), place)


def placed(error: TrimaranError, place: str) -> TrimaranError:
    """The same error with the place that it is about, where it has none."""
    where = Where(place)
    return TrimaranError(
        *(problem if problem.where else replace(problem, where=where) for problem in error.problems),
        status=error.status,
    )


def _normal(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def _program(entry: Entry, spool: Spool) -> Source | TrimaranError | None:
    """The bytes of an entry that is a program, or why they cannot be had; None for one that is no program."""
    if entry.unread is not None:
        return entry.unread
    if entry.kind is not Kind.FILE or (entry.size is not None and entry.size < 4):
        return None
    window = None if entry.size is None else entry.body.window(entry.size)
    if window is None:
        start = upto(entry.body, _START)
        return _kept(entry, start, spool) if _starts_program(start) else None
    if window.size != entry.size:
        # The archive is cut; that is said where its next member is looked for.
        return None
    return window if _starts_program(window.at(0, min(_START, window.size))) else None


def _kept(entry: Entry, start: bytes, spool: Spool) -> Source | TrimaranError:
    source = spool.keep(start, entry.body, entry.size)
    if entry.size is not None and not isinstance(source, TrimaranError) and source.size < entry.size:
        raise cut(f"ends inside {printable(entry.name)}")
    return source


def _starts_program(start: bytes) -> bool:
    if not start.startswith(b"\x7fELF"):
        return False
    # Kernel modules, objects for a linker and core dumps are parts of packages, and nobody starts them.
    kind = int.from_bytes(start[16:18], "big" if start[5:6] == b"\x02" else "little")
    return len(start) < 18 or kind not in {ET_REL, ET_CORE}


def _only_debugging(source: Source) -> bool:
    """Whether it is what was split off a program for debuggers: its code has a place and no bytes."""
    try:
        segments = read_elf(source).segments
    except BrokenFileError:
        return False
    code = [segment.size for segment in segments if segment.kind == PT_LOAD and segment.flags & _EXECUTED]
    return bool(code) and not any(code)


def _broken(error: BrokenFileError) -> TrimaranError:
    if error.truncated:
        return fail("TRM0205", error.what, "copy or download it again")
    return fail("TRM0206", error.what, "it would not start; build it again")


def _outside() -> TrimaranError:
    return fail(
        "TRM0223",
        "a program whose name leads out of the archive is not read",
        "do not install this archive: tools differ in where they would write it",
    )


def _twice() -> TrimaranError:
    return fail(
        "TRM0224",
        "a program stands twice under this name; only the first was read",
        "pack it again: tools differ in which one they install",
    )
