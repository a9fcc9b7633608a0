"""Decides whether a file starts on a distribution. Pure: a file and a distribution in, a verdict out.

The rules stand in the order in which the kernel and the loader meet them. The first that fails decides;
when none fails, the first that cannot be answered does; when all are answered, the program runs.

`verdict_start` holds the rules of the kernel and the processor, `verdict_link` those of the loader,
`verdict_later` those of what comes after the start.
"""

from collections.abc import Callable, Iterable

from trimaran.binary import verdict_later, verdict_link, verdict_start
from trimaran.binary.model import File, Kind, Outcome, Rule, Verdict
from trimaran.binary.verdict_needs import Conditions, Finding, Needs, cpu_level, libc_of
from trimaran.binary.verdict_start import linux_floor
from trimaran.facts.model import Distribution, Libc

__all__ = ["Conditions", "cpu_level", "linux_floor", "verdict", "verdicts"]

_NOTHING_KNOWN = Conditions()


def verdicts(
    file: File, distributions: Iterable[Distribution], conditions: Conditions = _NOTHING_KNOWN
) -> tuple[Verdict, ...]:
    """One verdict for each distribution, in the given order."""
    needs = Needs.of(file, conditions)
    return tuple(_decide(needs, distribution) for distribution in distributions)


def verdict(file: File, distribution: Distribution, conditions: Conditions = _NOTHING_KNOWN) -> Verdict:
    """Whether the file starts on the distribution's base system, or in the root that was measured.

    A shared library "runs" where the loader can load it. Without conditions, the hardware is of the file's
    own machine and nothing more is known about it.
    """
    return _decide(Needs.of(file, conditions), distribution)


def _decide(needs: Needs, distribution: Distribution) -> Verdict:
    unknown: Finding | None = None
    for rule in _RULES:
        found = rule(needs, distribution)
        if found is None:
            continue
        if found.outcome is Outcome.FAILS or rule in _STOP:
            return _verdict(
                distribution, unknown if unknown and found.outcome is not Outcome.FAILS else found
            )
        unknown = unknown or found
    return _verdict(distribution, unknown or _runs(needs, distribution))


def _verdict(distribution: Distribution, found: Finding) -> Verdict:
    reason = f"{found.reason}; there: {found.found}" if found.found else found.reason
    return Verdict(distribution.id, found.outcome, found.rule, reason, found=found.found)


def _runs(needs: Needs, distribution: Distribution) -> Finding:
    """The last rule that had something to compare."""
    file = needs.file
    runs, library = Outcome.RUNS, file.kind is Kind.LIBRARY
    if file.interpreter is None and not library:
        cgo = file.name_services or (file.go is not None and file.go.setting("CGO_ENABLED") == "1")
        # Starting is not all: a static glibc opens libnss_* of its own release for user and host names.
        more = (
            "; glibc, where it is linked in, still loads its name services (NSS) while it runs" if cgo else ""
        )
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


_RULES: tuple[Callable[[Needs, Distribution], Finding | None], ...] = (
    verdict_start.kind,
    verdict_start.machine,
    verdict_start.interpreter,
    verdict_link.library,
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
