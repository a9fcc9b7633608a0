"""Debian's packages of any release, fetched through apt with lists and a cache of its own.

Nothing of this machine's package state is changed. The mirror is the one that this machine's apt uses.
"""

import os
import re
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

# The releases that are measured: Debian's number → its name.
SUITES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Lists of packages that are younger than this are not fetched again.
_FRESH_S = 24 * 3600
_CONFIGURATION = """\
Dir::State "{folder}/state"; Dir::State::status "{folder}/state/status"; Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "{folder}/none";
Dir::Etc::preferencesparts "{folder}/none"; Dir::Etc::trustedparts "{folder}/none";
APT::Architecture "amd64"; APT::Architectures {{ "amd64"; "arm64"; }}; Acquire::Languages "none";
APT::Sandbox::User "root"; APT::Install-Recommends "false";
"""


class SourceMissingError(RuntimeError):
    """A source cannot be reached from this machine; the text says which and what is needed."""


@dataclass(frozen=True)
class Suite:
    """One release of Debian.

    Args:
        folder: where its lists and packages are kept; made when it is not there.
    """

    name: str
    folder: Path

    def download(self, *packages: str) -> list[Path]:
        """The files of some packages, as `libc6:arm64`; those that are there are not fetched again."""
        there = self.folder / "packages"
        there.mkdir(exist_ok=True)
        lists = self._configuration.with_name("updated").stat().st_mtime
        signs = {package: there / f"{package}.name" for package in packages}
        old = [name for name, sign in signs.items() if not sign.is_file() or sign.stat().st_mtime < lists]
        if old:
            self._run("apt-get", "download", "--quiet", *old, inside=there)
        for package in old:
            signs[package].write_text(self._newest(there, package).name, "utf-8")
        return [there / sign.read_text("utf-8") for sign in signs.values()]

    def version(self, package: str) -> str:
        """The version that would be installed, as `2.36-9+deb12u14`, without an epoch."""
        (file,) = self.download(package)
        return urllib.parse.unquote(file.name.split("_")[1]).rpartition(":")[2]

    def essential(self) -> tuple[str, ...]:
        """What an installation of the essential packages brings, by name."""
        lists = self._configuration.with_name("updated").stat().st_mtime
        kept = self.folder / "essential"
        if not kept.is_file() or kept.stat().st_mtime < lists:
            said = self._run("apt-get", "--simulate", "install", "?and(?essential, ?architecture(amd64))")
            kept.write_text("\n".join(sorted(set(re.findall(r"^Inst (\S+)", said, re.MULTILINE)))), "utf-8")
        return tuple(kept.read_text("utf-8").split())

    def _newest(self, there: Path, package: str) -> Path:
        name, _, machine = package.partition(":")
        found = sorted(there.glob(f"{name}_*_{machine or '*'}.deb"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise SourceMissingError(f"apt did not bring {package} of {self.name}")
        return found[-1]

    @cached_property
    def _configuration(self) -> Path:
        file, updated = self.folder / "apt.conf", self.folder / "updated"
        if updated.is_file() and time.time() - updated.stat().st_mtime < _FRESH_S:
            return file
        for each in ("state/lists/partial", "cache/archives/partial", "none"):
            (self.folder / each).mkdir(parents=True, exist_ok=True)
        (self.folder / "state/status").touch()
        (self.folder / "sources.list").write_text(
            f"deb [signed-by={_KEYS}] {_mirror()} {self.name} main\n", "utf-8"
        )
        file.write_text(_CONFIGURATION.format(folder=self.folder), "utf-8")
        _apt(["apt-get", "update", "--quiet"], file, self.folder)
        updated.touch()
        return file

    def _run(self, *argv: str, inside: Path | None = None) -> str:
        return _apt(argv, self._configuration, inside or self.folder)


def control(package: Path, member: str) -> str:
    """One of a package's control files, as `symbols`."""
    tar = _bytes("dpkg-deb", "--ctrl-tarfile", str(package))
    return subprocess.run(
        ["tar", "-xO", f"./{member}"], input=tar, capture_output=True, check=True
    ).stdout.decode()


def files(package: Path) -> list[str]:
    """What a package installs, as `dpkg-deb --contents` lists it; kept beside the package."""
    kept = package.with_suffix(".files")
    if not kept.is_file():
        kept.write_bytes(_bytes("dpkg-deb", "--contents", str(package)))
    return kept.read_text("utf-8").splitlines()


def member(package: Path, name: str) -> bytes:
    """The content of one file of a package, by its path without the leading slash."""
    tar = _bytes("dpkg-deb", "--fsys-tarfile", str(package))
    return subprocess.run(["tar", "-xO", f"./{name}"], input=tar, capture_output=True, check=True).stdout


def libraries(listings: Iterable[str]) -> frozenset[str]:
    """The names by which the loader finds the libraries of some packages, out of their lists of files.

    A file that has a link beside it is asked for by the link's name alone.
    """
    names, targets = set[str](), set[str]()
    for line in listings:
        path, _, target = line.split(maxsplit=5)[5].partition(" -> ")
        if re.fullmatch(r"\./(usr/)?lib/x86_64-linux-gnu/[^/]+\.so(\.\d+)*", path):
            names.add(path.rpartition("/")[2])
            targets.add(target.rpartition("/")[2])
    return frozenset(name for name in names - targets if name.startswith(("lib", "ld-")))


@cache
def _mirror() -> str:
    said = _tool("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    found = [line for line in said.splitlines() if line.rstrip("/").endswith("/debian")]
    if not found:
        raise SourceMissingError("this machine's apt has no mirror of Debian's packages")
    return found[0]


def _apt(argv: Iterable[str], configuration: Path, inside: Path) -> str:
    return _tool(*argv, inside=inside, APT_CONFIG=str(configuration))


def _bytes(*argv: str) -> bytes:
    return subprocess.run(argv, capture_output=True, check=True).stdout


def _tool(*argv: str, inside: Path | None = None, **settings: str) -> str:
    if shutil.which(argv[0]) is None:
        raise SourceMissingError(f"{argv[0]} is not installed: this needs a Debian or Ubuntu machine")
    done = subprocess.run(
        argv, cwd=inside, env={**os.environ, "LC_ALL": "C", **settings}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=550,
    )  # fmt: skip
    if done.returncode:
        raise SourceMissingError(f"{' '.join(argv[:3])} ended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout
