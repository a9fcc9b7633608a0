"""The program that tries a sandbox, compiled once, and the smallest root file system that it runs in."""

import subprocess
from functools import cache
from pathlib import Path

from tests.rootfs import CACHE, PATH

SOURCE = Path(__file__).resolve().parents[1] / "fixtures/c/probe.c"


@cache
def probe(*flags: str) -> Path:
    """The compiled program; made again when its source is newer."""
    place = CACHE / "probe"
    place.mkdir(parents=True, exist_ok=True)
    program = place / ("probe" + "".join(flags))
    if not program.exists() or program.stat().st_mtime < SOURCE.stat().st_mtime:
        fresh = program.with_suffix(".new")
        argv = ["gcc", "-O1", "-pthread", *flags, "-o", str(fresh), str(SOURCE)]
        subprocess.run(argv, check=True, env={"PATH": PATH}, timeout=120)
        fresh.replace(program)
    return program


def small_root(folder: Path) -> Path:
    """A root file system with a few files in it and no loader."""
    root = folder / "root"
    for name in ("etc", "usr/share", "bin"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", "utf-8")
    (root / "usr/share/word").write_text("word\n", "utf-8")
    (root / "lib").symlink_to("usr/share")
    return root
