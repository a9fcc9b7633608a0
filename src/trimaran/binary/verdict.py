"""Decides whether a file starts on a distribution. Pure: a file and a distribution in, a verdict out.

The rules stand in the order in which the kernel and the loader meet them. The first that fails decides;
when none fails, the first that cannot be answered does; when all are answered, the program runs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from posixpath import basename

from trimaran.binary.model import File, Kind, Outcome, Rule, Verdict, VersionNeed, glibc_number, number
from trimaran.facts.model import Distribution, GoKernel, Libc

_DT_RELR_MARKER = "GLIBC_ABI_DT_RELR"
_FAILS, _UNKNOWN = Outcome.FAILS, Outcome.UNKNOWN
# musl's loader takes these names, with any ending, for itself (ldso/dynlink.c, `reserved`).
_MUSL_ITSELF = frozenset({"libc", "libpthread", "librt", "libm", "libdl", "libutil", "libxnet"})


@dataclass(frozen=True, slots=True)
class _Finding:
    outcome: Outcome
    rule: Rule
    reason: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class _Needs:
    """What follows from the file alone, worked out once for all distributions."""

    file: File
    glibc: tuple[int, ...] | None
    other_versions: tuple[VersionNeed, ...]
    cpu: int

    @classmethod
    def of(cls, file: File) -> "_Needs":
        others = tuple(
            need
            for need in file.versions
            # The rule for packed relocations answers for this marker.
            if glibc_number(need.version) is None and need.version != _DT_RELR_MARKER
        )
        return cls(file, number(file.glibc_floor or ""), others, cpu_level(file))


def verdicts(file: File, distributions: Iterable[Distribution]) -> tuple[Verdict, ...]:
    """One verdict for each distribution, in the given order."""
    needs = _Needs.of(file)
    return tuple(_decide(needs, distribution) for distribution in distributions)


def verdict(file: File, distribution: Distribution) -> Verdict:
    """Whether the file starts on the distribution's base system, on hardware of the file's own machine."""
    return _decide(_Needs.of(file), distribution)


def _decide(needs: _Needs, distribution: Distribution) -> Verdict:
    unknown: _Finding | None = None
    for rule in _RULES:
        found = rule(needs, distribution)
        if found is None:
            continue
        if found.outcome is _FAILS or rule in _STOP:
            return _verdict(distribution, unknown if unknown and found.outcome is not _FAILS else found)
        unknown = unknown or found
    return _verdict(distribution, unknown or _runs(needs.file, distribution))


def _verdict(distribution: Distribution, found: _Finding) -> Verdict:
    reason = f"{found.reason}; there: {found.found}" if found.found else found.reason
    return Verdict(distribution.id, found.outcome, found.rule, reason, found=found.found)


def _libc(distribution: Distribution) -> str:
    return f"{distribution.libc} {distribution.libc_version}"


def _kind(needs: _Needs, _: Distribution) -> _Finding | None:
    if needs.file.kind is Kind.LIBRARY:
        return _Finding(_UNKNOWN, Rule.KIND, "a shared library is loaded by a program, not started")
    return None


def _machine(needs: _Needs, distribution: Distribution) -> _Finding | None:
    file = needs.file
    if file.machine in distribution.interpreters:
        return None
    return _Finding(_UNKNOWN, Rule.MACHINE, f"nothing is known about this distribution on {file.machine}")


def _interpreter(needs: _Needs, distribution: Distribution) -> _Finding | None:
    file = needs.file
    if file.interpreter is None or file.kind is Kind.LIBRARY:
        return None
    if file.interpreter == distribution.interpreters[file.machine]:
        return None
    other = distribution.elsewhere.get(basename(file.interpreter))
    if other is not None:
        reason = f'{file.interpreter}, its interpreter, belongs to {other}: the kernel answers "not found"'
        return _Finding(_FAILS, Rule.INTERPRETER, reason, f"{distribution.libc}")
    reason = f"no fact says whether {file.interpreter}, its interpreter, is there"
    return _Finding(_UNKNOWN, Rule.INTERPRETER, reason)


def _library(needs: _Needs, distribution: Distribution) -> _Finding | None:
    file = needs.file
    missing = [name for name in file.needed if not _has(name, file, distribution)]
    for name in missing:
        other = distribution.elsewhere.get(name)
        if other is not None and not file.runpath:
            reason = f"needs {name}, which belongs to {other}"
            return _Finding(_FAILS, Rule.LIBRARY, reason, str(distribution.libc))
    if not missing:
        return None
    names = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    return _Finding(_UNKNOWN, Rule.LIBRARY, f"needs {names}, which the base system may lack")


def _has(name: str, file: File, distribution: Distribution) -> bool:
    if name == basename(distribution.interpreters[file.machine]):
        return True
    if distribution.libc is Libc.MUSL and name.partition(".")[0] in _MUSL_ITSELF:
        return True
    return name in distribution.libraries


def _symbol_version(needs: _Needs, distribution: Distribution) -> _Finding | None:
    if distribution.libc is not Libc.GLIBC:
        return None
    file, here = needs.file, number(distribution.libc_version)
    if needs.glibc and here and needs.glibc > here:
        # A library beside the program may be its own libc.
        outcome = _UNKNOWN if file.runpath else _FAILS
        return _Finding(outcome, Rule.SYMBOL_VERSION, f"needs GLIBC_{file.glibc_floor}", _libc(distribution))
    for need in needs.other_versions:
        if _has(need.library, file, distribution):
            reason = f"no fact says whether {need.version} of {need.library} is there"
            return _Finding(_UNKNOWN, Rule.SYMBOL_VERSION, reason)
    return None


def _relocation(needs: _Needs, distribution: Distribution) -> _Finding | None:
    file = needs.file
    if not file.relr or file.interpreter is None:
        return None
    here, since, lacking = (
        number(version or "")
        for version in (distribution.libc_version, distribution.relr_since, distribution.relr_lacking)
    )
    if here and since and here >= since:
        return None
    outcome = _FAILS if here and lacking and here <= lacking else _UNKNOWN
    reason = (
        f"has packed relocations (DT_RELR), which {distribution.libc} reads since {distribution.relr_since}"
    )
    return _Finding(outcome, Rule.RELOCATION, reason, _libc(distribution))


def _symbol(needs: _Needs, distribution: Distribution) -> _Finding | None:
    file = needs.file
    if distribution.libc is not Libc.MUSL or file.interpreter is None:
        return None
    if file.undefined is None or distribution.symbols is None:
        return _Finding(_UNKNOWN, Rule.SYMBOL, "cannot tell which symbols are missing", _libc(distribution))
    if file.machine != "x86_64":
        return _Finding(
            _UNKNOWN, Rule.SYMBOL, "what musl exports is only known for x86_64", _libc(distribution)
        )
    missing = sorted(set(file.undefined) - distribution.symbols)
    if not missing:
        return None
    names = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    others = [name for name in file.needed if name.partition(".")[0] not in _MUSL_ITSELF]
    if others or file.runpath:
        reason = f"no fact says whether {others[0] if others else 'its own folder'} brings {names}"
        return _Finding(_UNKNOWN, Rule.SYMBOL, reason)
    return _Finding(_FAILS, Rule.SYMBOL, f"needs {names}", f"not in {_libc(distribution)}")


def _cpu_level(needs: _Needs, distribution: Distribution) -> _Finding | None:
    level = needs.cpu
    if level <= distribution.cpu:
        return None
    return _Finding(
        _UNKNOWN,
        Rule.CPU_LEVEL,
        f"built for x86-64-v{level} (GOAMD64=v{level}): starts only on a CPU that has it",
        f"x86-64-v{distribution.cpu} is enough for the distribution",
    )


def cpu_level(file: File) -> int:
    """The x86-64 level that a Go program checks for at its start, 1 to 4; 1 for other programs."""
    value = file.go.setting("GOAMD64") if file.go is not None and file.machine == "x86_64" else None
    level = (value or "v1").removeprefix("v")
    return int(level) if level in {"1", "2", "3", "4"} else 1


def _kernel(needs: _Needs, distribution: Distribution) -> _Finding | None:
    if distribution.kernel is None:
        return None
    needed = linux_floor(needs.file, distribution.go_kernels)
    here, floor = number(distribution.kernel), number(needed or "")
    if here and floor and here < floor:
        return _Finding(_FAILS, Rule.KERNEL, f"needs Linux {needed}", f"Linux {distribution.kernel}")
    return None


def linux_floor(file: File, kernels: Iterable[GoKernel]) -> str | None:
    """The oldest Linux that the program's Go release starts on, as `3.2`; None when not known."""
    minor = file.go.minor if file.go is not None else None
    if minor is None:
        return None
    return next((entry.linux for entry in reversed(tuple(kernels)) if entry.first <= minor), None)


def _runs(file: File, distribution: Distribution) -> _Finding:
    if file.interpreter is None:
        cgo = file.go is not None and file.go.setting("CGO_ENABLED") == "1"
        # Starting is not all: a static glibc opens libnss_* of its own release for user and host names.
        more = (
            "; glibc, where it is linked in, still loads its name services (NSS) while it runs" if cgo else ""
        )
        return _Finding(Outcome.RUNS, Rule.STATIC, f"needs no interpreter and no library{more}")
    if distribution.libc is Libc.MUSL and file.needed:
        return _Finding(Outcome.RUNS, Rule.SYMBOL, "every symbol that it needs is there", _libc(distribution))
    if file.glibc_floor is not None:
        return _Finding(
            Outcome.RUNS, Rule.SYMBOL_VERSION, f"needs GLIBC_{file.glibc_floor}", _libc(distribution)
        )
    if file.needed:
        return _Finding(Outcome.RUNS, Rule.LIBRARY, "its interpreter and its libraries are there")
    return _Finding(Outcome.RUNS, Rule.INTERPRETER, "needs its interpreter and no library")


_RULES: tuple[Callable[[_Needs, Distribution], _Finding | None], ...] = (
    _kind,
    _machine,
    _interpreter,
    _library,
    _symbol_version,
    _relocation,
    _symbol,
    _cpu_level,
    _kernel,
)
# What cannot be answered here leaves nothing for the rules behind it to look at.
_STOP = (_machine, _interpreter)
