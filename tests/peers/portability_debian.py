# ruff: noqa: E501 - a table reads best with one row a line
"""Programs of Debian's own packages, from three releases: downloaded once, unpacked into the user's cache.

The packages come from the archive that apt is configured for, through apt itself, with its signatures
checked, in a configuration of its own that touches nothing of this machine.
"""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.rootfs import CACHE, PATH, MissingPeerError

SUITES = {"bullseye": "debian-11", "bookworm": "debian-12", "trixie": "debian-13"}
# A change of the table below makes the collection again.
VERSION = "2"


@dataclass(frozen=True, slots=True)
class Packaged:
    """A program of a package, and arguments that let it do its work without a network or a terminal.

    Args:
        suites: the releases of Debian that it is taken from.
        patience_s: how long it is watched. A program that is then still there has started.
        environment: what it needs to be told beside.
    """

    package: str
    path: str
    arguments: tuple[str, ...]
    suites: tuple[str, ...]
    patience_s: float = 10
    environment: tuple[tuple[str, str], ...] = ()


_ALL = tuple(SUITES)
_EXPORTER = ("--web.listen-address=127.0.0.1:9199",)
_PERL = "print join(q(-), map { $_ * 2 } 1..3), qq(\\n)"
_RESTIC = (("RESTIC_PASSWORD", "x"), ("RESTIC_REPOSITORY", "/tmp/r"))
PROGRAMS = (
    Packaged("age", "usr/bin/age-keygen", (), _ALL),
    Packaged("bash", "bin/bash", ("-c", "read x < /etc/hosts; echo ${x%% *}"), ("bullseye",)),
    Packaged("bash", "usr/bin/bash", ("-c", "read x < /etc/hosts; echo ${x%% *}"), ("trixie",)),
    Packaged("bash-static", "bin/bash-static", ("-c", "echo ~root ~nobody"), ("bullseye",)),
    Packaged("bash-static", "usr/bin/bash-static", ("-c", "echo ~root ~nobody"), ("trixie",)),
    Packaged("busybox-static", "bin/busybox", ("id", "root"), ("bullseye",)),
    Packaged("busybox-static", "usr/bin/busybox", ("ls", "-l", "/etc/hosts"), ("trixie",)),
    Packaged("coreutils", "bin/ls", ("-l", "/etc"), ("bullseye", "bookworm")),
    Packaged("coreutils", "usr/bin/sort", ("-r", "/etc/hosts"), _ALL),
    Packaged("curl", "usr/bin/curl", ("-s", "file:///etc/hosts"), ("bookworm", "trixie")),
    Packaged("direnv", "usr/bin/direnv", ("stdlib",), _ALL),
    Packaged("elvish", "usr/bin/elvish", ("-c", "put (+ 1 2)"), ("trixie",)),
    Packaged("etcd-client", "usr/bin/etcdctl", ("--dial-timeout=1s", "--command-timeout=1s", "--endpoints=127.0.0.1:1", "get", "x"), ("bookworm",)),
    Packaged("fd-find", "usr/lib/cargo/bin/fd", ("hosts", "/etc"), ("bookworm",)),
    Packaged("fzf", "usr/bin/fzf", ("--filter=x",), _ALL),
    Packaged("gawk", "usr/bin/gawk", ("BEGIN { print 6 * 7 }",), ("bookworm",)),
    Packaged("go-md2man", "usr/bin/go-md2man", ("-in", "/etc/hosts", "-out", "/tmp/out"), ("bullseye", "trixie")),
    Packaged("gocryptfs", "usr/bin/gocryptfs", ("-info", "/tmp"), ("bullseye", "bookworm")),
    Packaged("gron", "usr/bin/gron", ("/etc/hosts",), _ALL),
    Packaged("jq", "usr/bin/jq", ("-n", "1 + 2"), ("bullseye", "trixie")),
    # Programs of a small C library with a loader of its own, which need no dynamic section.
    Packaged("klibc-utils", "usr/lib/klibc/bin/cat", ("/etc/hosts",), ("bookworm",)),
    Packaged("libc-bin", "usr/bin/getent", ("passwd", "root"), ("bullseye", "trixie")),
    Packaged("libc-bin", "usr/bin/iconv", ("-f", "utf-8", "-t", "latin1", "/etc/hosts"), ("bullseye", "trixie")),
    Packaged("libc-bin", "sbin/ldconfig", ("-p",), ("bullseye",)),
    Packaged("libc-bin", "usr/sbin/ldconfig", ("-p",), ("trixie",)),
    Packaged("miller", "usr/bin/mlr", ("--inidx", "--ifs", " ", "--ojson", "cat", "/etc/hosts"), ("bookworm", "trixie")),
    Packaged("perl-base", "usr/bin/perl", ("-e", _PERL), _ALL),
    Packaged("prometheus-node-exporter", "usr/bin/prometheus-node-exporter", _EXPORTER, ("bullseye", "trixie"), 1.5),
    Packaged("restic", "usr/bin/restic", ("init", "--no-cache"), ("bullseye", "bookworm"), environment=_RESTIC),
    Packaged("ripgrep", "usr/bin/rg", ("localhost", "/etc/hosts"), ("bullseye", "trixie")),
    Packaged("runc", "usr/sbin/runc", ("spec", "-b", "/tmp"), _ALL),
    Packaged("sqlite3", "usr/bin/sqlite3", (":memory:", "select sqlite_version();"), _ALL),
    Packaged("upx-ucl", "usr/bin/upx-ucl", ("--version",), ("bullseye",)),
    Packaged("zsh-static", "bin/zsh-static", ("-fc", "print ~root; zmodload zsh/datetime"), ("bullseye", "bookworm")),
    Packaged("zsh-static", "usr/bin/zsh-static", ("-fc", "print ~root"), ("trixie",)),
    Packaged("zstd", "usr/bin/zstd", ("-c", "/etc/hosts", "-o", "/tmp/x"), ("bullseye", "trixie")),
)  # fmt: skip


def program(entry: Packaged, suite: str) -> Path:
    """Where the program of one release is."""
    return CACHE / f"debian-packages_{VERSION}" / suite / entry.package / Path(entry.path).name


def collect(say: Callable[[str], None] = lambda line: None) -> Path:
    """The folder with all programs; downloaded when it is not there yet."""
    ready = CACHE / f"debian-packages_{VERSION}"
    if ready.is_dir():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    say(f"packages of {', '.join(SUITES)}: downloading them to {ready}")
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".packages-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        settings = _settings(folder)
        _apt(settings, folder, "update")
        wanted = sorted({f"{entry.package}/{suite}" for entry in PROGRAMS for suite in entry.suites})
        for suite in SUITES:
            downloads = folder / "downloads" / suite
            downloads.mkdir(parents=True)
            _apt(settings, downloads, "download", *(each for each in wanted if each.endswith(f"/{suite}")))
            _unpack(suite, downloads, folder / "made" / suite)
        try:
            (folder / "made").rename(ready)
        except OSError:
            if not ready.is_dir():
                raise
    return ready


def _settings(folder: Path) -> Path:
    archive = _archive()
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").write_text("", "utf-8")
    sources = f"Types: deb\nURIs: {archive}\nSuites: {' '.join(SUITES)}\nComponents: main\n"
    signed = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    (folder / "archive.sources").write_text(sources + signed, "utf-8")
    lines = (
        f'Dir::Etc::sourcelist "{folder}/archive.sources";', 'Dir::Etc::sourceparts "/dev/null";',
        'Dir::Etc::preferencesparts "/dev/null";', 'Dir::Etc::preferences "/dev/null";',
        f'Dir::State::lists "{folder}/lists";', f'Dir::State::status "{folder}/status";',
        f'Dir::Cache "{folder}";', 'Acquire::Languages "none";', 'APT::Architectures "amd64";',
        'APT::Architecture "amd64";', 'APT::Sandbox::User "root";',
    )  # fmt: skip
    settings = folder / "apt.conf"
    settings.write_text("\n".join(lines) + "\n", "utf-8")
    return settings


def _archive() -> str:
    """The address of Debian's archive, as this machine's apt has it."""
    asked = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env={"PATH": PATH})
    found = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("Debian Debian ")]
    if not found:
        raise MissingPeerError("apt knows no archive of Debian; run `apt-get update` on a Debian machine")
    return found[0]


def _apt(settings: Path, folder: Path, *words: str) -> None:
    done = subprocess.run(
        ["apt-get", "--quiet", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=600,
        stdin=subprocess.DEVNULL, env={"PATH": PATH, "APT_CONFIG": str(settings)},
    )  # fmt: skip
    if done.returncode:
        raise MissingPeerError(f"apt-get {words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")


def _unpack(suite: str, downloads: Path, into: Path) -> None:
    for entry in PROGRAMS:
        if suite not in entry.suites:
            continue
        archive = next(downloads.glob(f"{entry.package}_*.deb"))
        target = into / entry.package / Path(entry.path).name
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, env={"PATH": PATH}) as stream,
            tarfile.open(fileobj=stream.stdout, mode="r|") as files,
        ):
            for member in files:
                if member.name == f"./{entry.path}" and (content := files.extractfile(member)) is not None:
                    with target.open("wb") as out:
                        shutil.copyfileobj(content, out)
                    target.chmod(0o755)
        if not target.is_file():
            raise MissingPeerError(f"{archive.name} has no {entry.path}")
