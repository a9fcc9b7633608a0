"""Making the lab's programs and definitions in the user's cache, once for each version. Input and output.

    lab/PART-VERSION-KEY/NAME               a program; KEY is over its module and how it is built
    lab/definitions-KEY/CLUSTER/NAME.yaml   a resource definition
    lab/definitions-KEY/stages.yaml         what kwok does

A file appears under its name when it is complete, so that a build that was killed goes on where it was.
"""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, fail, printable
from trimaran.lab import manifests
from trimaran.lab.recipes import Extract, Part, Program, recipes, text
from trimaran.toolchain import disk, faults, gocommand, gomod
from trimaran.toolchain.builds import write
from trimaran.toolchain.choose import choose
from trimaran.toolchain.gocommand import COMPILING, FETCHING, Finished, Go
from trimaran.toolchain.model import Progress

_MODULES = Path(__file__).parent / "modules"
_FORMAT = "1"  # raised when the same recipe would give something else
_TOLD_LINES = 12
_KEEP_S = 30 * 86400
CLASSES = ("encrypted", "standard")
"""The StorageClasses of the lab's clusters."""


def folder(cache: Path) -> Path:
    """Where all of this is."""
    return cache / "lab"


def place(cache: Path, name: str) -> Path:
    """Where a program is, or will be. Raises KeyError when there is none of that name."""
    part, program = recipes().program(name)
    return folder(cache) / f"{part.name}-{part.version}-{_part_key(part)}" / program.name


def definitions(cache: Path) -> Path:
    """The folder of the definitions and stages, made or not."""
    whole = hashlib.sha256("\0".join((_FORMAT, *CLASSES)).encode() + text())
    return folder(cache) / f"definitions-{whole.hexdigest()[:12]}"


def programs(cache: Path, progress: Progress, names: Iterable[str] | None = None) -> Mapping[str, Path]:
    """Programs of the lab by name, compiled when they are not there yet.

    Args:
        cache: Trimaran's cache folder.
        progress: told what takes time.
        names: which ones; None for all. Raises KeyError for a name that the recipes do not have.

    Raises TRM1002 when one does not build, and TRM03xx when Go or the module proxy is the reason.
    """
    wanted = {name: place(cache, name) for name in (recipes().names if names is None else names)}
    missing = [name for name, path in wanted.items() if not path.is_file()]
    for number, name in enumerate(missing, 1):
        # One lock for each: who wants a small program does not wait for all the large ones.
        with _bench(cache, progress) as bench:
            if not wanted[name].is_file():
                _build(bench, name, wanted[name], f"{number} of {len(missing)}")
            _forget_old(cache)
    return wanted


def _forget_old(cache: Path) -> None:
    """Remove what other versions of Trimaran made here long ago; they can make it again."""
    kept = {place(cache, name).parent for name in recipes().names} | {definitions(cache)}
    oldest = time.time() - _KEEP_S
    for each in folder(cache).glob("[a-z]*-*"):
        if each not in kept and each.stat().st_mtime < oldest:
            shutil.rmtree(each, ignore_errors=True)


def extracts(cache: Path, progress: Progress) -> Path:
    """The folder of the definitions and stages, filled. Raises as `programs`, and TRM1003."""
    whole = definitions(cache)
    if whole.is_dir():
        return whole
    with _bench(cache, progress) as bench:
        if whole.is_dir():
            return whole
        fresh = bench.scratch / "definitions"
        for extract in recipes().definitions:
            found: dict[str, str] = {}
            for given in _texts(bench, extract):
                found |= manifests.definitions(given, extract.names)
            if extract.names - found.keys() or not found:
                raise _differs(extract, "lacks definitions that it should have")
            for cluster in extract.clusters:
                for name, document in found.items():
                    write(fresh / cluster / f"{name}.yaml", document.encode())
        stages = manifests.stages(_texts(bench, recipes().stages), CLASSES)
        write(fresh / "stages.yaml", stages.encode())
        fresh.rename(whole)
    return whole


@dataclass(frozen=True, slots=True)
class _Bench:
    """What the steps of building share."""

    cache: Path
    scratch: Path
    progress: Progress


@contextmanager
def _bench(cache: Path, progress: Progress) -> Iterator[_Bench]:
    """The lock of the lab's cache and a private folder beside it."""
    with disk.explained(cache), disk.lock(folder(cache) / ".lock", progress, "building the lab"):
        # Under the lock nobody else works here: whatever lies around is from a run that was killed.
        for left in folder(cache).glob(".scratch-*"):
            shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(dir=folder(cache), prefix=".scratch-"))
        try:
            yield _Bench(cache, scratch, progress)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _part_key(part: Part) -> str:
    whole = hashlib.sha256("\0".join((_FORMAT, *part.ldflags)).encode())
    root = _MODULES / part.name
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:12]


def _build(bench: _Bench, name: str, target: Path, count: str) -> None:
    part, program = recipes().program(name)
    module = bench.scratch / part.name
    if not module.is_dir():
        # A copy: where this package is installed may be read-only, and nothing of Go belongs there.
        shutil.copytree(_MODULES / part.name, module)
    go = _go(bench, module)

    def tell(line: str) -> None:
        bench.progress(f"{name} {program.version} ({count}): {line}")

    tell(f"compiling with Go {go.version}")
    fresh = bench.scratch / f"{name}.new"
    args = ["build", "-o", str(fresh), "-ldflags", " ".join(("-s -w", *part.ldflags)), "--", program.package]
    finished = _run(bench, go, args, module, tell)
    if finished.status or not fresh.is_file():
        raise _unbuilt(program, finished)
    fresh.chmod(0o755)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh.rename(target)


def _go(bench: _Bench, module: Path) -> Go:
    least = gomod.least_go((module / "go.mod").read_text("utf-8"))
    return choose(None, least, bench.cache, bench.progress)


def _run(bench: _Bench, go: Go, args: list[str], where: Path, tell: Progress) -> Finished:
    flags = {"GOFLAGS": "-trimpath -buildvcs=false -mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
    env = gocommand.environment(bench.scratch, flags)
    # `go build` fetches first, in the same command, and a compiler may be silent for long.
    limits = FETCHING if args[0] == "mod" else COMPILING
    return gocommand.run([str(go.command), *args], where, env, tell, limits)


def _unbuilt(program: Program, finished: Finished) -> TrimaranError:
    """Why a program was not built: the network's and the disk's reasons by their own codes."""
    source = f"{program.name} {program.version}"
    known = faults.read(finished.err, source, program.package, "this machine").problem
    if known.code not in ("TRM0317", "TRM0319", "TRM0304", "TRM0313"):
        return TrimaranError(known)
    last = tuple(printable(line) for line in finished.err.splitlines() if line.strip())[-_TOLD_LINES:]
    fix = "run it again; what was built is kept. If it stays so, report it with the lines below"
    return TrimaranError(Problem("TRM1002", f"{source} of the lab does not build", fix, detail=last))


def _texts(bench: _Bench, extract: Extract) -> list[str]:
    """The files of an extract, in order. Raises TRM1003 when the module is not the one in the recipe."""
    bench.progress(f"definitions: {extract.module}")
    go = choose(None, None, bench.cache, bench.progress)
    args = ["mod", "download", "-json", extract.module]
    finished = _run(bench, go, args, bench.scratch, bench.progress)
    try:
        told = json.loads(finished.out or "{}")
    except ValueError:
        told = {}
    if finished.status or "Dir" not in told:
        why = str(told.get("Error", "")) or finished.err
        raise TrimaranError(faults.read(why, extract.module, ".", "this machine").problem)
    if told.get("Sum") != extract.sum:
        raise _differs(extract, f"has the sum {told.get('Sum')}, not {extract.sum}")
    root = Path(told["Dir"])
    paths = [path for pattern in extract.files for path in sorted(root.glob(pattern))]
    if any(not list(root.glob(pattern)) for pattern in extract.files):
        raise _differs(extract, "lacks files that it should have")
    return [path.read_text("utf-8") for path in paths if path.name != "kustomization.yaml"]


def _differs(extract: Extract, how: str) -> TrimaranError:
    fix = "do not use this module proxy; `go env GOPROXY` shows which it is"
    return fail("TRM1003", printable(f"the module {extract.module} {how}"), fix)
