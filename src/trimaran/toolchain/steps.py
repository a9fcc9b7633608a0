"""The steps of a build that was not found in the cache: choose a Go, fetch, decide on C, compile, keep."""

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, fail, printable
from trimaran.toolchain import absent, builds, faults, gocommand, gomod
from trimaran.toolchain.choose import choose
from trimaran.toolchain.faults import Fault, Reading
from trimaran.toolchain.gocommand import COMPILING, FETCHING, Finished, Go, Limits
from trimaran.toolchain.install import this_machine
from trimaran.toolchain.linking import AS_IT_IS, Linking, linking
from trimaran.toolchain.locate import candidates
from trimaran.toolchain.model import BuildRequest, Built, Cgo, Progress, check
from trimaran.toolchain.situation import formative, identity, program
from trimaran.toolchain.versions import GoVersion, satisfies

_FIXED = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?")
_STALE_S = 86400
_IN_ITS_FOLDER = (
    "`go install` does not take it (replaced modules, or a proxy without a list of its versions), "
    "so it was built in its folder and says (devel) as its version"
)


def is_fixed(version: str) -> bool:
    """Whether a module version always means the same; `latest`, `v1` and branches do not."""
    return _FIXED.fullmatch(version) is not None


@dataclass(frozen=True, slots=True)
class Source:
    """What will be compiled, on this machine.

    Args:
        folder: that holds the go.mod.
        module: its path; empty when the go.mod does not say.
        version: as resolved; empty for a folder of the user.
        sum: the content hash; empty for a folder of the user.
        least: its `go` line.
    """

    folder: Path
    module: str
    version: str
    sum: str
    least: GoVersion | None


@dataclass(frozen=True, slots=True)
class Bench:
    """What the steps of one build share: the request, a private folder, and whom to tell."""

    request: BuildRequest
    cache: Path
    scratch: Path
    progress: Progress
    link: Linking = AS_IT_IS


def build_afresh(request: BuildRequest, cache: Path, progress: Progress) -> Built:
    """Build, unless the same inputs were built for another request. Raises TrimaranError."""
    with _scratch(cache) as scratch:
        bench = Bench(request, cache, scratch, progress)
        go, source = _prepare(bench)
        values = gocommand.settings(go.command, _env(bench, {}), scratch)
        cgo, reason, cplusplus = _decide_cgo(bench, go, source)
        if cgo and request.libc:
            link = linking(request.libc, request.platform, cache, progress, cplusplus=cplusplus)
            bench = replace(bench, link=link)
            reason += f"; {bench.link.said}"
        compiler = _compiler(bench, values) if cgo else None
        record = None
        if source.version:
            deciding = (source.module, source.version, source.sum, request.package, str(go.version))
            how = (cgo, request.platform, request.tags, request.libc if cgo else "")
            record = builds.made(cache, deciding, how, formative(values), compiler)
            known = builds.recall(record)
            if known is not None:
                return known
        built = _compile(bench, go, source, (cgo, reason), values)
        if record is not None:
            builds.note(record, built)
        return built


@contextmanager
def opened(request: BuildRequest, cache: Path, progress: Progress) -> Iterator[tuple[Go, Source, Path]]:
    """A Go that suits the module, the module on this machine, and a private folder; nothing is built.

    The folder is gone afterwards. Raises what a build raises until it compiles.
    """
    check(request)
    with _scratch(cache) as scratch:
        yield *_prepare(Bench(request, cache, scratch, progress)), scratch


@contextmanager
def _scratch(cache: Path) -> Iterator[Path]:
    base = cache / "scratch"
    base.mkdir(parents=True, exist_ok=True)
    # What a killed build left; younger ones may still be in use.
    for entry in base.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another build tidies up as well
            if time.time() - entry.stat().st_mtime > _STALE_S:
                shutil.rmtree(entry, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _env(bench: Bench, extra: Mapping[str, str]) -> dict[str, str]:
    base = {"GOWORK": "off"} if bench.request.module else {}
    return gocommand.environment(bench.scratch, base | dict(extra))


def _target(bench: Bench, cgo: bool) -> dict[str, str]:
    system, _, arch = bench.request.platform.partition("/")
    cgo_enabled = "1" if cgo else "0"
    return {"GOOS": system, "GOARCH": arch, "CGO_ENABLED": cgo_enabled, **bench.link.environment}


def _flags(bench: Bench) -> list[str]:
    tags = ",".join(bench.request.tags)
    return [*([f"-tags={tags}"] if tags else []), *bench.link.flags]


def _prepare(bench: Bench) -> tuple[Go, Source]:
    """A Go that suits both the declaration and the module, and the module itself."""
    wish = bench.request.wish
    if bench.request.path is not None:
        source = _local(bench.request)
        return choose(wish, source.least, bench.cache, bench.progress), source
    least = None
    if not any(satisfies(go.version, wish) for go in candidates(bench.cache)):
        # Before 70 MB are brought: what does the module need?
        least = absent.least_go(bench.request, bench.cache)
    go = choose(wish, least, bench.cache, bench.progress)
    fetched = _fetch(bench, go)
    if isinstance(fetched, GoVersion):
        go = choose(wish, fetched, bench.cache, bench.progress)
        fetched = _fetch(bench, go)
    if isinstance(fetched, GoVersion):
        raise _too_old(bench.request, fetched)
    if not satisfies(go.version, wish, fetched.least):
        go = choose(wish, fetched.least, bench.cache, bench.progress)
    return go, fetched


def _too_old(request: BuildRequest, needed: GoVersion) -> TrimaranError:
    what = f"{request.source} needs Go {needed} or newer, but go: {request.go} is declared"
    return fail("TRM0315", what, f'declare go: "{needed.language}", or leave `go` out')


def _local(request: BuildRequest) -> Source:
    folder = Path(str(request.path)).resolve()
    try:
        text = (folder / "go.mod").read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        what = f"{printable(str(request.path))} holds no go.mod"
        raise fail("TRM0303", what, "name the module's folder, or run `go mod init`") from None
    except UnicodeDecodeError:
        raise fail("TRM0304", f"{folder}/go.mod is not text", "restore the file") from None
    return Source(folder, gomod.module_path(text), "", "", gomod.least_go(text))


def _fetch(bench: Bench, go: Go) -> Source | GoVersion:
    """The module from the module cache or the proxy; a version when that Go is too old to fetch it."""
    wanted = bench.request.source
    argv = [str(go.command), "mod", "download", "-json", wanted]
    finished = gocommand.run(argv, bench.scratch, _env(bench, {}), bench.progress, FETCHING)
    try:
        told = json.loads(finished.out or "{}")
    except ValueError:
        told = {}
    if finished.status or "Dir" not in told:
        reading = _read(bench, str(told.get("Error", "")) or finished.err)
        if reading.fault is Fault.NEEDS_NEWER_GO:
            with contextlib.suppress(ValueError):
                return GoVersion.parse(reading.needs)
        if reading.fault is Fault.ABSENT:
            raise absent.explain(bench.request, reading.problem, bench.cache)
        raise TrimaranError(reading.problem)
    text = Path(told["GoMod"]).read_text("utf-8", "replace")
    return Source(Path(told["Dir"]), told["Path"], told["Version"], told.get("Sum", ""), gomod.least_go(text))


def _read(bench: Bench, text: str) -> Reading:
    request = bench.request
    return faults.read(text, request.source, request.package, request.platform)


def _go(bench: Bench, go: Go, args: list[str], folder: Path, extra: Mapping[str, str]) -> Finished:
    limits: Limits = FETCHING if args[0] == "list" else COMPILING
    return gocommand.run([str(go.command), *args], folder, _env(bench, extra), bench.progress, limits)


def _decide_cgo(bench: Bench, go: Go, source: Source) -> tuple[bool, str, bool]:
    """Whether C is linked in, why, and whether there is C++ in it.

    Also finds out whether the package is there and is a command.
    """
    form = "-json=ImportPath,Name,Standard,CgoFiles,CXXFiles,SwigCXXFiles,Error"
    package = relative(bench.request.package, source.module)
    extra = _target(bench, bench.request.cgo is not Cgo.OFF)
    finished = _go(
        bench, go, ["list", *_flags(bench), "-e", "-deps", form, "--", package], source.folder, extra
    )
    try:
        found = gomod.need(finished.out)
    except ValueError:
        found = gomod.Need((), main=False, faults=(finished.err,))
    if finished.status or found.faults:
        raise TrimaranError(_read(bench, "\n".join(found.faults) or finished.err).problem)
    if not found.main:
        raise TrimaranError(replace(_read(bench, "is not a main package").problem, detail=()))
    return *_wanted_cgo(bench.request.cgo, found.cgo), found.cplusplus


def _wanted_cgo(declared: Cgo, with_c: Sequence[str]) -> tuple[bool, str]:
    match declared:
        case Cgo.ON:
            return True, "cgo: on is declared"
        case Cgo.OFF:
            return False, "cgo: off is declared"
        case Cgo.AUTO if with_c:
            more = f" and {len(with_c) - 1} more" if len(with_c) > 1 else ""
            return True, f"{printable(with_c[0])}{more} has C in it"
        case Cgo.AUTO:
            return False, "no package outside the standard library has C in it"


def _compiler(bench: Bench, values: Mapping[str, str]) -> list[object] | None:
    """The identity of the C compiler. Raises TRM0318 when there is none for the platform."""
    if bench.link.compiler is not None:
        return identity(bench.link.compiler)
    name = (values.get("CC", "").split() or ["gcc"])[0]
    found = Path(name) if "/" in name else program(name)
    system, arch = this_machine()
    here = {f"{system}/{arch}", f"{system}/386" if arch == "amd64" else ""}
    # Go calls the machine's own compiler also for another machine, and fails late and oddly.
    foreign = bench.request.platform not in here and name in {"gcc", "clang", "cc"}
    if found is None or foreign or not found.is_file():
        raise TrimaranError(_read(bench, f"cgo: C compiler {name!r} not found").problem)
    return identity(found)


def relative(package: str, module: str) -> str:
    """The package as `go` wants it inside the module's folder."""
    if module and (package == module or package.startswith(f"{module}/")):
        package = package.removeprefix(module).strip("/") or "."
    return package if package.startswith(".") else f"./{package}"


def _compile(bench: Bench, go: Go, source: Source, cgo: tuple[bool, str], values: Mapping[str, str]) -> Built:
    where = f"{source.module}@{source.version}" if source.version else str(source.folder)
    bench.progress(f"compiling {printable(where)} with Go {go.version}")
    notes: tuple[str, ...] = ()
    package = relative(bench.request.package, source.module)
    binary = _install(bench, go, source, cgo[0], values) if source.version else None
    if binary is None:
        if source.version:
            notes = (_IN_ITS_FOLDER,)
        binary = bench.scratch / "binary"
        args = ["build", *_flags(bench), "-o", str(binary), "--", package]
        finished = _go(bench, go, args, source.folder, _target(bench, cgo[0]))
        if finished.status or not binary.is_file():
            raise TrimaranError(_read(bench, finished.err).problem)
    name = _name(package, source)
    place, digest = builds.keep(bench.cache, binary, name)
    size = place.stat().st_size
    built = Built(place, digest, size, str(go.version), go.root, go.origin, cgo[0], cgo[1], where)
    return replace(built, sum=source.sum, notes=notes, variables=bench.link.variables if cgo[0] else ())


def _install(bench: Bench, go: Go, source: Source, cgo: bool, values: Mapping[str, str]) -> Path | None:
    """`go install`, which writes the module's version into the binary; None when it cannot be had so.

    It cannot when the go.mod replaces modules, and when a proxy that has given the module away does not list
    its versions: `go install` asks for that list.
    """
    # GOBIN is refused when cross compiling; a private GOPATH works always.
    gopath = bench.scratch / "gopath"
    extra = _target(bench, cgo) | {"GOPATH": str(gopath), "GOMODCACHE": values["GOMODCACHE"]}
    package = relative(bench.request.package, source.module)
    full = os.path.normpath(f"{source.module}/{package}")
    finished = _go(
        bench, go, ["install", *_flags(bench), "--", f"{full}@{source.version}"], bench.scratch, extra
    )
    made = [path for path in gopath.glob("bin/**/*") if path.is_file()]
    if finished.status == 0 and len(made) == 1:
        return made[0]
    reading = _read(bench, finished.err)
    if reading.fault in {Fault.REPLACES, Fault.ABSENT}:
        return None
    raise TrimaranError(reading.problem)


def _name(package: str, source: Source) -> str:
    last = os.path.normpath(f"{source.module}/{package}").rsplit("/", 1)[-1]
    if re.fullmatch(r"v[0-9]+", last):
        last = source.module.rsplit("/", 2)[-2] if "/" in source.module else last
    cleaned = Problem("", last).what
    return re.sub(r"[^A-Za-z0-9._-]", "-", cleaned).lstrip(".-") or "binary"
