"""Which package brings what a C toolchain lacks, by family of distributions. Pure.

Debian's were read from its own package database (`dpkg -S` on Debian 12, 2026-11-23). glibc-devel brings the
headers on RHEL: openhpc/ohpc#452. musl-dev brings headers and crt1.o on Alpine: docker-library/golang#86,
mattn/go-sqlite3#341.
"""

from trimaran.portability.cc_model import TRIPLETS

_NATIVE = {
    "compiler": {"debian": "gcc", "rhel": "gcc", "alpine": "gcc"},
    "headers": {"debian": "libc6-dev", "rhel": "glibc-devel", "alpine": "musl-dev"},
    "kernel-headers": {"debian": "linux-libc-dev", "rhel": "kernel-headers", "alpine": "linux-headers"},
    "startup": {"debian": "libc6-dev", "rhel": "glibc-devel", "alpine": "musl-dev"},
    "linker": {"debian": "binutils", "rhel": "binutils", "alpine": "binutils"},
    "pkg-config": {"debian": "pkgconf", "rhel": "pkgconf-pkg-config", "alpine": "pkgconf"},
    "emulator": {"debian": "qemu-user-static"},
}
# What Debian calls the machine in the names of its cross packages.
DEBIAN_ARCHES = {
    "386": "i386", "amd64": "amd64", "arm": "armhf", "arm64": "arm64", "ppc64le": "ppc64el",
    "riscv64": "riscv64", "s390x": "s390x",
}  # fmt: skip


def brings(what: str, arch: str, native: bool) -> dict[str, str]:
    """Family → package for `what` (`compiler`, `headers`, `startup`…); empty where nobody packages it.

    Args:
        arch: GOARCH of the target.
        native: whether that is this machine's own.
    """
    if native or what in {"pkg-config", "emulator"}:
        return dict(_NATIVE.get(what, {}))
    if arch not in TRIPLETS:
        return {}
    cross = {
        "compiler": f"gcc-{TRIPLETS[arch]}",
        "headers": f"libc6-dev-{DEBIAN_ARCHES[arch]}-cross",
        "kernel-headers": f"linux-libc-dev-{DEBIAN_ARCHES[arch]}-cross",
        "startup": f"libc6-dev-{DEBIAN_ARCHES[arch]}-cross",
        "linker": f"binutils-{TRIPLETS[arch]}",
    }
    return {"debian": cross[what]} if what in cross else {}


def family(identity: str, like: str = "") -> str:
    """`debian`, `rhel` or `alpine` for a distribution's id, or os-release's ID and ID_LIKE; else empty."""
    known = {
        "alpine": "alpine", "amazon": "rhel", "amzn": "rhel", "centos": "rhel", "debian": "debian",
        "fedora": "rhel", "rhel": "rhel", "ubuntu": "debian",
    }  # fmt: skip
    words = [identity.partition("-")[0], *like.split()]
    return next((known[word] for word in words if word in known), "")


_INSTALL = {"debian": "apt-get install", "rhel": "dnf install", "alpine": "apk add"}


def install(packages: dict[str, str], here: str) -> str:
    """The command that installs it on a machine of the family `here`; for an unknown one, all packages."""
    if here in packages:
        return f"{_INSTALL[here]} {packages[here]}"
    return ", ".join(f"{name} on {where}" for where, name in packages.items())
