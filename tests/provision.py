"""`python -m tests.provision`: install and make what the tests against real peers need, once.

Installs Debian packages only when one is missing and this is root; otherwise says exactly what to install.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.peers import portability_debian, portability_sources
from tests.peers.whole_debian import whole_debian
from tests.programs import go, rqlite_source, rqlited, terraform
from tests.rootfs import CACHE, PATH, RECIPES, MissingPeerError, at_hand, rootfs
from trimaran import lab, toolchain
from trimaran.errors import TrimaranError
from trimaran.lab import build
from trimaran.toolchain import zig

# A command or file that shows that a package is there → the package.
WANTED = {
    "/usr/aarch64-linux-gnu/lib/crt1.o": "libc6-dev-arm64-cross",
    "/usr/include/stdio.h": "libc6-dev",
    "/usr/lib/x86_64-linux-gnu/libucl.so.1": "libucl1",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "bwrap": "bubblewrap",
    "cpio": "cpio",
    "debugfs": "e2fsprogs",
    "docker-registry": "docker-registry",
    "gcc": "gcc",
    "gpg-agent": "gpg-agent",
    "ip": "iproute2",
    "ld.mold": "mold",
    "mmdebstrap": "mmdebstrap",
    "musl-gcc": "musl-tools",
    "openssl": "openssl",
    "pkg-config": "pkgconf",
    "promtool": "prometheus",
    "qemu-aarch64-static": "qemu-user-static",
    "qemu-img": "qemu-utils",
    "readelf": "binutils",
    "strace": "strace",
    "reprepro": "reprepro",
    "rpmbuild": "rpm",
    "skopeo": "skopeo",
    "systemctl": "systemd",
    "umoci": "umoci",
    "zip": "zip",
    "zstd": "zstd",
}


def missing() -> list[str]:
    """The Debian packages that this machine lacks."""
    return sorted(package for sign, package in WANTED.items() if not _there(sign))


def _there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign, path=PATH) is not None


def install(packages: list[str]) -> int:
    """Install Debian packages; 1 with the command to type when that is not ours to do."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or shutil.which("apt-get", path=PATH) is None:
        print("the tests against real peers need packages that are missing here. Please run, as root:\n")
        print(f"  apt-get update && {' '.join(command)}\n")
        return 1
    environment = {**os.environ, "PATH": PATH, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command):
        print(f"provision: {' '.join(step)}", flush=True)
        done = subprocess.run(
            step, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            print(done.stderr.decode(errors="replace").strip()[-2000:])
            return 1
    return 0


def compile_lab() -> int:
    """Make the lab's programs and definitions, so that no test pays for it; 1 when one cannot be made."""
    cache = CACHE.parent

    def say(line: str) -> None:
        print(f"provision: {line}", flush=True)

    try:
        lab.programs(cache, say)
        build.extracts(cache, say)
    except TrimaranError as error:
        for problem in error.problems:
            print("\n".join((f"provision: {problem.code}: {problem.what}", problem.fix, *problem.detail)))
        return 1
    return 0


def compile_fixtures() -> int:
    """Bring Zig, and compile SQLite by every compiler that the tests use; 1 when one does not work."""
    cache = CACHE / "fix-home" / "trimaran"
    source = Path(__file__).parent / "fixtures/go/sqlite"

    def say(line: str) -> None:
        print(f"provision: {line}", flush=True)

    try:
        zig.ensure(cache, say)
        for libc in ("", "musl", "glibc-static", "glibc-2.31"):
            toolchain.build(toolchain.BuildRequest(path=source, cgo=toolchain.Cgo.ON, libc=libc), cache, say)
        # Zig compiles its C++ library the first time.
        letters = toolchain.BuildRequest(
            path=source.with_name("cplusplus"), cgo=toolchain.Cgo.ON, libc="musl"
        )
        toolchain.build(letters, cache, say)
        os.environ["CC"] = "aarch64-linux-gnu-gcc"
        cross = toolchain.BuildRequest(path=source, cgo=toolchain.Cgo.ON, platform="linux/arm64")
        toolchain.build(cross, cache, say)
        del os.environ["CC"]
    except TrimaranError as error:
        for problem in error.problems:
            print("\n".join((f"provision: {problem.code}: {problem.what}", problem.fix, *problem.detail)))
        return 1
    return 0


def compile_programs() -> int:
    """Compile a large service with C in it into Go's build cache, and Terraform where there is none."""
    try:
        rqlited(lambda line: print(f"provision: {line}", flush=True))
        # The program is kept; its packages may have left Go's cache since.
        go("list", "-export", "-deps", "./cmd/rqlited", folder=rqlite_source(), CGO_ENABLED="1", GOWORK="off")
        terraform(lambda line: print(f"provision: {line}", flush=True))
    except MissingPeerError as error:
        print(f"provision: {error}")
        return 1
    return 0


def main() -> int:
    """The status of the process: 0 when everything is there."""
    packages = missing()
    if (packages and install(packages)) or compile_lab() or compile_fixtures() or compile_programs():
        return 1
    for name in RECIPES:
        try:
            rootfs(name, lambda line: print(f"provision: {line}", flush=True))
        except MissingPeerError as error:
            print(f"provision: {error}")
            return 1
    whole_debian(lambda line: print(f"provision: {line}", flush=True))
    portability_debian.collect(lambda line: print(f"provision: {line}", flush=True))
    portability_sources.collect(lambda line: print(f"provision: {line}", flush=True))
    at_hand(lambda line: print(f"provision: {line}", flush=True))
    print("provision: everything is there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
