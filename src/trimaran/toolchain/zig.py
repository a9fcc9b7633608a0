"""Zig as a C compiler: it brings musl, and every glibc's symbols, for every machine.

Taken from PATH, from the `ziglang` wheel of this Python environment, or brought as that wheel into the cache:
unpacked in a temporary folder that is renamed when it is whole, under a lock, and only with the hash below.
"""

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, printable
from trimaran.toolchain import disk, fetch, gocommand
from trimaran.toolchain.gocommand import Limits
from trimaran.toolchain.model import Progress
from trimaran.toolchain.situation import identity, program

VERSION = "0.17.0"
# sha256 of the wheels for x86-64 and 64-bit ARM; pip takes the one that fits this machine.
_HASHES = (
    "97079827064a7492cce5541ceb438ae8003ce1e54e399676da2d62fb7a5dc08b",
    "d2804f94f54f7fcf8169f4b212a619ad688a4e2e6592e976f0cf2e58e2cd8af3",
)
_ROOM = 700 << 20  # 100 MB packed and 410 MB unpacked, and what it compiles
_ASKING = Limits(total_s=20)
_BRINGING = Limits(total_s=1800, idle_s=120)
_MACHINES = {
    "386": "x86",
    "amd64": "x86_64",
    "arm": "arm",
    "arm64": "aarch64",
    "ppc64le": "powerpc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}


@dataclass(frozen=True, slots=True)
class Zig:
    """A Zig that can be run.

    Args:
        command: its program.
        version: what it says of itself, as `0.17.0`.
        origin: `path`, `wheel` (of this Python environment) or `cache` (brought by us).
    """

    command: Path
    version: str
    origin: str


def find(cache: Path) -> Zig | None:
    """The Zig at hand: on PATH, in the `ziglang` wheel, in our cache; None when there is none."""
    named = program("zig")
    if named is not None and (version := _asked(named, str(identity(named)))):
        return Zig(named, version, "path")
    for folder in sys.path:
        bundled = Path(folder, "ziglang", "zig")
        if bundled.is_file() and os.access(bundled, os.X_OK):
            told = next(bundled.parent.parent.glob("ziglang-*.dist-info"), None)
            return Zig(bundled, told.name.split("-")[1] if told else "", "wheel")
    brought = _place(cache) / "ziglang" / "zig"
    return Zig(brought, VERSION, "cache") if brought.is_file() else None


def ensure(cache: Path, progress: Progress) -> Zig:
    """The Zig at hand, or else brought. Raises TRM0337 when it cannot be had."""
    found = find(cache)
    if found is not None:
        return found
    place = _place(cache)
    with disk.explained(cache), disk.lock(place.with_name(f".{VERSION}.lock"), progress, "Zig"):
        if not place.is_dir():
            _bring(place, progress)
    found = find(cache)
    if found is None:
        raise _lacking("the wheel holds no zig")
    return found


def target(platform: str, libc: str) -> str:
    """What Zig calls a platform: `x86_64-linux-gnu.2.17` for linux/amd64 and glibc-2.17.

    Raises ValueError for a platform that it has no name for here.
    """
    system, _, arch = platform.partition("/")
    if system != "linux" or arch not in _MACHINES:
        raise ValueError(f"no C library is known for {platform}")
    kind, _, version = libc.partition("-")
    abi = ("musl" if kind == "musl" else "gnu") + ("eabihf" if arch == "arm" else "")
    return f"{_MACHINES[arch]}-linux-{abi}" + (f".{version}" if version else "")


def environment(cache: Path) -> dict[str, str]:
    """Where Zig keeps what it compiled: in our cache, whatever HOME is."""
    folder = str(cache / "zig" / "compiled")
    return {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}


def _place(cache: Path) -> Path:
    return cache / "zig" / VERSION


@lru_cache(maxsize=8)
def _asked(command: Path, known_by: str) -> str:
    """The version that a program named zig tells; empty when it tells none."""
    del known_by
    with tempfile.TemporaryDirectory(prefix="trimaran-zig-") as folder:
        try:
            told = gocommand.run([str(command), "version"], Path(folder), os.environ, _silent, _ASKING)
        except TrimaranError:
            return ""
    text = told.out.strip()
    return text if told.status == 0 and re.fullmatch(r"[0-9][0-9A-Za-z.+-]{0,60}", text) else ""


def _silent(line: str) -> None:
    del line


def _bring(place: Path, progress: Progress) -> None:
    for left in place.parent.glob(f".{VERSION}.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    if not fetch.room_for(place.parent, _ROOM):
        raise _lacking(f"{place.parent} has less than {_ROOM >> 20} MB free")
    progress(f"bringing Zig {VERSION} (100 MB)")
    folder = Path(tempfile.mkdtemp(prefix=f".{VERSION}.new-", dir=place.parent))
    try:
        wanted = folder / "wanted.txt"
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in _HASHES)
        wanted.write_text(f"ziglang=={VERSION} {hashes}\n", "utf-8")
        _pip(folder, wanted)
        tree = folder / "tree"
        if not (tree / "ziglang" / "zig").is_file():
            raise _lacking("the wheel holds no zig")
        tree.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pip(folder: Path, wanted: Path) -> None:
    argv = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
        "--no-deps", "--no-compile", "--no-cache-dir", "--only-binary=:all:", "--require-hashes",
        "--target", str(folder / "tree"), "--requirement", str(wanted),
    ]  # fmt: skip
    # pip prepares in TMPDIR, which may be a small file system in memory.
    settings = {**os.environ, "TMPDIR": str(folder), "PIP_NO_COLOR": "1"}
    try:
        done = gocommand.run(argv, folder, settings, _silent, _BRINGING)
    except TrimaranError as error:
        raise _lacking("pip cannot be run, or did not end", error.problems[0].what) from None
    if done.status:
        lines = [printable(line) for line in done.err.splitlines() if line.strip()]
        raise _lacking("pip could not bring the wheel", *lines[-5:])


def _lacking(what: str, *detail: str) -> TrimaranError:
    fix = f"put zig on the PATH, or run `pip install ziglang=={VERSION}` in Trimaran's own environment"
    return TrimaranError(Problem("TRM0337", f"Zig is needed and not at hand: {what}", fix, None, detail))
