"""Each rule decides what it is there for, and no other."""

from dataclasses import replace

import pytest

from trimaran.binary import (
    Basis,
    File,
    GoBuild,
    Kind,
    Outcome,
    Rule,
    Verdict,
    VersionNeed,
    linux_floor,
    verdict,
    verdicts,
)
from trimaran.facts import Distribution, Libc, distributions

GLIBC, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
STATIC = File("static", "elf64", "x86_64", Kind.STATIC)
CGO = File(
    "cgo",
    "elf64",
    "x86_64",
    Kind.DYNAMIC,
    GLIBC,
    ("libc.so.6",),
    versions=(VersionNeed("libc.so.6", "GLIBC_2.34"),),
)
ARM = replace(
    CGO,
    machine="aarch64",
    interpreter="/lib/ld-linux-aarch64.so.1",
    needed=("libc.so.6", "ld-linux-aarch64.so.1"),
)
PIE = File("pie", "elf64", "x86_64", Kind.PIE, GLIBC)
ON_MUSL = File(
    "musl", "elf64", "x86_64", Kind.PIE, MUSL, ("libc.musl-x86_64.so.1",), undefined=("puts", "open64")
)
ALONE = File("plugin.so", "elf64", "x86_64", Kind.LIBRARY, undefined=())
MARK = VersionNeed("libc.so.6", "GLIBC_ABI_DT_RELR")
GO = GoBuild("go1.26.8", settings=(("GOAMD64", "v1"),))


def judged(file: File, on: str) -> tuple[str, str]:
    found = verdict(file, distributions()[on])
    assert found.basis is Basis.PREDICTED
    assert found.reason
    return found.outcome.value, found.rule.value


@pytest.mark.parametrize(
    ("file", "on", "outcome", "rule"),
    [
        (STATIC, "alpine-3.23", "runs", "static"),
        (STATIC, "rhel-7", "runs", "static"),
        (replace(STATIC, kind=Kind.STATIC_PIE), "debian-12", "runs", "static"),
        (CGO, "debian-12", "runs", "symbol-version"),
        (CGO, "rhel-9", "runs", "symbol-version"),
        (CGO, "debian-11", "fails", "symbol-version"),
        (CGO, "alpine-3.23", "fails", "interpreter"),
        (PIE, "rhel-7", "runs", "interpreter"),
        (PIE, "alpine-3.23", "fails", "interpreter"),
        (ON_MUSL, "alpine-3.23", "runs", "symbol"),
        (ON_MUSL, "debian-12", "fails", "interpreter"),
        # Which symbols 1.2.4 exports is not known.
        (ON_MUSL, "alpine-3.18", "runs", "symbol"),
        (replace(CGO, no_default_folders=True), "debian-13", "fails", "library"),
        (replace(CGO, no_default_folders=True, runpath=("/opt",)), "debian-13", "unknown", "library"),
        (replace(ON_MUSL, no_default_folders=True), "alpine-3.23", "runs", "symbol"),
        (replace(ON_MUSL, undefined=("puts", "fts_open")), "alpine-3.23", "fails", "symbol"),
        (replace(ON_MUSL, undefined=None), "alpine-3.23", "unknown", "symbol"),
        (replace(ON_MUSL, undefined=("puts", "statx")), "alpine-3.18", "unknown", "symbol"),
        (replace(ON_MUSL, undefined=("puts", "statx", "fts_open")), "alpine-3.18", "fails", "symbol"),
        (replace(ON_MUSL, undefined=("puts", "statx")), "alpine-3.24", "runs", "symbol"),
        (replace(ON_MUSL, undefined=("puts", "fts_open")), "alpine-3.24", "unknown", "symbol"),
        (
            replace(ON_MUSL, undefined=("puts", "SSL_new"), needed=("libssl.so.3",)),
            "alpine-3.23",
            "unknown",
            "symbol",
        ),
        (replace(CGO, interpreter="/nix/store/x/ld.so"), "debian-12", "unknown", "interpreter"),
        (replace(CGO, needed=("libc.so.6", "libsqlite3.so.0")), "debian-12", "unknown", "library"),
        # What fails for certain is said, even if something before it cannot be told.
        (replace(CGO, needed=("libc.so.6", "libsqlite3.so.0")), "debian-11", "fails", "symbol-version"),
        (replace(CGO, needed=("libc.musl-x86_64.so.1",)), "debian-12", "fails", "library"),
        (replace(ON_MUSL, needed=("libresolv.so.2",)), "alpine-3.23", "fails", "library"),
        # musl's loader answers to the name of glibc's library.
        (replace(ON_MUSL, needed=("libc.so.6",)), "alpine-3.23", "runs", "symbol"),
        (
            replace(CGO, versions=(VersionNeed("libc.so.6", "GLIBC_PRIVATE"),)),
            "debian-12",
            "unknown",
            "symbol-version",
        ),
        (replace(CGO, machine="riscv64"), "debian-12", "unknown", "machine"),
        (replace(STATIC, machine="aarch64"), "alpine-3.23", "runs", "static"),
        (ARM, "debian-12", "runs", "symbol-version"),
        (ARM, "debian-11", "fails", "symbol-version"),
        (ARM, "alpine-3.23", "fails", "interpreter"),
        # What musl exports was measured on x86_64.
        (
            replace(ON_MUSL, machine="aarch64", interpreter="/lib/ld-musl-aarch64.so.1"),
            "alpine-3.23",
            "unknown",
            "symbol",
        ),
        (replace(STATIC, machine="unknown-7"), "debian-12", "unknown", "machine"),
        (replace(CGO, kind=Kind.LIBRARY, interpreter=None), "debian-12", "runs", "symbol-version"),
        (replace(CGO, kind=Kind.LIBRARY, interpreter=None), "debian-11", "fails", "symbol-version"),
        (replace(PIE, relr=True), "debian-12", "runs", "interpreter"),
        # Nothing refuses it, and what it then does wrong depends on it.
        (replace(PIE, relr=True), "debian-11", "unknown", "relocation"),
        (replace(PIE, relr=True, needed=("libc.so.6",)), "debian-11", "fails", "relocation"),
        # glibc refuses packed relocations without its mark where versions of it are asked for.
        (replace(CGO, relr=True), "debian-12", "fails", "relocation"),
        (replace(CGO, relr=True, versions=(*CGO.versions, MARK)), "debian-12", "runs", "symbol-version"),
        (replace(ON_MUSL, relr=True), "alpine-3.23", "runs", "symbol"),
        (replace(ON_MUSL, relr=True), "alpine-3.18", "unknown", "relocation"),
        (replace(ON_MUSL, ifunc=True), "alpine-3.23", "fails", "relocation"),
        # A library that asks for none sees musl's own symbols only if the program that loads it does.
        (replace(ALONE, undefined=("puts",)), "alpine-3.23", "unknown", "symbol"),
        (replace(ALONE, undefined=("puts",)), "debian-12", "runs", "kind"),
        (ALONE, "alpine-3.23", "runs", "kind"),
        # A static program relocates itself.
        (replace(STATIC, kind=Kind.STATIC_PIE, relr=True), "debian-11", "runs", "static"),
        # The program may bring its own C library.
        (replace(CGO, runpath=("$ORIGIN",)), "debian-11", "unknown", "symbol-version"),
    ],
)
def test_the_rule_that_decides(file: File, on: str, outcome: str, rule: str) -> None:
    assert judged(file, on) == (outcome, rule)


@pytest.mark.parametrize(
    ("level", "on", "outcome"),
    [
        ("v1", "debian-12", "runs"),
        ("v2", "debian-12", "unknown"),
        ("v2", "rhel-9", "runs"),
        ("v3", "rhel-9", "unknown"),
        ("v3", "rhel-10", "runs"),
        ("v4", "rhel-10", "unknown"),
        ("nonsense", "debian-12", "runs"),
    ],
)
def test_a_newer_processor_is_only_certain_where_the_distribution_needs_it(
    level: str, on: str, outcome: str
) -> None:
    file = replace(STATIC, go=GoBuild("go1.26.8", settings=(("GOAMD64", level),)))
    found = verdict(file, distributions()[on])
    assert found.outcome == outcome
    assert (found.rule is Rule.CPU_LEVEL) == (outcome == "unknown")
    assert outcome == "runs" or f"x86-64-{level}" in found.reason


def test_a_kernel_older_than_the_go_release_is_made_for_promises_nothing() -> None:
    old = replace(distributions()["debian-12"], kernel="3.1")
    assert verdict(replace(STATIC, go=GO), old).rule is Rule.KERNEL
    assert verdict(replace(STATIC, go=GO), old).outcome is Outcome.UNKNOWN
    assert verdict(replace(STATIC, go=GoBuild("go1.23.4")), old).outcome is Outcome.RUNS
    assert verdict(replace(STATIC, go=GO), replace(old, kernel="3.2")).outcome is Outcome.RUNS


@pytest.mark.parametrize(
    ("version", "linux"),
    [
        ("go1.27", "3.2"),
        ("go1.24", "3.2"),
        ("go1.23.12", "2.6.32"),
        ("go1.18.1", "2.6.23"),
        ("devel +abc", None),
    ],
)
def test_the_oldest_linux_follows_from_the_go_release(version: str, linux: str | None) -> None:
    kernels = distributions()["debian-12"].go_kernels
    assert linux_floor(replace(STATIC, go=GoBuild(version)), kernels) == linux


def test_the_reason_never_speaks_of_name_services() -> None:
    reason = verdict(CGO, distributions()["alpine-3.23"]).reason
    assert GLIBC in reason
    assert "libnss" not in reason


def test_a_static_program_with_glibcs_name_services_in_it_is_told_about_them() -> None:
    with_glibc = replace(STATIC, name_services=True)
    assert "NSS" in verdict(with_glibc, distributions()["debian-12"]).reason
    # C of another library, as musl, has none.
    with_cgo = replace(STATIC, go=GoBuild("go1.26.8", settings=(("CGO_ENABLED", "1"),)))
    assert "NSS" not in verdict(with_cgo, distributions()["debian-12"]).reason


def test_the_reason_ends_with_what_the_distribution_has() -> None:
    found = verdict(CGO, distributions()["debian-11"])
    assert found.found == "glibc 2.31"
    assert found.reason == "needs GLIBC_2.34; there: glibc 2.31"


def test_verdicts_keep_the_order_they_are_asked_in() -> None:
    asked = [distributions()[name] for name in ("ubuntu-22.04", "alpine-3.23")]
    assert [each.distribution for each in verdicts(STATIC, asked)] == ["ubuntu-22.04", "alpine-3.23"]


def test_every_distribution_gets_an_answer_for_every_file() -> None:
    for file in (STATIC, CGO, PIE, ON_MUSL):
        found = verdicts(file, distributions().values())
        assert len(found) == len(distributions())
        assert all(isinstance(each, Verdict) for each in found)


def test_a_newer_glibc_never_turns_a_start_into_a_failure() -> None:
    known = [each for each in distributions().values() if each.libc is Libc.GLIBC]

    def release(distribution: Distribution) -> list[int]:
        return [int(part) for part in distribution.libc_version.split(".")]

    outcomes = [verdict(CGO, each).outcome for each in sorted(known, key=release)]
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {Outcome.FAILS, Outcome.RUNS}
