"""Who brings a symbol: everyone who asks for it, and nobody else."""

from tests.unit.portability.blame_objects import Bytes, obj

from trimaran.portability.blame_elf import Asked, Dynamic, Object, read_object
from trimaran.portability.blame_match import attribute, by_elimination, pulled
from trimaran.portability.blame_model import Contribution, Owner, Part

SQLITE = Owner(Part.PACKAGE, "github.com/mattn/go-sqlite3", "github.com/mattn/go-sqlite3", "v1.14.53")
RUNTIME = Owner(Part.PACKAGE, "runtime/cgo", "std", "go1.26.8")
CRT1 = Owner(Part.STARTUP, file="crt1.o")


def needs(*names: str, weak: bool = False, version: str = "GLIBC_2.34") -> tuple[Asked, ...]:
    return tuple(Asked(name, version, "libc.so.6", weak) for name in names)


def test_a_symbol_has_all_its_owners() -> None:
    found = attribute(
        Dynamic(needs("pthread_create"), (), external=True),
        [
            Contribution(SQLITE, {"pthread_create": False, "open": False}, "sqlite3.c"),
            Contribution(RUNTIME, {"pthread_create": False}, "gcc_libinit.c"),
            Contribution(RUNTIME, {"pthread_create": True}, "gcc_util.c"),
            Contribution(CRT1, {"__libc_start_main": False}),
        ],
    )
    assert [(share.owner, share.sources) for share in found[0].shares] == [
        (SQLITE, ("sqlite3.c",)),
        (RUNTIME, ("gcc_libinit.c", "gcc_util.c")),
    ]
    assert not found[0].shares[1].weak


def test_nobody_is_named_for_a_symbol_that_nobody_asks_for() -> None:
    found = attribute(Dynamic(needs("stat64"), (), external=True), [Contribution(SQLITE, {"stat": False})])
    assert found[0].shares == ()


def test_symbols_without_a_version_are_not_blamed_for() -> None:
    assert (
        attribute(
            Dynamic(needs("puts", version=""), (), external=False), [Contribution(SQLITE, {"puts": False})]
        )
        == ()
    )


def test_a_version_without_a_symbol_is_the_linkers() -> None:
    found = attribute(Dynamic((), (("libc.so.6", "GLIBC_ABI_DT_RELR"),), external=True), [])
    assert (found[0].name, found[0].version, found[0].shares[0].owner.part) == (
        "",
        "GLIBC_ABI_DT_RELR",
        Part.LINKER,
    )


def test_the_newest_version_comes_first_and_versions_without_a_number_last() -> None:
    asked = (
        *needs("a", version="GLIBC_2.4"),
        *needs("b", version="GLIBC_2.34"),
        *needs("c", version="GLIBCXX_3.4"),
    )
    found = attribute(Dynamic(asked, (), external=True), [])
    assert [each.name for each in found] == ["b", "a", "c"]


def test_c_code_counts_before_a_pragma_of_the_same_package() -> None:
    pragma = Contribution(RUNTIME, {"dlopen": False}, directive=True)
    both = attribute(
        Dynamic(needs("dlopen"), (), external=False),
        [pragma, Contribution(RUNTIME, {"dlopen": False}, "a.c")],
    )
    alone = attribute(Dynamic(needs("dlopen"), (), external=False), [pragma])
    assert [share.directive for share in both[0].shares] == [False]
    assert [share.directive for share in alone[0].shares] == [True]


def test_what_nobody_asks_for_is_left_to_a_compiler_that_does_not_tell() -> None:
    asked = needs("__libc_start_main", "pthread_create")
    found = by_elimination(
        attribute(Dynamic(asked, (), external=True), [Contribution(SQLITE, {"pthread_create": False})])
    )
    assert [(each.name, each.shares[0].owner.part, each.shares[0].assumed) for each in found] == [
        ("__libc_start_main", Part.STARTUP, True),
        ("pthread_create", Part.PACKAGE, False),
    ]


def read(undefined: list[str], defined: list[str]) -> Object:
    return read_object(Bytes(obj(undefined, defined=defined)))


def test_of_a_library_only_what_is_missing_is_linked_and_what_that_lacks() -> None:
    archive = [read(["b"], ["a"]), read(["read"], ["b"]), read(["socket"], ["c"])]
    assert pulled({"a"}, archive) == (archive[0], archive[1])
    assert pulled({"zzz"}, archive) == ()
    # Files that need each other are taken once.
    circle = [read(["b"], ["a"]), read(["a"], ["b"])]
    assert pulled({"a"}, circle) == tuple(circle)
