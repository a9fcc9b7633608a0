"""What the files of a distribution say of it: their text goes in, values come out. Pure."""

import re
import shlex
import struct
from collections.abc import Iterator

from trimaran.errors import printable

_GLIBC = re.compile(rb"release version (\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)")
_MUSL = re.compile(rb"\0(1\.\d{1,3}\.\d{1,3})(?:[_-][\w.+-]{0,60})?\0")
# The folders that were compiled into glibc's loader stand together, each with a slash and a zero at its end.
_SYSTEM_FOLDERS = re.compile(rb"(?:/(?:usr/)?lib[\w/+.-]{0,60}/\0){2,16}")
_CACHE = b"glibc-ld.so.cache1.1"
_CACHE_ENTRIES = 50_000
_DEFAULT_GLIBC = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
_DEFAULT_MUSL = ("/lib", "/usr/local/lib", "/usr/lib")


def glibc_version(library: bytes) -> str | None:
    """The version in the text that glibc's libc.so.6 and newer loaders print when they are run."""
    found = _GLIBC.search(library)
    return found[1].decode() if found else None


def musl_version(loader: bytes) -> str | None:
    """The version that musl's loader prints when it is run; it stands in it as a string of its own."""
    if b"musl libc (" not in loader:
        return None
    found = _MUSL.search(loader)
    return found[1].decode() if found else None


def glibc_folders(loader: bytes) -> tuple[str, ...]:
    """Where glibc's loader looks when its cache has no answer; read from the loader itself."""
    found = _SYSTEM_FOLDERS.search(loader)
    if found is None:
        return _DEFAULT_GLIBC
    return tuple(part.decode().rstrip("/") for part in found[0].split(b"\0") if part)


def musl_folders(path_file: str) -> tuple[str, ...]:
    """Where musl's loader looks: in the folders of its path file; in its own list without one."""
    named = tuple(part.strip() for part in re.split(r"[:\n]", path_file) if part.strip().startswith("/"))
    return named or _DEFAULT_MUSL


def loader_cache(content: bytes) -> Iterator[tuple[str, str]]:
    """(name, path) of `ld.so.cache`, in its order, without variants for newer processors.

    A damaged cache yields what can be read of it.
    """
    # Older releases put a cache of the old form before the new one.
    start = content.find(_CACHE)
    if start < 0 or len(content) < start + 48:
        return
    (count,) = struct.unpack_from("<I", content, start + len(_CACHE))
    for place in range(min(count, _CACHE_ENTRIES)):
        at = start + 48 + place * 24
        if at + 24 > len(content):
            return
        _, name, path, _, variant = struct.unpack_from("<iIIIQ", content, at)
        if not variant:
            yield _string(content, start + name), _string(content, start + path)


def _string(content: bytes, at: int) -> str:
    return content[at : at + 4096].partition(b"\0")[0].decode("utf-8", "backslashreplace")


def os_release(text: str) -> dict[str, str]:
    """Keys and values of `os-release`; lines that are none are left out."""
    found: dict[str, str] = {}
    for line in text.splitlines()[:200]:
        key, equals, value = line.strip().partition("=")
        if equals and key.isidentifier():
            try:
                found[key] = printable(" ".join(shlex.split(value))[:200])
            except ValueError:
                continue
    return found


def name_services(text: str) -> dict[str, str]:
    """Database → its row of `nsswitch.conf`."""
    found: dict[str, str] = {}
    for line in text.splitlines()[:1000]:
        name, colon, row = line.partition("#")[0].partition(":")
        if colon and name.strip().isidentifier():
            found.setdefault(name.strip(), printable(" ".join(row.split())[:200]))
    return found


def dpkg_installed(status: str) -> int:
    """How many packages dpkg's status file calls installed."""
    return len(re.findall(r"^Status: \w+ ok installed\s*$", status, re.MULTILINE))


def apk_installed(database: str) -> int:
    """How many packages apk's database holds."""
    return len(re.findall(r"^P:\S", database, re.MULTILINE))


def go_release(text: str) -> str:
    """`1.19.8` of a Go tree's VERSION file; empty when that is none."""
    found = re.match(r"go(1\.\d{1,3}(?:\.\d{1,3}|rc\d{1,2}|beta\d{1,2})?)\b", text)
    return found[1] if found else ""
