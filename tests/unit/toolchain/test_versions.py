"""Go's version order and choice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.toolchain.versions import (
    GoVersion,
    Stage,
    newest,
    newest_of_each_minor,
    parse_toolchain,
    satisfies,
)

_ORDERED = [
    "1.9",
    "1.10",
    "1.20.14",
    "1.21",
    "1.21rc1",
    "1.21rc2",
    "1.21.0",
    "1.21.10",
    "1.26beta1",
    "1.26rc1",
]
versions = st.builds(
    GoVersion, st.integers(1, 3), st.integers(21, 40), st.sampled_from(Stage), st.integers(0, 30)
).map(lambda v: v.language if v.stage is Stage.LANGUAGE else v)


def v(text: str) -> GoVersion:
    return GoVersion.parse(text)


def test_the_order_is_gos_own() -> None:
    assert sorted(v(text) for text in reversed(_ORDERED)) == [v(text) for text in _ORDERED]


@given(versions)
def test_what_is_printed_reads_back(version: GoVersion) -> None:
    assert v(str(version)) == version
    assert v(f"go{version}") == version


@given(versions)
def test_the_language_comes_before_all_its_releases(version: GoVersion) -> None:
    assert version.language <= version < GoVersion(version.major, version.minor + 1)


@pytest.mark.parametrize(
    "text", ["", "1", "go", "1.x", "1.26.", "1.26 ", "v1.26", "1.26.8.1", "\u0661.\u0662", "1.26rc"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a Go version"):
        GoVersion.parse(text)


def test_the_first_release_before_patch_zero_is_named_without_it() -> None:
    assert GoVersion.of_release("go1.20") == GoVersion(1, 20, Stage.RELEASE, 0)
    assert str(GoVersion.of_release("go1.20")) == "1.20"
    assert GoVersion.of_release("go1.26.8 X:nodwarf5") == v("1.26.8")
    assert GoVersion.of_release("go1.22.5-fips") == v("1.22.5")


def test_a_declared_language_takes_any_of_its_releases_and_no_other() -> None:
    assert satisfies(v("1.26.8"), v("1.26"))
    assert not satisfies(v("1.27.0"), v("1.26"))
    assert not satisfies(v("1.26rc1"), v("1.26"))
    assert not satisfies(v("1.26.8"), v("1.26.7"))
    assert satisfies(v("1.26rc1"), v("1.26rc1"))


def test_the_modules_go_line_is_a_floor() -> None:
    assert not satisfies(v("1.26.2"), v("1.26"), v("1.26.3"))
    assert satisfies(v("1.26.3"), None, v("1.26.3"))
    assert not satisfies(v("1.26.3"), None, v("1.27"))


def test_the_newest_that_satisfies_is_chosen_by_number() -> None:
    offered = [v(text) for text in ("1.26.9", "1.26.11", "1.26.10", "1.27.0", "1.28rc1")]
    assert newest(offered, v("1.26")) == v("1.26.11")
    assert newest(offered, None) == v("1.27.0")
    assert newest(offered, v("1.25")) is None
    assert newest_of_each_minor(offered) == (v("1.28rc1"), v("1.27.0"), v("1.26.11"))


def test_the_proxys_list_is_read_and_what_is_strange_is_left_out() -> None:
    found = parse_toolchain("v0.0.1-go1.26.8.linux-amd64")
    assert found is not None
    assert (found.version, found.os, found.arch) == (v("1.26.8"), "linux", "amd64")
    assert found.module_version == "v0.0.1-go1.26.8.linux-amd64"
    old = parse_toolchain("v0.0.1-go1.20.linux-amd64")
    assert old is not None
    assert old.module_version == "v0.0.1-go1.20.linux-amd64"
    for strange in ("v1.0.0", "v0.0.1-go1.26.8.linux-amd64/..", "v0.0.1-gox.linux-amd64", ""):
        assert parse_toolchain(strange) is None
