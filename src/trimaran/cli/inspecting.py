"""From what the user names to what is said of each file: directories are walked, packages read."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from trimaran.binary import File, Judge, Kind, Outcome, Verdict
from trimaran.binary.reader import Look, headers, look_at
from trimaran.binary.report import Inspected
from trimaran.binary.walk import walk
from trimaran.errors import Problem, TrimaranError, Where, fail
from trimaran.facts import Distribution

if TYPE_CHECKING:
    from trimaran.binary.wants import Want

# Of a directory's files, those are no programs; a file that the user names is refused with the reason.
_PASSED_OVER = frozenset({"TRM0202", "TRM0203", "TRM0204", "TRM0207", "TRM0211"})
# What packages, archives and images are named.
_PACKAGES = (
    ".deb", ".rpm", ".apk", ".whl", ".jar", ".zip", ".tar",
    ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".tzst",
)  # fmt: skip
_KNOWN = 512
_needs = attrgetter(
    *(each.name for each in fields(File) if each.name not in {"path", "size_bytes", "origin"})
)
_Looked = tuple[File, "tuple[Want, ...] | None"]


class Item(NamedTuple):
    """A file to inspect.

    Args:
        found: whether it was found in a directory; otherwise the user named it.
    """

    path: str
    found: bool = False


class Answer(NamedTuple):
    """What is said of one file, ready to print, and what it means for the exit status.

    Args:
        text: empty when there is nothing to print.
        doubtful: whether a verdict is not `runs`; of a library that was found beside programs, whether
            one is `fails`.
        passed_over: whether it is no program, and nobody said it were.
        package: the item, when what is to be inspected is inside of it.
    """

    text: str = ""
    doubtful: bool = False
    problems: tuple[Problem, ...] = ()
    passed_over: bool = False
    package: Item | None = None


@dataclass(frozen=True)
class Job:
    """How files are inspected.

    Args:
        say: what is printed of one file; told whether it is one of many.
        wants: whether to look for what a program may ask for while it runs.
        measured: ids of those of `chosen` that were measured in a root file system at hand.
    """

    chosen: Sequence[Distribution]
    say: Callable[[Inspected, bool], str]
    wants: bool = False
    measured: frozenset[str] = frozenset()
    _known: dict[tuple[object, ...], tuple[Verdict, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def look(self) -> Look[_Looked]:
        """What is read of a file."""
        if not self.wants:
            asked = self._judge.asks_symbols
            return lambda name, source: (headers(name, source, asked=asked), None)
        from trimaran.binary.wantsread import look

        return look

    def answer(self, item: Item) -> Answer:
        """What is said of a file."""
        try:
            return self._said(look_at(item.path, self.look), item.found)
        except TrimaranError as error:
            if _may_hold_programs(error, item):
                return Answer(package=item)
            return _refused(error, item.found)

    def inside(self, item: Item) -> Iterator[Answer]:
        """What is said of each program in a package."""
        from trimaran.binary.bundle import located

        for origin, looked in located(item.path, self.look):
            if isinstance(looked, TrimaranError):
                yield _refused(looked, item.found)
            else:
                file, wants = looked
                yield self._said((replace(file, origin=origin), wants), found=True)

    def _said(self, looked: _Looked, found: bool) -> Answer:
        file, wants = looked
        given = self._judged(file)
        doubtful = any(verdict.outcome is not Outcome.RUNS for verdict in given)
        if found and file.kind is Kind.LIBRARY:
            doubtful = any(verdict.outcome is Outcome.FAILS for verdict in given)
        return Answer(self.say(Inspected(file, given, wants, self.measured), found), doubtful)

    def _judged(self, file: File) -> tuple[Verdict, ...]:
        # Of many files, one in four needs exactly what another needs.
        needs = _needs(file)
        found = self._known.get(needs)
        if found is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            found = self._known[needs] = self._judge.verdicts(file)
        return found

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.chosen)


def _may_hold_programs(error: TrimaranError, item: Item) -> bool:
    if error.problems[0].code not in {"TRM0202", "TRM0204"}:
        return False
    # Of a directory's files, many begin like an archive and are none: only those named like one are opened.
    if item.found and not item.path.lower().endswith(_PACKAGES):
        return False
    from trimaran.binary.bundle import is_bundle

    return is_bundle(item.path)


def _refused(error: TrimaranError, found: bool) -> Answer:
    if found and all(problem.code in _PASSED_OVER for problem in error.problems):
        return Answer(passed_over=True)
    return Answer(problems=error.problems)


def items(names: Sequence[str]) -> Iterator[Item | TrimaranError]:
    """What the names stand for, in their order; folders that cannot be read come as errors."""
    for name in names:
        if name == "-":
            what = "standard input cannot be inspected: headers stand at both ends of a program"
            yield fail("TRM0202", what, "name the program's file", Where("-"))
        elif is_folder(name):
            yield from _walked(name)
        else:
            yield Item(name)


def is_folder(name: str) -> bool:
    """Whether it is a directory to walk; one with an image's layout is a package."""
    if not os.path.isdir(name):  # noqa: PTH112 - a Path cannot hold every name
        return False
    from trimaran.binary.bundle import is_bundle

    return not is_bundle(name)


def _walked(folder: str) -> Iterator[Item | TrimaranError]:
    for path in walk(folder):
        yield path if isinstance(path, TrimaranError) else Item(path, found=True)
