"""What a root file system at hand, and a machine that is known, add to a verdict."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from tests.unit.binary.test_verdict import ARM, CGO, GLIBC, ON_MUSL, PIE, STATIC

from trimaran.binary import Conditions, File, GoBuild, Kind, Module, NameService, Place, VersionNeed, verdict
from trimaran.binary.staticglibc import StaticGlibc
from trimaran.facts import Distribution, distributions
from trimaran.facts.model import Library

LIBC = Library(versions=frozenset({"GLIBC_2.2.5", "GLIBC_2.31", "GLIBC_PRIVATE"}))
FOUND = {
    "libc.so.6": LIBC,
    "libz.so.1": Library(("libc.so.6",), frozenset({"ZLIB_1.2.9"})),
    "libplain.so.1": Library(("libc.so.6",)),
    "libhalf.so.1": Library(("libgone.so.2",)),
}
MUSL = Library(exports=frozenset({"puts", "open64"}))
OLD = replace(CGO, versions=(VersionNeed("libc.so.6", "GLIBC_2.31"),))


def measured(name: str, found: dict[str, Library]) -> Distribution:
    known = distributions()[name]
    one = {"x86_64": known.interpreters["x86_64"]}
    return replace(
        known,
        inventory=MappingProxyType(found),
        libraries=frozenset(found),
        interpreters=MappingProxyType(one),
    )


DEBIAN, ALPINE = measured("debian-11", FOUND), measured("alpine-3.23", {"libc.so": MUSL})


def judged(file: File, there: Distribution, conditions: Conditions | None = None) -> tuple[str, str]:
    found = verdict(file, there, conditions or Conditions())
    assert found.reason
    return found.outcome.value, found.rule.value


def needing(library: str, version: str) -> File:
    return replace(OLD, needed=(library, "libc.so.6"), versions=(VersionNeed(library, version),))


@pytest.mark.parametrize(
    ("file", "outcome", "rule"),
    [
        (OLD, "runs", "symbol-version"),
        (CGO, "fails", "symbol-version"),
        (needing("libz.so.1", "ZLIB_1.2.9"), "runs", "library"),
        (needing("libz.so.1", "ZLIB_1.3"), "fails", "symbol-version"),
        # A library without any version is taken as it is, with a warning.
        (needing("libplain.so.1", "PLAIN_1"), "runs", "library"),
        (replace(OLD, needed=("libnone.so.1",)), "fails", "library"),
        # What a library itself needs is missing.
        (replace(OLD, needed=("libhalf.so.1",)), "fails", "library"),
        (replace(OLD, needed=("libnone.so.1",), runpath=("$ORIGIN",)), "unknown", "library"),
        (replace(OLD, needed=("./libnone.so.1",)), "unknown", "library"),
        (needing("libc.so.6", "GLIBC_PRIVATE"), "unknown", "symbol-version"),
        (replace(PIE, interpreter=""), "fails", "interpreter"),
        (replace(PIE, interpreter="lib/ld.so"), "unknown", "interpreter"),
        (ARM, "fails", "machine"),
        (replace(STATIC, machine="i386"), "unknown", "machine"),
        (replace(OLD, machine="i386", kind=Kind.LIBRARY, interpreter=None), "fails", "machine"),
        (replace(STATIC, needed=("libc.so.6",)), "fails", "kind"),
        (replace(OLD, kind=Kind.LIBRARY, interpreter=None), "runs", "symbol-version"),
        (File("lib", "elf64", "x86_64", Kind.LIBRARY), "runs", "kind"),
    ],
)
def test_a_root_file_system_decides_by_what_is_in_it(file: File, outcome: str, rule: str) -> None:
    assert judged(file, DEBIAN) == (outcome, rule)


@pytest.mark.parametrize(
    ("file", "place", "outcome", "rule"),
    [
        (replace(OLD, needed=("libnone.so.1",), runpath=("$ORIGIN",)), Place(), "fails", "library"),
        (
            replace(OLD, needed=("libown.so.1", "libc.so.6"), runpath=("$ORIGIN",)),
            Place(beside={"libown.so.1": (CGO, Library())}),
            "fails",
            "symbol-version",
        ),
        (
            replace(OLD, needed=("libown.so.1", "libc.so.6"), runpath=("$ORIGIN",)),
            Place(beside={"libown.so.1": (OLD, Library())}),
            "runs",
            "symbol-version",
        ),
        (replace(PIE, interpreter="/nix/ld.so"), Place(interpreter=False), "fails", "interpreter"),
        (replace(PIE, interpreter="/nix/ld.so"), Place(interpreter=True), "unknown", "interpreter"),
        (replace(PIE, interpreter=f"/usr{GLIBC}"), Place(interpreter=True), "runs", "interpreter"),
    ],
)
def test_looking_where_the_file_says_settles_it(file: File, place: Place, outcome: str, rule: str) -> None:
    assert judged(file, DEBIAN, Conditions(place=place)) == (outcome, rule)


def test_a_symbol_that_no_library_of_alpine_has_fails() -> None:
    assert judged(replace(ON_MUSL, needed=("libc.so",)), ALPINE) == ("runs", "symbol")
    lacking = replace(ON_MUSL, needed=("libc.so",), undefined=("puts", "fts_open"))
    assert judged(lacking, ALPINE) == ("fails", "symbol")
    library = replace(lacking, kind=Kind.LIBRARY, interpreter=None)
    assert judged(library, ALPINE) == ("unknown", "symbol")


@pytest.mark.parametrize(("cpu", "outcome"), [(None, "unknown"), (2, "fails"), (3, "runs"), (4, "runs")])
def test_a_processor_that_is_known_settles_its_level(cpu: int | None, outcome: str) -> None:
    file = replace(STATIC, go=GoBuild("go1.26.8", settings=(("GOAMD64", "v3"),)))
    assert judged(file, DEBIAN, Conditions(cpu=cpu))[0] == outcome


def test_only_newer_loaders_compare_the_level_in_the_note() -> None:
    noted = replace(PIE, isa=3)
    assert judged(noted, distributions()["debian-12"], Conditions(cpu=1)) == ("fails", "cpu-level")
    assert judged(noted, distributions()["debian-11"], Conditions(cpu=1)) == ("unknown", "cpu-level")


def test_a_kernel_that_starts_a_machine_loads_none_of_its_libraries() -> None:
    library = File("lib", "elf64", "aarch64", Kind.LIBRARY, needed=("libc.so.6",))
    assert judged(library, DEBIAN, Conditions(machines=frozenset({"aarch64"}))) == ("fails", "machine")


def test_a_library_that_chooses_its_functions_is_not_loaded_by_musl() -> None:
    chooses = File("libown.so.1", "elf64", "x86_64", Kind.LIBRARY, ifunc=True)
    assert judged(chooses, ALPINE) == ("fails", "relocation")
    assert judged(chooses, DEBIAN) == ("runs", "kind")
    program = replace(ON_MUSL, needed=("libown.so.1", "libc.so"), runpath=("$ORIGIN",))
    beside = Place(beside={"libown.so.1": (chooses, Library(exports=frozenset()))})
    assert judged(program, ALPINE, Conditions(place=beside)) == ("fails", "relocation")


def test_a_kernel_decides_what_it_starts_and_whom_it_is_too_old_for() -> None:
    small = replace(STATIC, machine="i386")
    assert judged(small, DEBIAN, Conditions(machines=frozenset({"x86_64", "i386"})))[0] == "runs"
    assert judged(small, DEBIAN, Conditions(machines=frozenset({"x86_64"}))) == ("fails", "machine")
    checks = replace(STATIC, abi_kernel="3.2.0", kernel_checked=True)
    assert judged(checks, DEBIAN, Conditions(kernel="2.6.60")) == ("fails", "kernel")
    assert judged(checks, DEBIAN, Conditions(kernel="6.1"))[0] == "runs"
    assert judged(replace(checks, kernel_checked=False), DEBIAN, Conditions(kernel="2.6.60"))[0] == "runs"


NEWER, OLDER = StaticGlibc(True, (2, 34), (2, 41)), StaticGlibc(True, (2,), (2, 34))


@pytest.mark.parametrize(
    ("own", "on", "names", "outcome"),
    [
        (NEWER, "debian-11", None, "runs"),
        (NEWER, "debian-11", NameService.PLAIN, "runs"),
        (NEWER, "debian-11", NameService.ENTERPRISE, "fails"),
        (NEWER, "debian-13", NameService.ENTERPRISE, "fails"),
        (NEWER, "debian-12", NameService.ENTERPRISE, "unknown"),
        (NEWER._replace(users=False), "debian-11", NameService.ENTERPRISE, "runs"),
        (OLDER, "debian-11", NameService.PLAIN, "unknown"),
        (OLDER, "debian-12", NameService.PLAIN, "unknown"),
        (OLDER, "debian-12", NameService.ENTERPRISE, "fails"),
        (OLDER, "alpine-3.23", NameService.PLAIN, "runs"),
    ],
)
def test_a_static_glibc_needs_modules_of_its_own_release(
    own: StaticGlibc, on: str, names: NameService | None, outcome: str
) -> None:
    file = replace(STATIC, static_glibc=own, name_services=True)
    assert judged(file, distributions()[on], Conditions(names=names))[0] == outcome


def test_a_database_that_is_a_stub_fails_and_another_driver_leaves_it_open() -> None:
    driver = Module("github.com/mattn/go-sqlite3")
    file = replace(STATIC, go=GoBuild("go1.26.8", modules=(driver,)), stubs=("go-sqlite3",))
    found = verdict(file, DEBIAN)
    assert (found.outcome.value, found.rule.value) == ("fails", "stub")
    assert found.reason.startswith("starts, and its database fails")
    both = replace(file, go=GoBuild("go1.26.8", modules=(driver, Module("modernc.org/sqlite"))))
    assert judged(both, DEBIAN) == ("unknown", "stub")
    assert judged(replace(file, stubs=("clipboard",)), DEBIAN) == ("unknown", "stub")
    assert judged(replace(file, stubs=()), DEBIAN) == ("runs", "static")
