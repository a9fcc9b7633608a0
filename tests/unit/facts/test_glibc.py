"""The table of glibc's symbols and their versions."""

import re
import subprocess
import sys

import pytest

from trimaran.facts import (
    glibc_libraries,
    glibc_newest,
    glibc_symbol_versions,
    glibc_symbols,
    symbols_of,
)


@pytest.mark.parametrize(
    ("symbol", "versions"),
    [
        ("pthread_create", ("2.2.5", "2.34")),
        ("memcpy", ("2.2.5", "2.14")),
        ("stat64", ("2.33",)),
        ("fcntl64", ("2.28",)),
        ("arc4random", ("2.36",)),
    ],
)
def test_a_symbol_has_its_versions(symbol: str, versions: tuple[str, ...]) -> None:
    assert glibc_symbol_versions()[symbol] == versions


def test_another_machine_began_with_another_version() -> None:
    assert glibc_symbol_versions("aarch64")["pthread_create"] == ("2.17", "2.34")
    with pytest.raises(KeyError):
        glibc_symbol_versions("pdp11")


def test_a_symbol_that_moved_is_in_both_libraries() -> None:
    libraries = glibc_libraries()
    assert "2.34" in libraries["libc.so.6"]["pthread_create"]
    assert libraries["libpthread.so.0"]["pthread_create"] == ("2.2.5",)
    assert "pthread_create" in symbols_of("2.34")
    assert "pthread_create" not in symbols_of("2.33")


def test_the_table_has_what_the_short_list_has() -> None:
    for entry in glibc_symbols():
        assert set(entry.symbols) <= symbols_of(entry.version)


def test_versions_stand_oldest_first_and_end_with_the_newest() -> None:
    for machine in ("x86_64", "aarch64"):
        for symbol, versions in glibc_symbol_versions(machine).items():
            assert all(re.fullmatch(r"2(\.\d+)+", version) for version in versions), symbol
            numbers = [tuple(map(int, version.split("."))) for version in versions]
            assert numbers == sorted(set(numbers)), symbol
    assert len(glibc_symbol_versions()) > 4000
    assert symbols_of(glibc_newest())


def test_the_table_is_read_only_when_it_is_asked_for_and_then_quickly() -> None:
    script = (
        "import time, trimaran.facts as f; from trimaran.facts.tables import table;"
        "assert not table.cache_info().currsize;"
        "began = time.process_time(); f.glibc_symbol_versions(); print(time.process_time() - began)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # 8 ms where it was written; the machine that runs this may be slow.
    assert float(done.stdout) < 0.1
