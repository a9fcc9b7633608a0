"""Decides whether a file starts on a distribution. Pure: a file and a distribution in, a verdict out.

The rules stand in the order in which the kernel and the loader meet them. The first that fails decides;
when none fails, the first that cannot be answered does; when all are answered, the program runs.

`verdict_start` holds the rules of the kernel and the processor, `verdict_link` those of the loader,
`verdict_later` those of what comes after the start.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from operator import attrgetter

from trimaran.binary import verdict_later, verdict_link, verdict_start
from trimaran.binary.model import File, Kind, Outcome, Rule, Verdict
from trimaran.binary.verdict_needs import Conditions, Finding, Needs, cpu_level, libc_of
from trimaran.binary.verdict_start import linux_floor
from trimaran.facts.model import Distribution, Libc

__all__ = ["Conditions", "Judge", "cpu_level", "linux_floor", "verdict", "verdicts"]

_Rule = Callable[[Needs, Distribution], Finding | None]
_NOTHING_KNOWN = Conditions()
# What the first rules look at; many distributions have it in common.
_GROUND = ("libc", "interpreters", "libraries", "elsewhere", "base", "inventory")
_NAMES = ("id", "name", "source", "checked")
_ground = attrgetter(*_GROUND)
_rest = attrgetter(*(each.name for each in fields(Distribution) if each.name not in {*_GROUND, *_NAMES}))


def verdicts(
    file: File, distributions: Iterable[Distribution], conditions: Conditions = _NOTHING_KNOWN
) -> tuple[Verdict, ...]:
    """One verdict for each distribution, in the given order."""
    return Judge(distributions).verdicts(file, conditions)


def verdict(file: File, distribution: Distribution, conditions: Conditions = _NOTHING_KNOWN) -> Verdict:
    """Whether the file starts on the distribution's base system, or in the root that was measured.

    A shared library "runs" where the loader can load it. Without conditions, the hardware is of the file's
    own machine and nothing more is known about it.
    """
    return Judge((distribution,)).verdicts(file, conditions)[0]


class Judge:
    """Judges any number of files for the same distributions.

    What distributions have in common is asked once for all of them: those that differ in name alone are
    one, and those that differ in their C library's release, in the kernel or in the processor share the
    rules that look at neither.
    """

    def __init__(self, distributions: Iterable[Distribution]) -> None:
        self._grounds: list[list[tuple[int, Distribution]]] = []
        self._places: list[tuple[str, int]] = []
        judged = 0
        for each in distributions:
            ground = next((one for one in self._grounds if _ground(one[0][1]) == _ground(each)), None)
            if ground is None:
                self._grounds.append(ground := [])
            place = next((place for place, other in ground if _rest(other) == _rest(each)), None)
            if place is None:
                place, judged = judged, judged + 1
                ground.append((place, each))
            self._places.append((each.id, place))

    def asks_symbols(self, machine: str, needed: Sequence[str]) -> bool:
        """Whether the symbols can decide for a file that needs these libraries; if not, none need be read.

        They are asked with musl alone, and where a library is missing, that decides before.
        """
        return any(verdict_link.asks_symbols(machine, needed, ground[0][1]) for ground in self._grounds)

    def verdicts(self, file: File, conditions: Conditions = _NOTHING_KNOWN) -> tuple[Verdict, ...]:
        """One verdict for each distribution, in the order in which they were given."""
        needs = Needs.of(file, conditions)
        told: dict[int, Verdict] = {}
        first, last = _asked(needs, _FIRST), _asked(needs, _LAST)
        for ground in self._grounds:
            unknown, ends = _ask(needs, first, ground[0][1], None)
            for place, distribution in ground:
                found = unknown if ends else _ask(needs, last, distribution, unknown)[0]
                told[place] = _verdict(distribution, found or _runs(needs, distribution))
        return tuple(
            told[place] if told[place].distribution == name else Verdict(name, *told[place][1:])
            for name, place in self._places
        )


def _ask(
    needs: Needs, rules: Sequence[_Rule], distribution: Distribution, unknown: Finding | None
) -> tuple[Finding | None, bool]:
    """What decides so far, and whether nothing behind these rules is to be asked.

    Args:
        unknown: what earlier rules could not answer.
    """
    for rule in rules:
        found = rule(needs, distribution)
        if found is None:
            continue
        if found.outcome is Outcome.FAILS:
            return found, True
        unknown = unknown or found
        if rule in _STOP:
            return unknown, True
    return unknown, False


def _asked(needs: Needs, rules: Sequence[_Rule]) -> tuple[_Rule, ...]:
    """Those of the rules that may find something: most files ask little."""
    file = needs.file
    loaded = file.interpreter is not None or file.kind is Kind.LIBRARY
    # What stands beside a file has needs of its own.
    beside = needs.conditions.place is not None
    asked: dict[_Rule, bool] = {
        verdict_link.library: bool(file.needed),
        verdict_link.other_version: bool(needs.other_versions),
        verdict_link.symbol_version: bool(file.versions) or beside,
        verdict_link.relocation: loaded and (file.relr or file.ifunc or beside),
        verdict_link.symbol: loaded,
        verdict_start.cpu_level: max(needs.cpu, file.isa) > 1,
        verdict_start.kernel: file.kernel_checked or file.interpreter is not None or file.go is not None,
        verdict_later.stub: bool(file.stubs),
        verdict_later.name_service: file.static_glibc is not None,
    }
    return tuple(rule for rule in rules if asked.get(rule, True))


def _verdict(distribution: Distribution, found: Finding) -> Verdict:
    reason = f"{found.reason}; there: {found.found}" if found.found else found.reason
    return Verdict(distribution.id, found.outcome, found.rule, reason, found=found.found)


def _runs(needs: Needs, distribution: Distribution) -> Finding:
    """The last rule that had something to compare."""
    file = needs.file
    runs, library = Outcome.RUNS, file.kind is Kind.LIBRARY
    if file.interpreter is None and not library:
        # Starting is not all: a static glibc opens libnss_* of its own release for user and host names.
        more = "; the glibc in it still loads name services (NSS) while it runs" if file.name_services else ""
        return Finding(runs, Rule.STATIC, f"needs no interpreter and no library{more}")
    if distribution.libc is Libc.MUSL and file.needed:
        return Finding(runs, Rule.SYMBOL, "every symbol that it needs is there", libc_of(distribution))
    if needs.floor is not None:
        return Finding(runs, Rule.SYMBOL_VERSION, f"needs GLIBC_{needs.floor}", libc_of(distribution))
    if file.needed:
        more = "its libraries are there" if library else "its interpreter and its libraries are there"
        return Finding(runs, Rule.LIBRARY, more)
    if library:
        return Finding(runs, Rule.KIND, "a shared library that needs no other")
    return Finding(runs, Rule.INTERPRETER, "needs its interpreter and no library")


# These look at nothing of a distribution but `_GROUND`.
_FIRST: tuple[_Rule, ...] = (
    verdict_start.kind,
    verdict_start.machine,
    verdict_start.interpreter,
    verdict_link.library,
    verdict_link.other_version,
)
_LAST: tuple[_Rule, ...] = (
    verdict_link.symbol_version,
    verdict_link.relocation,
    verdict_link.symbol,
    verdict_start.cpu_level,
    verdict_start.kernel,
    verdict_later.stub,
    verdict_later.name_service,
)
# What cannot be answered here leaves nothing for the rules behind it to look at.
_STOP = (verdict_start.machine, verdict_start.interpreter)
