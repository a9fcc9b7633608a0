"""Listings of Go, read into packages."""

import json

import pytest

from trimaran.toolchain.golist import Package, parse


def listed(**fields: object) -> Package:
    return parse(json.dumps({"ImportPath": "a.b/c", **fields}))[0]


def test_a_package_has_what_was_asked_for_and_nothing_else() -> None:
    found = listed(
        Name="main",
        Dir="/m",
        CgoFiles=["x.go"],
        CFiles=["x.c"],
        CXXFiles=["y.cc"],
        CgoLDFLAGS=["-lz"],
        SysoFiles=["z.syso"],
        Module={"Path": "a.b/c", "Version": "v1.2.3"},
    )
    assert found == Package(
        "a.b/c",
        "main",
        folder="/m",
        module="a.b/c",
        version="v1.2.3",
        cgo_files=("x.go",),
        c_files=("x.c", "y.cc"),
        cplusplus=True,
        objects=("z.syso",),
        ldflags=("-lz",),
    )


def test_what_replaces_a_module_is_what_is_compiled() -> None:
    module = {"Path": "a.b/c", "Version": "v1.0.0"}
    other = listed(Module=module | {"Replace": {"Path": "d.e/f", "Version": "v2.0.0"}})
    folder = listed(Module=module | {"Replace": {"Path": "../c"}})
    assert (other.module, other.version) == ("d.e/f", "v2.0.0")
    assert (folder.module, folder.version) == ("a.b/c", "")


def test_a_fault_stands_with_its_package_and_the_order_stays() -> None:
    text = (
        json.dumps({"ImportPath": "x", "Error": {"Err": "no such package"}})
        + "\n"
        + json.dumps({"ImportPath": "y"})
    )
    assert [(each.path, each.fault) for each in parse(text)] == [("x", "no such package"), ("y", "")]


@pytest.mark.parametrize("text", ["[]", '{"ImportPath"', "go: nothing", '"x"'])
def test_what_is_no_listing_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is not shown
        parse(text)


@pytest.mark.parametrize("value", [7, None, {"a": 1}, "x"])
def test_values_of_another_kind_count_as_absent(value: object) -> None:
    assert (
        listed(CgoFiles=value, Module=value if not isinstance(value, dict) else [], Error=[]).cgo_files == ()
    )
