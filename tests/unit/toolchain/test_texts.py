"""Settings, hashes and listings that are read from text."""

import hashlib

import pytest

from trimaran.toolchain import gomod, modversions
from trimaran.toolchain.dirhash import h1
from trimaran.toolchain.goproxy import (
    Source,
    database_address,
    escape,
    module_file,
    parse_goproxy,
    parse_list,
    without_secret,
)
from trimaran.toolchain.versions import GoVersion


def test_the_content_hash_is_the_one_in_the_database() -> None:
    # From the public record of golang.org/toolchain's go.mod, the same for every version.
    digest = hashlib.sha256(b"module golang.org/toolchain\n").hexdigest()
    assert h1({"go.mod": digest}) == "h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0="


def test_the_content_hash_depends_on_names_and_contents_and_not_on_order() -> None:
    assert h1({"a": "1", "b": "2"}) == h1({"b": "2", "a": "1"}) != h1({"a": "2", "b": "1"})
    with pytest.raises(ValueError, match="line end"):
        h1({"a\nb": "1"})


def test_goproxy_lists_are_read_with_their_separators() -> None:
    found = parse_goproxy("https://a.example/x/,http://b.example|file:///srv/p,direct")
    assert found.sources == (
        Source("https://a.example/x"),
        Source("http://b.example", yields=True),
        Source("file:///srv/p"),
    )
    assert found.passed_over == "direct"


def test_nothing_after_direct_or_off_is_asked() -> None:
    assert parse_goproxy("off,https://a.example").sources == ()
    assert parse_goproxy("").sources == ()


def test_an_address_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(ValueError, match=r"'ftp://a.example'") as caught:
        parse_goproxy("ftp://me:secret@a.example")
    assert "secret" not in str(caught.value)
    assert without_secret("https://me:secret@a.example/x") == "https://a.example/x"


def test_module_paths_are_escaped_as_the_protocol_says() -> None:
    assert escape("github.com/Azure/azure-SDK") == "github.com/!azure/azure-!s!d!k"
    assert module_file("a.b/C", "v1.0.0-RC.zip") == "a.b/!c/@v/v1.0.0-!r!c.zip"
    assert parse_list("v1.0.0\n\nv1.1.0 2020-01-01\n") == ("v1.0.0", "v1.1.0")


def test_gosumdb_names_an_address_or_switches_off() -> None:
    assert database_address("off", "sum.x") is None
    assert database_address("", "sum.x") == ""
    assert database_address("sum.x https://mirror.example/s/", "sum.x") == "https://mirror.example/s"
    assert database_address("other.y https://elsewhere.example", "sum.x") == ""


def test_the_go_line_of_a_go_mod_is_found_and_not_its_look_alikes() -> None:
    text = "module example.com/go // go 9.9\n\n// go 8.8\ngo 1.25.0 // why\ntoolchain go1.27.0\n"
    assert gomod.least_go(text) == GoVersion.parse("1.25.0")
    assert gomod.module_path(text) == "example.com/go"
    assert gomod.least_go("module m\n") is None
    assert gomod.least_go("go nonsense\n") is None


def test_a_package_with_c_outside_the_standard_library_needs_cgo() -> None:
    listing = (
        '{"ImportPath":"net","Standard":true,"CgoFiles":["a.go"]}\n'
        '{"ImportPath":"example.com/sqlite","CgoFiles":["b.go"]}\n'
        '{"ImportPath":"example.com/cmd","Name":"main"}\n'
    )
    found = gomod.need(listing)
    assert found.cgo == ("example.com/sqlite",)
    assert found.main
    assert not found.cplusplus
    assert gomod.need('{"ImportPath":"p","CgoFiles":["b.go"],"CXXFiles":["c.cc"]}').cplusplus
    assert not gomod.need('{"ImportPath":"p","Name":"p"}').main
    assert gomod.need('{"ImportPath":"p","Error":{"Err":"broken"}}').faults == ("broken",)
    with pytest.raises(ValueError, match="objects only"):
        gomod.need("[1]")


def test_the_nearest_versions_are_around_the_one_that_is_not_there() -> None:
    known = ["v1.0.0", "v1.2.0", "v1.3.0", "v1.10.0", "v2.0.0", "v2.1.0", "nonsense"]
    assert "v1.3.0" in modversions.nearest("v1.4.0", known)
    assert "v1.10.0" in modversions.nearest("v1.4.0", known)
    assert modversions.nearest("v1.4.0", known)[-1] == "v2.1.0"
    assert modversions.nearest("main", known)[-1] == "v2.1.0"
    assert modversions.nearest("v1", []) == ()


def test_modules_versions_sort_as_semantic_versions() -> None:
    ordered = [
        "v1.0.0-alpha",
        "v1.0.0-alpha.1",
        "v1.0.0-beta.2",
        "v1.0.0-beta.11",
        "v1.0.0",
        "v1.2.0",
        "v1.10.0",
    ]
    keys = [modversions.order(version) for version in ordered]
    assert None not in keys
    assert sorted(keys, key=lambda key: key or (0, 0, 0, 0, ())) == keys
    assert modversions.order("1.0.0") is None
