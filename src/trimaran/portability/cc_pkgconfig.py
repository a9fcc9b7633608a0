"""The check of pkg-config: is it there, and does it look among the target's libraries or the host's?"""

import os
from pathlib import Path

from trimaran.errors import printable
from trimaran.facts import packages
from trimaran.portability import cc_packages
from trimaran.portability.cc_bench import ASKING, Bench
from trimaran.portability.cc_model import TRIPLETS, Check, State
from trimaran.toolchain.situation import program


def check(bench: Bench, wanted: tuple[str, ...]) -> Check:
    """What pkg-config would answer to `#cgo pkg-config`.

    Args:
        wanted: libraries that it must know; without any, what is wrong with it is a warning.
    """
    serious = State.BAD if wanted else State.WARNING
    arch, name = bench.target.arch, _command(bench)
    if (Path(name) if "/" in name else program(name)) is None:
        packages = cc_packages.brings("pkg-config", arch, native=True)
        said = f"there is no {printable(name)}; packages with `#cgo pkg-config` need it"
        fix = cc_packages.install(packages, bench.family)
        return Check("pkg-config", serious, said, "TRM1386", fix, packages)
    folders = _folders(bench, name)
    if not bench.native and not _of_target(folders, arch):
        where = printable(", ".join(folders[:3]) or "its own folders")
        said = f"{printable(name)} looks among this machine's libraries ({where})"
        return Check("pkg-config", serious, said, "TRM1386", _cross_fix(arch))
    for library in wanted:
        answer = bench.run([name, "--print-errors", "--exists", library], ASKING)
        if not answer.good:
            said = f"{printable(name)} does not know {printable(library)}"
            detail = tuple(map(printable, (answer.err or answer.why).splitlines()[:3]))
            known = _developed(library)
            fix = cc_packages.install(known, bench.family) or f"install what develops {printable(library)}"
            if not bench.native and "debian" in known:
                fix += f":{cc_packages.DEBIAN_ARCHES[arch]}"
            return Check("pkg-config", State.BAD, said, "TRM1386", fix, known, detail)
    knows = f"knows {', '.join(map(printable, wanted))}" if wanted else "is there"
    return Check("pkg-config", State.GOOD, f"{printable(name)} {knows}")


def _developed(library: str) -> dict[str, str]:
    """Family → the package that brings a library by the name that pkg-config has for it."""
    found: dict[str, str] = {}
    for each in packages():
        if library in each.pkg_config and each.development is not None:
            for system in each.systems:
                found.setdefault(cc_packages.family(system), each.development)
    return {name: package for name, package in found.items() if name}


def _command(bench: Bench) -> str:
    """PKG_CONFIG as Go reads it: from the environment, or the user's `go env -w`."""
    kept = Path(bench.settings["GOENV"]).read_text("utf-8", "replace")
    rows = (row.partition("=") for row in kept.splitlines())
    written = next((value for name, _, value in rows if name == "PKG_CONFIG"), "")
    return os.environ.get("PKG_CONFIG") or written or "pkg-config"


def _folders(bench: Bench, name: str) -> list[str]:
    """Where it looks: what the environment says, else what was built in."""
    own = os.environ.get("PKG_CONFIG_LIBDIR")
    if own is None:
        answer = bench.run([name, "--variable", "pc_path", "pkg-config"], ASKING)
        own = answer.out.strip() if answer.good else ""
    more = os.environ.get("PKG_CONFIG_PATH", "")
    return [folder for folder in f"{more}:{own}".split(":") if folder]


def _of_target(folders: list[str], arch: str) -> bool:
    if os.environ.get("PKG_CONFIG_SYSROOT_DIR"):
        return True
    triplet = TRIPLETS.get(arch, "")
    return bool(folders) and any(triplet in folder for folder in folders)


def _cross_fix(arch: str) -> str:
    triplet = TRIPLETS.get(arch, "")
    if program(f"{triplet}-pkg-config") is not None:
        return f"export PKG_CONFIG={triplet}-pkg-config"
    return f"export PKG_CONFIG_LIBDIR=/usr/lib/{triplet}/pkgconfig"
