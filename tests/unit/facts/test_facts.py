"""Every fact says where it comes from; what is only remembered does not load."""

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from trimaran.binary import Kind, Outcome, Rule
from trimaran.facts import (
    Libc,
    UnsourcedFactError,
    amd64_levels,
    distributions,
    glibc_symbols,
    go_bootstraps,
    go_kernels,
    go_machine_kernels,
    go_packages,
    refused,
)
from trimaran.facts.read import select

FILES = sorted(
    entry.name for entry in resources.files("trimaran.facts").iterdir() if entry.name.endswith(".toml")
)


def data(file: str) -> str:
    return resources.files("trimaran.facts").joinpath(file).read_text("utf-8")


def test_a_remembered_entry_does_not_load_and_is_named() -> None:
    taken, left = select(
        "x.toml",
        '[a]\nsource = "measured"\nchecked = 2026-11-23\n'
        '[b]\nsource = "Remembered, check before shipping"\nchecked = 2026-11-23\n',
    )
    assert list(taken) == ["a"]
    assert [(entry.file, entry.entry) for entry in left] == [("x.toml", "b")]


def test_a_remembered_key_does_not_load_with_an_entry_that_does() -> None:
    taken, left = select(
        "x.toml",
        '[a]\nsource = "measured"\nchecked = 2026-11-23\ncpu = 2\ncpu_source = "remembered"\nname = "A"\n',
    )
    assert set(taken["a"]) == {"source", "checked", "name"}
    assert [entry.entry for entry in left] == ["a.cpu"]


@pytest.mark.parametrize("text", ["[a]\nchecked = 2026-11-23\n", '[a]\nsource = "x"\n', "[[a]]\nn = 1\n"])
def test_an_entry_without_a_source_or_a_day_is_an_error(text: str) -> None:
    with pytest.raises(UnsourcedFactError, match=r"x\.toml: a"):
        select("x.toml", text)


def test_what_waits_for_a_source_is_not_known() -> None:
    waiting = {entry.entry for entry in refused() if entry.file == "distributions.toml"}
    assert not waiting & distributions().keys()
    assert {"alpine-3.17", "alpine-3.20"} <= distributions().keys()


def test_nothing_loads_whose_source_is_memory() -> None:
    lists = (distributions().values(), go_kernels(), go_bootstraps(), go_packages(), glibc_symbols())
    everything = [(fact.source, fact.checked) for facts in lists for fact in facts]
    assert len(everything) > 40
    for source, checked in everything:
        assert not source.lower().startswith("remembered")
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", checked)


@pytest.mark.parametrize("file", FILES)
def test_every_data_file_is_read_whole(file: str) -> None:
    taken, left = select(file, data(file))
    wanted = sum(len(value) if isinstance(value, list) else 1 for value in tomllib.loads(data(file)).values())
    assert len(taken) + len(left) == wanted > 0


@pytest.mark.parametrize(
    ("name", "libc", "version"),
    [
        ("ubuntu-22.04", Libc.GLIBC, "2.35"),
        ("debian-12", Libc.GLIBC, "2.36"),
        ("rhel-9", Libc.GLIBC, "2.34"),
        ("amazon-2023", Libc.GLIBC, "2.34"),
        ("alpine-3.23", Libc.MUSL, "1.2.5"),
    ],
)
def test_a_distribution_has_its_c_library(name: str, libc: Libc, version: str) -> None:
    found = distributions()[name]
    assert (found.libc, found.libc_version) == (libc, version)
    assert found.interpreters["x86_64"].rpartition("/")[2] in found.libraries
    assert not found.libraries & found.elsewhere.keys()


def test_distributions_stand_in_the_order_of_their_releases() -> None:
    names = [name for name in distributions() if name.startswith("rhel")]
    assert names == ["rhel-7", "rhel-8", "rhel-9", "rhel-10"]


def test_the_table_cannot_be_changed_by_who_reads_it() -> None:
    with pytest.raises(TypeError):
        distributions()["x"] = distributions()["debian-12"]  # type: ignore[index] # that is the point


def test_only_a_measured_musl_tells_its_symbols() -> None:
    symbols = distributions()["alpine-3.23"].symbols
    assert symbols is not None
    assert {"puts", "pthread_create", "open64"} <= symbols
    assert "fts_open" not in symbols
    assert distributions()["alpine-3.23"].perhaps == frozenset()
    assert distributions()["debian-12"].symbols is None


def test_what_other_releases_of_musl_export_bounds_one_that_nobody_measured() -> None:
    measured, before, after = (distributions()[f"alpine-3.{minor}"] for minor in (23, 18, 24))
    assert before.symbols is not None
    assert measured.symbols is not None
    assert {"puts", "pthread_create"} <= before.symbols < measured.symbols
    # statx came with 1.2.5, or with 1.2.4: nobody looked. fts_open is in Debian's builds, which says nothing.
    assert before.perhaps == measured.symbols - before.symbols
    assert "statx" in before.perhaps
    assert "fts_open" not in before.symbols | before.perhaps
    assert (after.symbols, after.perhaps) == (measured.symbols, None)


def test_debian_says_what_its_essential_packages_bring_beside_the_c_library() -> None:
    for name in ("debian-11", "debian-12", "debian-13"):
        found = distributions()[name]
        assert {"libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "libsystemd.so.0"} <= found.base
        assert not found.base & found.libraries
        assert "libpcap.so.0.8" not in found.base
    assert "libcrypto.so.1.1" in distributions()["debian-11"].base
    assert "libcrypto.so.3" in distributions()["debian-13"].base
    assert distributions()["ubuntu-22.04"].base == frozenset()


def test_each_level_of_amd64_asks_for_all_that_the_lower_ones_do() -> None:
    levels = amd64_levels()
    assert list(levels) == [1, 2, 3, 4]
    assert levels[1].flags == ()
    for level in (2, 3, 4):
        assert set(levels[level - 1].flags) < set(levels[level].flags)
    assert "avx2" in levels[3].flags
    assert "avx2" not in levels[2].flags


def test_an_architecture_may_need_a_newer_linux_than_the_others() -> None:
    loong = [entry for entry in go_machine_kernels() if entry.arch == "loong64"]
    assert [(entry.first, entry.linux) for entry in loong] == [(19, "5.19")]


def test_the_bootstrap_table_follows_gos_rule() -> None:
    # cmd/dist: from 1.22 on, Go 1.N needs 1.(N-2-N%2).
    for entry in go_bootstraps():
        if entry.first >= 22:
            assert entry.needs.split(".")[1] == str(entry.first - 2 - entry.first % 2)
    assert [entry.first for entry in go_bootstraps()] == sorted(entry.first for entry in go_bootstraps())


def test_a_packaged_go_has_a_version_and_its_distribution_a_name() -> None:
    for package in go_packages():
        assert re.fullmatch(r"1\.\d+(\.\d+)?", package.version)
        assert package.version not in package.also
        assert re.fullmatch(r"[a-z]+-\d+(\.\d+)*", package.distribution)
    by_name = {package.distribution: package for package in go_packages()}
    assert by_name["debian-12"].version == "1.19.8"
    assert "1.23" in by_name["ubuntu-22.04"].also


DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_about_facts_names_every_distribution_and_every_key() -> None:
    page = (DOCS / "facts.md").read_text("utf-8")
    for fact in distributions().values():
        row = f"| `{fact.id}` | {fact.name} | {fact.libc} {fact.libc_version} | {fact.source} |"
        assert row in page
    for file in FILES:
        assert f"`{file}`" in page
        for value in tomllib.loads(data(file)).values():
            for entry in value if isinstance(value, list) else [value]:
                for key in entry:
                    assert f"`{key}`" in page, f"{file}: {key}"
    for entry in refused():
        if entry.file == "distributions.toml":
            assert f"`{entry.entry}`" in page


def test_the_page_about_inspect_explains_every_rule_outcome_and_kind() -> None:
    page = (DOCS / "inspect.md").read_text("utf-8")
    for enum in (Rule, Outcome, Kind):
        for word in enum:
            assert f"`{word}`" in page
