"""One judge for many distributions answers what each of them is answered alone."""

from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from trimaran.binary import File, GoBuild, Judge, Kind, VersionNeed, verdict
from trimaran.binary.verdict import _FIRST, _GROUND
from trimaran.binary.verdict_needs import Conditions, Needs
from trimaran.binary.verdict_start import machine
from trimaran.facts import Distribution, distributions, stubs
from trimaran.facts.model import Library

KNOWN = tuple(distributions().values())
ALPINE, DEBIAN = distributions()["alpine-3.23"], distributions()["debian-12"]
# As measured: Debian's own libraries alone, and an Alpine with what glibc's programs ask for.
MEASURED = (
    replace(DEBIAN, id="measured", inventory={name: Library() for name in DEBIAN.libraries}),
    replace(ALPINE, id="gcompat", inventory={"libc.so.6": Library(exports=frozenset({"puts"}))}),
)
LIBRARIES = ("libc.so.6", "libm.so.6", "libX11.so.6", "ld-linux-x86-64.so.2", "libc.musl-x86_64.so.1")
VERSIONS = (
    VersionNeed("libc.so.6", "GLIBC_2.2.5"),
    VersionNeed("libc.so.6", "GLIBC_2.38"),
    VersionNeed("libX11.so.6", "X_1"),
    VersionNeed("libm.so.6", "M_1"),
)
GLIBC, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"


def few(*values: object) -> some.SearchStrategy[tuple[object, ...]]:
    return some.lists(some.sampled_from(values), max_size=3, unique=True).map(tuple)


FILES = some.builds(
    File,
    path=some.just("app"),
    format=some.just("elf64"),
    machine=some.sampled_from(("x86_64", "aarch64", "riscv64", "i386")),
    kind=some.sampled_from(list(Kind)),
    interpreter=some.sampled_from((None, GLIBC, MUSL, "", "ld.so", "/opt/ld.so")),
    needed=few(*LIBRARIES),
    runpath=few("$ORIGIN"),
    versions=few(*VERSIONS),
    relr=some.booleans(),
    ifunc=some.booleans(),
    undefined=some.none() | few("puts", "__vfprintf_chk", "nobody_has_it"),
    abi_kernel=some.sampled_from((None, "3.2.0", "6.1.0")),
    isa=some.integers(1, 4),
    no_default_folders=some.booleans(),
    kernel_checked=some.booleans(),
    stubs=few(*(each.id for each in stubs()[:2])),
    go=some.sampled_from((None, GoBuild("go1.26.1", settings=(("GOAMD64", "v3"),)), GoBuild("go1.4"))),
)


@settings(max_examples=300)
@given(file=FILES, order=some.permutations((*KNOWN, *MEASURED)))
def test_many_distributions_are_judged_as_each_alone(file: File, order: list[Distribution]) -> None:
    assert Judge(order).verdicts(file) == tuple(verdict(file, each) for each in order)


@settings(max_examples=300)
@given(file=FILES, chosen=some.sampled_from([KNOWN, MEASURED, (ALPINE,), (DEBIAN,)]))
def test_symbols_that_are_not_asked_decide_nothing(file: File, chosen: tuple[Distribution, ...]) -> None:
    judge = Judge(chosen)
    if not judge.asks_symbols(file.machine, file.needed):
        assert judge.verdicts(file) == judge.verdicts(replace(file, undefined=None))


@pytest.mark.parametrize(
    ("needed", "chosen", "asked"),
    [
        (("libc.so.6",), ALPINE, True),  # which musl's loader takes for itself
        (("libX11.so.6",), ALPINE, False),
        (("libX11.so.6",), MEASURED[1], True),
        (("libc.so.6",), DEBIAN, False),
        ((), ALPINE, True),
    ],
)
def test_symbols_are_asked_where_musl_has_every_library(
    needed: tuple[str, ...], chosen: Distribution, asked: bool
) -> None:
    assert Judge((chosen,)).asks_symbols("x86_64", needed) is asked


@given(file=FILES)
def test_the_first_rules_look_at_nothing_but_what_distributions_share(file: File) -> None:
    needs = Needs.of(file, Conditions())
    others: dict[str, Any] = {each.name: None for each in fields(Distribution) if each.name not in _GROUND}
    for rule, there in product(_FIRST, (*KNOWN, *MEASURED)):
        # Behind the rule for machines nobody asks about one that is not known.
        if file.machine in there.interpreters or rule is machine:
            assert rule(needs, there) == rule(needs, replace(there, **others))
