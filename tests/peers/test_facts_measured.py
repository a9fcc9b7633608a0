"""The tables of facts, compared with the real libraries of the root file systems at hand."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.rootfs import rootfs

from trimaran.facts import distributions, glibc_libraries, glibc_newest, packages
from trimaran.facts.tables import table

pytestmark = pytest.mark.peer

DEBIANS = ("debian-11", "debian-12", "debian-13")
MOVED = glibc_libraries()["libpthread.so.0"]
LIBRARIES = ("libc.so.6", "libm.so.6", "libresolv.so.2")


def exported(library: Path) -> set[tuple[str, str]]:
    """Symbol and version of glibc, as `nm` prints them."""
    done = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", str(library)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r" (\S+?)@@?GLIBC_([\d.]+)$", done.stdout, re.MULTILINE))


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@pytest.mark.parametrize("name", DEBIANS)
def test_the_table_says_of_each_release_what_its_libraries_export(name: str) -> None:
    release, root = number(distributions()[name].libc_version), rootfs(name)
    compared = 0
    for library in LIBRARIES:
        found = next(path for path in root.glob(f"**/x86_64-linux-gnu/{library}") if path.exists())
        real = exported(found)
        known = {
            (symbol, version)
            for symbol, versions in glibc_libraries()[library].items()
            for version in versions
        }
        assert real <= known, sorted(real - known)[:10]
        # What the table has of this release's own version is all there, but for what came from libpthread
        # later, and brought its version along.
        own = {pair for pair in known if number(pair[1]) == release and pair[1] not in MOVED.get(pair[0], ())}
        assert own <= real, sorted(own - real)[:10]
        compared += len(real)
    assert compared > 3000
    assert number(glibc_newest()) > release


def test_what_debians_base_has_is_not_in_the_c_library() -> None:
    assert {row[0] for row in table("base").rows} == set(DEBIANS)
    for name in DEBIANS:
        fact, minimal = distributions()[name], rootfs(name)
        there = {path.name for path in minimal.glob("**/x86_64-linux-gnu/lib*.so.*")}
        # The root at hand is smaller than the base, and knows the C library alone.
        assert len(fact.base) > 40
        assert fact.libraries <= there | {"ld-linux-x86-64.so.2"}


def test_alpines_own_database_says_which_package_brings_a_library() -> None:
    installed = rootfs("alpine-3.23") / "lib/apk/db/installed"
    provided: dict[str, set[str]] = {}
    for paragraph in installed.read_text("utf-8").split("\n\n"):
        name = re.search(r"^P:(.+)$", paragraph, re.MULTILINE)
        for library in re.findall(r"so:(\S+?)=", paragraph):
            provided.setdefault(library, set()).add(name[1] if name else "")
    checked = [each for each in packages() if each.source.startswith("measured: package database of Alpine")]
    assert len(checked) > 10
    for each in checked:
        assert each.runtime in provided[each.library]
