"""A root file system is measured by what its own files say; its links lead nowhere outside."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.rootfs import trees

from trimaran.errors import TrimaranError
from trimaran.facts import Libc, distributions
from trimaran.rootfs import inside, record, texts
from trimaran.rootfs.measure import measure
from trimaran.rootfs.model import Root

DAY = "2026-11-23"


def test_glibc_is_measured(tmp_path: Path) -> None:
    machine, fact, contents = measure(trees.glibc(tmp_path), "mine", DAY)
    assert (machine, fact.id, fact.name) == ("x86_64", "mine", "Made Linux 1")
    assert (fact.libc, fact.libc_version) == (Libc.GLIBC, "2.30")
    assert fact.inventory is not None
    assert sorted(fact.inventory) == ["ld-2.30.so", "ld-linux-x86-64.so.2", "libc.so.6", "libmine.so.1"]
    assert fact.libraries == frozenset(fact.inventory)
    assert fact.inventory["libmine.so.1"].needed == ("libc.so.6",)
    assert fact.inventory["libmine.so.1"].exports is None
    assert (contents.system, contents.manager, contents.packages) == ("made 1", "dpkg", 1)
    assert contents.name_services == {"passwd": "files systemd", "hosts": "files dns"}
    assert fact.interpreters == distributions()["debian-12"].interpreters
    assert "ld-musl-x86_64.so.1" in fact.elsewhere


def test_musl_is_measured(tmp_path: Path) -> None:
    machine, fact, contents = measure(trees.musl(tmp_path), "mine", DAY)
    assert (machine, fact.libc, fact.libc_version) == ("x86_64", Libc.MUSL, "1.2.4")
    assert fact.inventory is not None
    assert {"ld-musl-x86_64.so.1", "libc.so", "libmine.so.1"} <= set(fact.inventory)
    assert fact.symbols == fact.inventory["libc.so"].exports
    # What musl answers to itself is not missing there, whoever else has that name.
    assert "libc.so.6" in fact.inventory
    assert "libc.so.6" not in fact.elsewhere
    assert (contents.manager, contents.packages) == ("apk", 2)


def test_a_path_file_of_musl_is_what_counts(tmp_path: Path) -> None:
    root = trees.musl(tmp_path)
    trees.write(root / "etc/ld-musl-x86_64.path", b"/opt/lib:/lib\n/usr/lib\n")
    trees.write(root / "opt/lib/libtheirs.so", trees.library("libtheirs.so"))
    inventory = measure(root, "mine", DAY)[1].inventory or {}
    assert "libtheirs.so" in inventory
    assert "libmine.so.1" not in inventory


def cache(*rows: tuple[str, str, int], old: bytes = b"") -> bytes:
    """A cache of glibc's loader."""
    texts_at, strings, entries = 48 + 24 * len(rows), b"", b""
    for name, path, variant in rows:
        at = texts_at + len(strings)
        strings += name.encode() + b"\0" + path.encode() + b"\0"
        entries += struct.pack("<iIIIQ", 0x303, at, at + len(name) + 1, 0, variant)
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(rows), len(strings))
    return old + head.ljust(48, b"\0") + entries + strings


def test_the_loaders_cache_comes_first_and_its_folders_count_only_with_it(tmp_path: Path) -> None:
    root = trees.glibc(tmp_path)
    trees.write(root / "opt/far/libfar.so.3", trees.library("libfar.so.3"))
    trees.write(root / "etc/ld.so.conf.d/far.conf", b"/opt/far\n")
    assert "libfar.so.3" not in (measure(root, "mine", DAY)[1].inventory or {})
    rows = (("libfar.so.3", "/opt/far/libfar.so.3", 0), ("libgone.so.1", "/opt/gone.so", 0),
            ("libfast.so.1", "/opt/far/libfar.so.3", 1 << 62))  # fmt: skip
    for old in (b"", b"ld.so-1.7.0\0" + bytes(36)):
        trees.write(root / "etc/ld.so.cache", cache(*rows, old=old))
        inventory = measure(root, "mine", DAY)[1].inventory or {}
        assert "libfar.so.3" in inventory
        assert not {"libgone.so.1", "libfast.so.1"} & set(inventory)


def test_libraries_of_another_machine_are_not_found(tmp_path: Path) -> None:
    root = trees.glibc(tmp_path)
    trees.write(root / "usr/lib/libarm.so", trees.library("libarm.so", machine=183))
    trees.write(root / "usr/lib/libtext.so", b"INPUT(libc.so.6)\n")
    trees.write(root / "usr/lib/libbroken.so", trees.library("libbroken.so")[:90])
    os.mkfifo(root / "usr/lib/libpipe.so")
    (root / "usr/lib/libfolder.so").mkdir()
    (root / "usr/lib/libround.so").symlink_to("libround.so")
    inventory = measure(root, "mine", DAY)[1].inventory or {}
    assert not {name for name in inventory if name.startswith(("libarm", "libtext", "libbroken", "libpipe"))}


@pytest.mark.parametrize("what", ["empty", "no version", "other machine", "text", "loop"])
def test_what_is_no_distribution_is_refused(tmp_path: Path, what: str) -> None:
    loader = tmp_path / "lib64/ld-linux-x86-64.so.2"
    match what:
        case "no version":
            trees.write(loader, trees.library("ld.so"))
        case "other machine":
            trees.write(loader, trees.library("ld.so", machine=183))
        case "text":
            trees.write(loader, b"hello")
        case "loop":
            (tmp_path / "lib64").symlink_to("lib64")
    with pytest.raises(TrimaranError) as caught:
        measure(tmp_path, "mine", DAY)
    assert caught.value.problems[0].code == ("TRM1126" if what == "no version" else "TRM1125")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("/etc/secret", None), ("../../../../etc/secret", None), ("/real", "real"), ("../../real", "real"),
        ("loop", None), ("/", ""), ("..", ""), ("a/../b/../../x/../real", "real"),
    ],
)  # fmt: skip
def test_a_link_leads_nowhere_outside(tmp_path: Path, target: str, found: str | None) -> None:
    root = tmp_path / "root"
    root.mkdir()
    trees.write(tmp_path / "etc/secret", b"secret")
    trees.write(root / "real", b"real")
    for name in ("a", "b", "x", "loop"):
        (root / name).symlink_to("loop") if name == "loop" else (root / name).mkdir()
    (root / "way").symlink_to(target)
    where = inside.resolve(root, "way")
    assert where == (None if found is None else root / found)
    assert b"secret" not in inside.read(root, "way", 100)


@given(st.binary(max_size=400))
def test_any_file_is_read_or_passed_over(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    texts.glibc_version(content)
    texts.musl_version(b"musl libc (" + content)
    texts.glibc_folders(content)
    list(texts.loader_cache(b"glibc-ld.so.cache1.1" + content))
    for parse in (texts.os_release, texts.name_services, texts.musl_folders, texts.go_release):
        parse(text)


def test_what_is_shown_has_nothing_that_steers_a_terminal() -> None:
    assert texts.os_release('PRETTY_NAME="\x1b[2Jx"\nNAME=\'a\nID=b c\n')["PRETTY_NAME"] == "\ufffd[2Jx"
    assert texts.name_services("passwd: \x1b[2J")["passwd"] == "\ufffd[2J"


def measured(tmp_path: Path) -> Root:
    machine, fact, contents = measure(trees.glibc(tmp_path), "mine", DAY)
    return Root("mine", tmp_path, "/made", "", DAY, machine, fact, contents, ("dev/null",))


def test_a_record_gives_back_what_was_measured(tmp_path: Path) -> None:
    root = measured(tmp_path)
    import json

    text = json.dumps(record.document(root)).encode()
    assert record.restore(text, tmp_path, distributions()) == root


def test_the_fact_is_one_that_the_loader_of_facts_takes(tmp_path: Path) -> None:
    from trimaran.facts.read import select

    root = measured(tmp_path)
    taken, refused = select("x.toml", record.toml(root, frozenset({"libc.so.6"})))
    assert not refused
    entry = taken["mine"]
    assert (entry["libc"], entry["version"], entry["name"]) == ("glibc", "2.30", "Made Linux 1")
    assert "libmine.so.1" in entry["libraries"]
    assert "libc.so.6" not in entry["libraries"]
    assert entry["source"].startswith("measured")
