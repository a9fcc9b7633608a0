"""The generated tables: whose package brings a library, what musl exports, what a base system has."""

import pytest

from trimaran.facts import distributions, musl_symbols, package_of, packages
from trimaran.facts.tables import read_table, table


def test_a_table_says_where_it_comes_from() -> None:
    found = read_table("# what\n# source: measured: x\n# checked: 2026-11-23\na b c\nd\n")
    assert (found.rows, found.source, found.checked) == (
        (("a", "b", "c"), ("d",)),
        "measured: x",
        "2026-11-23",
    )
    with pytest.raises(KeyError):
        read_table("a b\n")


@pytest.mark.parametrize("name", ["base", "glibc_versions", "musl_debian", "packages_debian"])
def test_every_table_is_sourced_and_has_rows(name: str) -> None:
    assert table(name).source.startswith("measured")
    assert table(name).rows


@pytest.mark.parametrize(
    ("library", "system", "runtime", "development"),
    [
        ("libsqlite3.so.0", "debian-12", "libsqlite3-0", "libsqlite3-dev"),
        ("libssl.so.3", "debian-12", "libssl3", "libssl-dev"),
        ("libssl.so.3", "debian-13", "libssl3t64", "libssl-dev"),
        ("libssl.so.1.1", "debian-11", "libssl1.1", "libssl-dev"),
        ("libsqlite3.so.0", "rhel-9", "sqlite-libs", "sqlite-devel"),
        ("libz.so.1", "alpine-3.23", "zlib", None),
    ],
)
def test_a_library_has_a_package(library: str, system: str, runtime: str, development: str | None) -> None:
    found = package_of(library, system)
    assert found is not None
    assert (found.runtime, found.development) == (runtime, development)
    assert found.source


def test_a_library_that_another_family_names_otherwise_has_no_package_there() -> None:
    assert package_of("libpcap.so.0.8", "debian-12") is not None
    assert package_of("libpcap.so.0.8", "rhel-9") is None
    assert package_of("libpcap.so.1", "rhel-9") is not None
    assert package_of("libssl.so.3", "debian-11") is None
    assert package_of("libnobody.so.1", "debian-12") is None


def test_packages_are_of_systems_that_are_known() -> None:
    families = {name.partition("-")[0] for name in distributions()}
    for each in packages():
        assert set(each.systems) <= distributions().keys() | families


def test_debians_musl_is_told_apart_from_alpines() -> None:
    known = musl_symbols()
    assert "crypt" in known["1.2.5"]
    assert "crypt" not in known["1.2.3-debian"]
    assert "fts_open" in known["1.2.3-debian"]
    assert "fts_open" not in known["1.2.5"]
    assert "qsort_r" in known["1.2.3-debian"]
    assert "qsort_r" not in known["1.2.2-debian"]
    # What Debian alone adds says nothing of Alpine 3.17, which has 1.2.3 too.
    assert distributions()["alpine-3.17"].symbols == known["1.2.5"] & (
        known["1.2.3-debian"] | known["1.2.2-debian"]
    )
