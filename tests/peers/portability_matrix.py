"""The matrix: each program of the collections, predicted and run in each root file system at hand.

`python -m tests.peers.portability_matrix --write` runs all of it and writes docs/portability-matrix.md; the
tests run it too, one group each, and compare.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from tests.peers import portability_debian, portability_made, portability_sources
from tests.rootfs import CACHE, at_hand, rootfs

from trimaran.binary import NameService, Outcome, Rule
from trimaran.portability.verify import How, Limits, Proof, verify
from trimaran.rootfs import Root, roots

PAGE = portability_sources.REPOSITORY / "docs/portability-matrix.md"
_GROUPS = {
    "go": "Go programs, built here in every mode",
    "debian": "Programs of Debian's packages",
    "made": "Programs that ask for one thing, and machines that lack one",
}
# Numbers of machines in ELF that no kernel here starts and no emulator plays.
_STRANGE = {"ia64": 50, "vax": 75, "avr": 83, "arc": 195, "bpf": 247}
_LEVELS = ("v2", "v3", "v4")
_ISA = tuple(f"c-isa-{level}" for level in _LEVELS)
_EMPLOYEES = NameService.ENTERPRISE
_NOBODY = ("-c", "echo ~root")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the matrix: a program, what it is started with, and under which conditions."""

    name: str
    program: Callable[[], Path]
    arguments: tuple[str, ...] = ()
    patience_s: float = 10
    environment: Mapping[str, str] = field(default_factory=dict)
    variant: NameService = NameService.PLAIN
    cpu: str = ""
    old_kernel: bool = False


def entries(group: str) -> list[Entry]:
    """The lines of one group, by name."""
    found = {"go": _go, "debian": _debian, "made": _made}[group]()
    return sorted(found, key=lambda entry: entry.name)


def _go() -> Iterable[Entry]:
    for name, source in portability_sources.SOURCES.items():
        # What asks for a newer processor meets the emulator's (see `_made`), not whichever this machine has.
        for way in (each for each in source.builds if each not in _LEVELS):
            program = partial(portability_sources.built, name, way)
            yield Entry(f"{name}, {way}", program, source.arguments, min(source.patience_s, 10))


def _debian() -> Iterable[Entry]:
    for each in portability_debian.PROGRAMS:
        for suite in each.suites:
            release = portability_debian.SUITES[suite]
            name = f"{each.package} {Path(each.path).name}, {release}"
            program = partial(_packaged, each, suite)
            yield Entry(name, program, each.arguments, each.patience_s, dict(each.environment))


def _packaged(each: portability_debian.Packaged, suite: str) -> Path:
    portability_debian.collect()
    return portability_debian.program(each, suite)


def _named(package: str, suite: str) -> Callable[[], Path]:
    found = [each for each in portability_debian.PROGRAMS if each.package == package and suite in each.suites]
    return partial(_packaged, found[0], suite)


def _made() -> Iterable[Entry]:
    made, built = portability_made.made, portability_sources.built
    yield from (Entry(name, partial(made, name)) for name in portability_made.MADE if name not in _ISA)
    for name in ("c-users-static", "c-users-static-pie", "c-hosts-static", "c-users-musl"):
        yield Entry(f"{name}, enterprise names", partial(made, name), variant=_EMPLOYEES)
    for way in ("pure", "static", "static-pie"):
        account = partial(built, "account", way)
        yield Entry(f"account, {way}, enterprise names", account, variant=_EMPLOYEES)
    for suite in ("bullseye", "trixie"):
        bash, release = _named("bash-static", suite), portability_debian.SUITES[suite]
        yield Entry(f"bash-static, {release}, enterprise names", bash, _NOBODY, variant=_EMPLOYEES)
    for name, number in _STRANGE.items():
        yield Entry(f"tiny for {name}", partial(_strange, name, number))
    for level in ("v1", "v2", "v3"):
        yield from (
            Entry(f"tiny, {way}, on {level}", partial(built, "tiny", way), cpu=level) for way in _LEVELS
        )
        yield from (Entry(f"{name}, on {level}", partial(made, name), cpu=level) for name in _ISA)
    yield from _old_kernels()
    yield from _alpines()


def _old_kernels() -> Iterable[Entry]:
    for each in portability_debian.PROGRAMS:
        if each.package in {"age", "bash-static", "zsh-static"} and "bullseye" in each.suites:
            yield Entry(
                f"{each.package}, debian-11, old kernel", partial(_packaged, each, "bullseye"),
                each.arguments, old_kernel=True,
            )  # fmt: skip
    for name in ("c", "c-static", "c-musl-static"):
        yield Entry(f"{name}, old kernel", partial(portability_made.made, name), old_kernel=True)


def _alpines() -> Iterable[Entry]:
    root = rootfs("alpine-3.23")
    yield Entry("busybox of alpine-3.23", (root / "bin/busybox").resolve, ("id", "-u"))
    yield Entry("apk of alpine-3.23", (root / "sbin/apk").resolve, ("--print-arch",))


def _strange(name: str, number: int) -> Path:
    program = CACHE / "strange-programs" / f"tiny-{name}"
    program.parent.mkdir(parents=True, exist_ok=True)
    body = bytearray(portability_sources.built("tiny", "pure").read_bytes())
    body[18:20] = number.to_bytes(2, "little")
    if not program.is_file() or program.read_bytes() != bytes(body):
        program.write_bytes(bytes(body))
        program.chmod(0o755)
    return program


@cache
def at_hand_roots() -> dict[str, Root]:
    """The root file systems, by name."""
    return dict(sorted(roots(at_hand() / "trimaran" / "rootfs").items()))


@cache
def proofs(group: str) -> dict[str, dict[str, Proof]]:
    """Every program of a group, run in every root file system."""
    return {
        entry.name: {name: _prove(entry, root) for name, root in at_hand_roots().items()}
        for entry in entries(group)
    }


def _prove(entry: Entry, root: Root) -> Proof:
    how = How(environment=entry.environment, cpu=entry.cpu, old_kernel=entry.old_kernel)
    limits = Limits(seconds=entry.patience_s)
    return verify(entry.program(), root, entry.arguments, variant=entry.variant, limits=limits, how=how)


def wrong(proof: Proof) -> bool:
    """Whether a run contradicts what was said: also where it ended well before what was foretold."""
    predicted, seen = proof.predicted.outcome, proof.seen.outcome
    return not proof.agree or (predicted is not Outcome.UNKNOWN and predicted is not seen)


def section(group: str) -> str:
    """The part of the page for one group."""
    found = proofs(group)
    every = [proof for row in found.values() for proof in row.values()]
    said = Counter(proof.predicted.outcome for proof in every)
    names = list(at_hand_roots())
    counts = ", ".join(f"{said[outcome]} `{outcome}`" for outcome in Outcome)
    lines = [
        f"## {_GROUPS[group]}", "",
        f"{len(found)} lines, {len(every)} runs: {counts}; {sum(map(wrong, every))} wrong.", "",
        f"| program | {' | '.join(names)} |", f"|---|{'---|' * len(names)}",
    ]  # fmt: skip
    lines += [f"| {name} | {' | '.join(_cell(row[each]) for each in names)} |" for name, row in found.items()]
    unknown = sorted({
        f"- {name} on {root}: {proof.predicted.reason} (seen: {proof.seen.outcome})"
        for name, row in found.items() for root, proof in row.items()
        if proof.predicted.outcome is Outcome.UNKNOWN
    })  # fmt: skip
    return "\n".join([*lines, *(["", "Unknown, and why:", "", *unknown] if unknown else []), ""])


def _cell(proof: Proof) -> str:
    predicted = proof.predicted
    text = "runs" if predicted.outcome is Outcome.RUNS else f"{predicted.outcome}: {predicted.rule}"
    return f"**{text}, seen {proof.seen.outcome}**" if wrong(proof) else text


def failures() -> Counter[Rule]:
    """How many failures were foretold and seen, by rule."""
    return Counter(
        proof.predicted.rule
        for group in _GROUPS for row in proofs(group).values() for proof in row.values()
        if proof.predicted.outcome is proof.seen.outcome is Outcome.FAILS
    )  # fmt: skip


_INTRODUCTION = """# Portability matrix

Every program below was judged by `trimaran` from its file and then run, with the arguments that make it do
its work, in root file systems of Debian 11, 12, 13 and Alpine 3.23. A cell is what was predicted; the runs
bore it out unless it says otherwise in bold. `fails` names the [rule](inspect.md#rules) that decides.

This page is generated: `python -m tests.peers.portability_matrix --write`. The tests run the matrix again and
compare each part with it.

"""


def main() -> int:
    """Write the page, or print what would be written."""
    rules = "\n".join(f"| `{rule}` | {count} |" for rule, count in sorted(failures().items()))
    page = _INTRODUCTION + "\n".join(section(group) for group in _GROUPS)
    page += f"\n## Failures that were foretold and seen\n\n| rule | failures |\n|---|---|\n{rules}\n"
    if "--write" in sys.argv:
        PAGE.write_text(page, "utf-8")
    else:
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
