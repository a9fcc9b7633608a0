"""Facts that can be measured are measured, in the distributions that are at hand."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.rootfs import RECIPES, rootfs

from trimaran.binary import dynamic, elf, inspect_file
from trimaran.binary.reader import OpenFile
from trimaran.facts import Libc, distributions, glibc_symbols

pytestmark = pytest.mark.peer

LIBRARY_FOLDERS = ("lib", "lib64", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")


def loader(name: str) -> Path:
    return rootfs(name) / distributions()[name].interpreters["x86_64"].lstrip("/")


def inside(name: str, path: Path) -> Path:
    """Follow links as the distribution would, not as this machine does."""
    root = rootfs(name)
    for _ in range(10):
        if not path.is_symlink():
            return path
        target = path.readlink()
        path = root / str(target).lstrip("/") if target.is_absolute() else path.parent / target
    raise AssertionError(f"{path}: too many links")


def exported(path: Path) -> set[str]:
    done = subprocess.run(
        ["nm", "-D", "--defined-only", str(path)], capture_output=True, text=True, check=True
    )
    return {line.split()[-1].partition("@")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("name", RECIPES)
def test_the_interpreter_is_where_the_facts_say(name: str) -> None:
    assert inside(name, loader(name)).is_file()


@pytest.mark.parametrize("name", RECIPES)
def test_the_loader_says_the_version_of_the_facts(name: str) -> None:
    fact = distributions()[name]
    # The loader of glibc before 2.33 has no --version; the library itself says it when it is run.
    argument = [str(rootfs(name) / "lib/x86_64-linux-gnu/libc.so.6")] if fact.libc is Libc.GLIBC else []
    path = str(inside(name, loader(name)))
    done = subprocess.run([path, *argument], capture_output=True, text=True, check=False)
    pattern = {Libc.GLIBC: r"release version ([\d.]+)\.", Libc.MUSL: r"Version ([\d.]+)"}[fact.libc]
    found = re.search(pattern, done.stdout + done.stderr)
    assert found is not None
    assert found[1] == fact.libc_version


@pytest.mark.parametrize("name", RECIPES)
def test_each_library_of_the_facts_is_there(name: str) -> None:
    root = rootfs(name)
    there = {
        path.name
        for folder in LIBRARY_FOLDERS
        if (root / folder).is_dir()
        for path in (root / folder).iterdir()
    }
    # musl's loader answers to this name itself; there is no file.
    assert distributions()[name].libraries - {"libc.so"} <= there


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_of_the_other_library_is_there(name: str) -> None:
    root, fact = rootfs(name), distributions()[name]
    there = {
        path.name
        for folder in LIBRARY_FOLDERS
        if (root / folder).is_dir()
        for path in (root / folder).iterdir()
    }
    assert fact.elsewhere
    assert not there & fact.elsewhere.keys()


def test_alpine_exports_the_symbols_of_the_facts() -> None:
    symbols = distributions()["alpine-3.23"].symbols
    assert symbols is not None
    path = inside("alpine-3.23", loader("alpine-3.23"))
    image = path.read_bytes()
    # Names ending in 64 are no exports: the loader looks for the name without the ending.
    aliases = {name for name in symbols - exported(path) if name.removesuffix("64").encode() + b"\0" in image}
    assert symbols - exported(path) - aliases <= {"readdir64_r"}
    assert len(symbols & exported(path)) > 1500


def test_the_glibc_symbols_have_the_versions_of_the_facts() -> None:
    library = inside("debian-12", rootfs("debian-12") / "lib/x86_64-linux-gnu/libc.so.6")
    done = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True
    )
    names = {line.split()[-1].replace("@@", "@") for line in done.stdout.splitlines()}
    for fact in glibc_symbols():
        assert {f"{symbol}@GLIBC_{fact.version}" for symbol in fact.symbols} <= names
        assert set(fact.markers) <= names


def test_every_program_of_alpine_is_read_and_names_its_interpreter() -> None:
    root, seen = rootfs("alpine-3.23"), 0
    for folder in ("bin", "sbin", "usr/bin", "usr/sbin"):
        for path in (root / folder).iterdir():
            if path.is_symlink() or path.read_bytes()[:4] != b"\x7fELF":
                continue
            file = inspect_file(path)
            assert file.interpreter in {None, distributions()["alpine-3.23"].interpreters["x86_64"]}
            seen += 1
    assert seen > 30


def test_packed_relocations_are_read_where_the_facts_say_so() -> None:
    for name in RECIPES:
        fact = distributions()[name]
        if fact.libc is Libc.GLIBC:
            library = inside(name, rootfs(name) / "lib/x86_64-linux-gnu/libc.so.6")
            reads = b"GLIBC_ABI_DT_RELR\0" in library.read_bytes()
            assert fact.relr_since == "2.36"
            assert reads == (name != "debian-11")


def test_the_reader_counts_symbols_as_nm_does() -> None:
    program = inside("alpine-3.23", rootfs("alpine-3.23") / "bin/busybox")
    with program.open("rb") as file:
        opened = elf.read_elf(OpenFile(file.fileno(), program.stat().st_size))
        found = dynamic.undefined_symbols(opened, dynamic.entries(opened))
    done = subprocess.run(
        ["nm", "-D", "--undefined-only", str(program)], capture_output=True, text=True, check=True
    )
    strong = {line.split()[-1] for line in done.stdout.splitlines() if line.split()[0] == "U"}
    assert found is not None
    assert set(found) == strong


def test_readelf_says_the_same_of_both_distributions_programs() -> None:
    compared = 0
    for name in RECIPES:
        paths = [path for path in rootfs(name).rglob("*") if path.is_file() and not path.is_symlink()]
        for path in sorted(paths)[::5]:
            with path.open("rb") as file:
                if file.read(4) != b"\x7fELF":
                    continue
            done = subprocess.run(["readelf", "-dVlW", str(path)], capture_output=True, text=True, check=True)
            file_ = inspect_file(path)
            assert list(file_.needed) == re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", done.stdout), (
                path
            )
            seen = re.findall(r"Requesting program interpreter: (.*)\]", done.stdout)
            assert [file_.interpreter] == (seen or [None]), path
            versions = set(
                re.findall(r"Name: (\S+)  Flags: (?!.*WEAK)", done.stdout.partition("Version needs")[2])
            )
            assert {need.version for need in file_.versions} == versions, path
            compared += 1
    assert compared > 50
