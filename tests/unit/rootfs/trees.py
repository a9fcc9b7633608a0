"""Root file systems made by hand, small: a loader that tells its version, libraries and more."""

from pathlib import Path

from tests.unit.binary.elves import Elf

BANNER = b"GNU C Library (Made GLIBC 2.30-1) stable release version 2.30.\n\0"
FOLDERS = b"\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0"
MUSL = b"\0musl libc (x86_64)\nVersion %s\n\0" + b"1.2.4\0"


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def library(soname: str, *needed: str, machine: int = 62) -> bytes:
    return bytes(Elf(interpreter=None, needed=needed, strings={14: soname}, machine=machine))


def glibc(root: Path) -> Path:
    """A root with glibc 2.30, its loader behind an absolute link as Debian has it."""
    write(root / "lib/x86_64-linux-gnu/ld-2.30.so", library("ld-linux-x86-64.so.2") + FOLDERS)
    write(root / "lib/x86_64-linux-gnu/libc.so.6", library("libc.so.6", "ld-linux-x86-64.so.2") + BANNER)
    write(root / "usr/lib/libmine.so.1", library("libmine.so.1", "libc.so.6"))
    (root / "lib64").mkdir()
    (root / "lib64/ld-linux-x86-64.so.2").symlink_to("/lib/x86_64-linux-gnu/ld-2.30.so")
    write(root / "etc/os-release", b'ID=made\nVERSION_ID="1"\nPRETTY_NAME="Made Linux 1"\n')
    write(root / "etc/nsswitch.conf", b"# who\npasswd:  files  systemd\nhosts: files dns # far\n")
    write(
        root / "var/lib/dpkg/status",
        b"Package: a\nStatus: install ok installed\n\nPackage: b\nStatus: deinstall ok config-files\n",
    )
    return root


def musl(root: Path) -> Path:
    """A root with musl 1.2.4."""
    write(root / "lib/ld-musl-x86_64.so.1", library("libc.musl-x86_64.so.1") + MUSL)
    write(root / "usr/local/lib/libmine.so.1", library("libmine.so.1"))
    write(root / "lib/apk/db/installed", b"P:musl\nV:1\n\nP:busybox\nV:2\n")
    return root
