"""Bringing a Go: the module's zip from the proxy, proven, unpacked and swapped in with one rename.

Whatever kills this process, the next run finds either the whole tree under its name or none; what a
killed run left is removed, and a part of a download is used.
"""

import errno
import hashlib
import os
import shutil
import sys
from pathlib import Path

from trimaran.errors import TrimaranError, fail
from trimaran.toolchain import archive, database, disk, fetch, network, prove, published
from trimaran.toolchain.dirhash import h1
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.goproxy import TOOLCHAIN, module_file, parse_list
from trimaran.toolchain.model import Origin
from trimaran.toolchain.network import Network
from trimaran.toolchain.prove import Court, Subject
from trimaran.toolchain.proxyfaults import AbsentError
from trimaran.toolchain.situation import toolchains
from trimaran.toolchain.versions import GoVersion, Toolchain, parse_toolchain

_LIST_LIMIT = 4 << 20
_CHUNK = 1 << 20
_ROOM = 400 << 20  # a Go is 70 MB packed and 220 MB unpacked
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armv6l", "i686": "386"}


def this_machine() -> tuple[str, str]:
    """GOOS and GOARCH of the machine that builds."""
    machine = os.uname().machine
    return sys.platform, _MACHINES.get(machine, machine)


def available(net: Network) -> tuple[GoVersion, ...]:
    """What the proxy lists for this machine, oldest first. Raises as `proxy.get`."""
    try:
        text = network.get(net, module_file(TOOLCHAIN, "list"), _LIST_LIMIT).decode("utf-8", "replace")
    except AbsentError:
        raise fail("TRM0302", "the proxy lists no Go toolchains", "use a proxy that serves them") from None
    found = (parse_toolchain(line) for line in parse_list(text))
    here = this_machine()
    return tuple(sorted({each.version for each in found if each and (each.os, each.arch) == here}))


def install(version: GoVersion, where: Court) -> Go:
    """That Go, brought and proven unless it is here. Raises TrimaranError."""
    toolchain = Toolchain(version, *this_machine())
    place = toolchains(where.cache) / toolchain.name
    with disk.lock(place.with_name(f".{toolchain.name}.lock"), where.progress, f"Go {version}"):
        if not place.is_dir():
            _bring(toolchain, place, where)
        prove.ensure(Subject(place, toolchain), where)
    return Go(place, version, Origin.MODULE)


def _bring(toolchain: Toolchain, place: Path, where: Court) -> None:
    for left in place.parent.glob(f".{toolchain.name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    net = where.network()
    version = toolchain.module_version
    stated = database.recall(where.database, TOOLCHAIN, version, where.cache)
    stated = stated or database.look_up(where.database, TOOLCHAIN, version, net, where.cache)
    if not fetch.room_for(place.parent, _ROOM):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place.parent))
    packed, resumed = published.bring(toolchain, net, where.cache, where.progress)
    try:
        _unpack(toolchain, packed, place, stated.h1, where)
    except TrimaranError:
        packed.unlink(missing_ok=True)
        if not resumed:
            raise
        # The part of an earlier run may have been of another file: once more, from the start.
        packed, _ = published.bring(toolchain, net, where.cache, where.progress)
        _unpack(toolchain, packed, place, stated.h1, where)
    packed.unlink(missing_ok=True)


def _unpack(toolchain: Toolchain, packed: Path, place: Path, wanted: str, where: Court) -> None:
    where.progress(f"unpacking Go {toolchain.version}")
    fresh = place.with_name(f".{toolchain.name}.new-{os.getpid()}")
    start = published.prefix(toolchain)
    try:
        with packed.open("rb") as stream, published.opened(stream, start) as there:
            digests = {start + name: _extract(there, name, fresh) for name in there.members}
        if h1(digests) != wanted:
            what = f"what the proxy sent for Go {toolchain.version} is not what the checksum database states"
            raise fail("TRM0326", what, "do not use this proxy; what it sent was not run and is deleted")
        fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _extract(there: published.Zip, name: str, root: Path) -> str:
    """Write one member; returns the SHA-256 of its content."""
    path = root / archive.installed_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = hashlib.sha256()
    mode = 0o755 if archive.is_program(name) else 0o644
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with there.open(name) as packed, os.fdopen(handle, "wb") as file:
        while chunk := packed.read(_CHUNK):
            whole.update(chunk)
            file.write(chunk)
    return whole.hexdigest()
