"""Which ways there are, and which lead nowhere: decided from sources alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.facts import distributions
from trimaran.portability.ways import Build, CPackage, Way, avoiding_tags, oldest_glibc, refusal, ways
from trimaran.portability.ways_constraints import compiled, go_file, offered, platform_tags, satisfied

GIVEN = platform_tags("linux/amd64", 26)
WANTED = tuple(distributions()[name] for name in ("debian-12", "rhel-8", "alpine-3.23"))
IMPORTS_C = 'package p\n\nimport "C"\n'


def found(*packages: CPackage, cgo: str = "auto", tags: tuple[str, ...] = ()) -> dict[str, Way]:
    return {way.name: way for way in ways(Build(cgo, tags, packages, GIVEN, WANTED))}


def package(path: str, module: str = "example.com/m", **files: str) -> CPackage:
    return CPackage(path, module, tuple(go_file(f"{name}.go", text) for name, text in files.items()))


@pytest.mark.parametrize(
    ("expression", "tags", "holds"),
    [
        ("linux", {"linux"}, True),
        ("!linux", {"linux"}, False),
        ("linux && !cgo", {"linux"}, True),
        ("cgo || purego", {"purego"}, True),
        ("(cgo || purego) && linux", {"purego"}, False),
        ("!(a && b)", {"a"}, True),
        ("a && b || c", {"c"}, True),
        ("go1.21 && !netgo", {"go1.21"}, True),
        ("a // a comment", {"a"}, True),
        # What Go refuses does not hold.
        ("a &&", {"a"}, False),
        ("(a", {"a"}, False),
        ("a b", {"a", "b"}, False),
        ("&& a", {"a"}, False),
        ("", set(), False),
        ("!" * 500 + "a", {"a"}, False),
        ("(" * 300 + "a" + ")" * 300, {"a"}, False),
    ],
)
def test_a_build_constraint_is_read_as_go_reads_it(expression: str, tags: set[str], holds: bool) -> None:
    assert satisfied(expression, tags) is holds


@given(st.text(alphabet="ab!&|() .1\u00e9", max_size=60))
def test_no_constraint_ends_in_an_exception(expression: str) -> None:
    assert satisfied(expression, {"a"}) in (True, False)


def test_a_file_s_name_is_a_constraint_too() -> None:
    names = ("a_linux.go", "a_darwin.go", "a_arm64.go", "a_linux_amd64.go", "a_test.go", "_a.go", "linux.go")
    files = [go_file(name, "package p\n") for name in names]
    assert [file.name for file in compiled(files, GIVEN)] == ["a_linux.go", "a_linux_amd64.go", "linux.go"]


def test_a_constraint_counts_only_above_the_package_clause() -> None:
    assert go_file("a.go", "// text\n\n//go:build cgo\n\npackage p\n").constraint == "cgo"
    assert go_file("a.go", "package p\n\n//go:build cgo\n").constraint == ""


def test_c_is_found_in_both_forms_of_an_import() -> None:
    assert go_file("a.go", IMPORTS_C).c
    assert go_file("a.go", 'package p\n\nimport (\n\t"C"\n\t"fmt"\n)\n').c
    assert not go_file("a.go", 'package p\n\nvar x = "C"\n').c


def test_tags_of_the_toolchain_are_not_offered() -> None:
    files = [go_file("a.go", "//go:build cgo && linux && go1.20 && !purego && unix\n\npackage p\n")]
    assert offered(files) == ("purego",)


def test_without_c_every_way_is_open() -> None:
    assert [way.name for way in found().values() if not way.refused] == [
        "pure",
        "glibc-2.28",
        "musl",
        "static",
    ]


def test_a_stub_is_refused_with_what_it_says() -> None:
    with_stub = package(
        "example.com/m/db",
        real=IMPORTS_C,
        mock='//go:build !cgo\n\npackage p\n\nvar err = errors.New("db requires cgo to work")\n',
    )
    assert found(with_stub)["pure"].refused == (
        'example.com/m/db is a stub without cgo: "db requires cgo to work" (mock.go)'
    )


def test_a_stub_that_is_known_is_refused_whatever_its_files_say() -> None:
    known = CPackage("example.com/m/db", "example.com/m", (go_file("a.go", IMPORTS_C),), stub='"no cgo"')
    assert found(known)["pure"].refused == 'example.com/m/db is a stub without cgo: "no cgo"'


def test_a_package_of_c_alone_is_refused_because_it_does_not_compile() -> None:
    assert "does not compile" in found(package("example.com/m/c", a=IMPORTS_C))["pure"].refused


def test_a_package_with_the_same_in_go_is_no_stub() -> None:
    both = package(
        "example.com/m/hash",
        fast=IMPORTS_C,
        slow="//go:build !cgo\n\npackage p\n\nfunc Sum() int { return 1 }\n",
    )
    assert not found(both)["pure"].refused


def test_a_comment_that_speaks_of_cgo_makes_no_stub() -> None:
    assert not refusal(go_file("a.go", "package p\n\n// This requires cgo, elsewhere.\nfunc F() {}\n"))


def test_what_the_standard_library_says_of_cgo_is_no_stub() -> None:
    users = package(
        "os/user",
        "",
        c="//go:build cgo && !osusergo\n\n" + IMPORTS_C,
        go='//go:build !cgo || osusergo\n\npackage p\n\nvar e = errors.New("user: requires cgo")\n',
    )
    assert not found(users)["pure"].refused
    assert found(users)["tags"].tags == ("osusergo",)
    assert "NSS" in found(users)["pure"].caveats[0]


def test_a_tag_is_a_way_only_when_every_package_has_one() -> None:
    one = package(
        "example.com/a", c="//go:build !purego\n\n" + IMPORTS_C, go="//go:build purego\n\npackage p\n"
    )
    other = package("example.com/b", c=IMPORTS_C)
    runtime = package("runtime/cgo", "", c=IMPORTS_C)
    assert found(one, runtime)["tags"].tags == ("purego",)
    assert "tags" not in found(one, other)
    # One that is set already is no new way.
    assert "tags" not in found(one, tags=("purego",))
    assert avoiding_tags(Build("auto", (), (runtime,), GIVEN, WANTED)) == ()


def test_a_tag_that_leads_to_a_stub_is_refused() -> None:
    stub = package(
        "example.com/a",
        c="//go:build !nodevice\n\n" + IMPORTS_C,
        go='//go:build nodevice\n\npackage p\n\nvar e = errors.New("a: needs cgo")\n',
    )
    assert "is a stub then" in found(stub)["tags"].refused


def test_a_doubtful_word_is_a_caveat_and_no_refusal() -> None:
    some = package(
        "example.com/a",
        c=IMPORTS_C,
        go='//go:build !cgo\n\npackage p\n\nvar e = errors.New("a: fast path not implemented")\n',
    )
    assert not found(some)["pure"].refused
    assert "fast path not implemented" in found(some)["pure"].caveats[0]


def test_a_refusal_is_a_text_of_the_program_and_no_name_in_it() -> None:
    assert not refusal(go_file("a.go", "package p\n\nvar requires cgo = 1\n"))
    assert refusal(go_file("a.go", 'package p\n\nvar e = "db \\"x\\" requires cgo"\n'))
    assert refusal(go_file("a.go", "package p\n\nvar e = `this is a stub`\n"))


def test_the_floor_is_the_oldest_glibc_that_is_wanted() -> None:
    assert oldest_glibc(WANTED) == "2.28"
    assert oldest_glibc(distributions()[name] for name in ("rhel-9", "debian-13", "rhel-7")) == "2.17"
    assert oldest_glibc([distributions()["alpine-3.23"]]) is None
    only_alpine = Build("auto", (), (), GIVEN, (distributions()["alpine-3.23"],))
    assert [way.name for way in ways(only_alpine)] == ["pure", "musl", "static"]


def test_a_way_with_c_does_not_keep_cgo_off() -> None:
    assert found(cgo="off")["musl"].cgo == "auto"
    assert found(cgo="on")["musl"].cgo == "on"
