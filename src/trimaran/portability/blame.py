"""`blame`: which module brings each versioned symbol of a program, from the packages that it is made of."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trimaran.binary import File, GoBuild, Kind, inspect_file
from trimaran.errors import TrimaranError, Where, fail, printable
from trimaran.portability import blame_files, predict_compiler, predict_linker
from trimaran.portability.blame_commands import commands
from trimaran.portability.blame_files import Compiled
from trimaran.portability.blame_match import attribute, by_elimination
from trimaran.portability.blame_model import Attribution, Blame, Contribution, Owner
from trimaran.portability.blame_recipe import Recipe, differences, recipe
from trimaran.portability.predict_linker import LinkLine
from trimaran.portability.predict_open import opened, relative
from trimaran.toolchain import faults, gocommand, golist
from trimaran.toolchain.gocommand import COMPILING, Go
from trimaran.toolchain.golist import Package, Question
from trimaran.toolchain.locate import candidates
from trimaran.toolchain.model import BuildRequest, Progress

_LINKED_AS = {Kind.DYNAMIC: "-no-pie", Kind.PIE: "-pie", Kind.LIBRARY: "-shared"}


def blame(path: str, source: BuildRequest, cache: Path, progress: Progress) -> Blame:
    """Every versioned symbol of the program at `path`, with everyone who brings it.

    Args:
        source: what it was built from; an empty package means the one that the file names.
        cache: Trimaran's cache folder.
        progress: told what takes time, as compiling what is not in Go's build cache.

    Raises:
        TrimaranError: TRM02xx, the file cannot be read; TRM03xx, the source cannot be listed; TRM134x.
    """
    file = inspect_file(path)
    build = file.go
    if build is None:
        what = "this program does not say that Go built it"
        raise fail("TRM1340", what, "blame reads programs that Go 1.13 or newer built", Where(path))
    found = blame_files.dynamic(path)
    start = Blame(path, build.package, build.version, "", found.external, file.glibc_floor)
    if not any(asked.version for asked in found.asked) and not found.unused:
        return replace(start, nothing=_nothing(file, build))
    request = _request(source, build, cache)
    with opened(request, cache, progress) as (go, folder, module, scratch):
        _same_module(build, module, path)
        how = recipe(build)
        packages = _packages(go, request, folder, scratch, how, progress)
        compiled = [blame_files.compiled(each, f"go{go.version}") for each in packages if each.export]
        contributions = [each for package in compiled for each in package.contributions]
        line = _line(go, how, file.kind, scratch) if found.external else None
        contributions += _linked(compiled, line)
    symbols = attribute(found, contributions)
    if found.external and line is None:
        symbols = by_elimination(symbols)
    return replace(
        start,
        listed_by=f"go{go.version}",
        symbols=symbols,
        differences=(
            *differences(build, packages, f"go{go.version}"),
            *_unfound(symbols),
            *(f"the file was built with {printable(each)}, which is not repeated" for each in how.left_out),
        ),
        commands=commands(path, request, how, symbols),
    )


def _unfound(symbols: Sequence[Attribution]) -> list[str]:
    missing = [each.name for each in symbols if not each.shares]
    if not missing:
        return []
    return [
        f"nobody was found for {', '.join(missing[:3])}: if another C compiler built the file, set CC to it"
    ]


def _nothing(file: File, build: GoBuild) -> str:
    if file.interpreter is None:
        return "it is a static program and asks no library for anything"
    if "/ld-musl-" in file.interpreter:
        return "it is linked with musl, whose symbols have no versions: no version keeps it from starting"
    if build.setting("CGO_ENABLED") == "0":
        return "it was built without cgo and asks for no versioned symbol"
    return "it asks for no versioned symbol"


def _request(source: BuildRequest, build: GoBuild, cache: Path) -> BuildRequest:
    """The source with the file's own package, and the Go that built it where that is at hand."""
    module = build.main.path if build.main is not None else ""
    package = source.package
    if not package and build.package in {"", "command-line-arguments"}:
        what = "the file does not name the package that it was built from"
        raise fail("TRM1342", what, "name it with --package ./cmd/name")
    if not package:
        inside = build.package.removeprefix(module).strip("/") if module else ""
        package = f"./{inside}" if inside else "."
    release = build.version.partition(" ")[0]
    same = next((go for go in candidates(cache) if f"go{go.version}" == release), None)
    return replace(source, package=package, go=str(same.version) if same is not None else None)


def _same_module(build: GoBuild, module: str, path: str) -> None:
    built = build.main.path if build.main is not None else ""
    if built and module and built != module:
        what = f"it was built from {printable(built)}, and the source is {printable(module)}"
        raise fail("TRM1342", what, "name the folder or the module that it was built from", Where(path))


def _packages(
    go: Go, request: BuildRequest, folder: Path, scratch: Path, how: Recipe, progress: Progress
) -> tuple[Package, ...]:
    package = relative(request.package)
    off = {"GOWORK": "off"} if request.module else {}
    question = Question(
        package, folder, scratch, {**how.settings, **off}, (*how.flags, "-export"), golist.COMPILED
    )
    found = golist.packages(go, question, progress, COMPILING)
    faulty = [each.fault for each in found if each.fault]
    if faulty:
        platform = f"{how.settings.get('GOOS', 'linux')}/{how.settings.get('GOARCH', 'amd64')}"
        raise TrimaranError(faults.read("\n".join(faulty), request.source, request.package, platform).problem)
    return found


def _line(go: Go, how: Recipe, kind: Kind, scratch: Path) -> LinkLine | None:
    """What the C compiler links such a program with; None when it does not tell."""
    env = gocommand.environment(scratch, how.settings)
    settings = gocommand.settings(go.command, env, scratch)
    flags = [_LINKED_AS[kind]] if kind in _LINKED_AS else []
    return predict_compiler.ask(settings, flags, scratch, env).line


def _linked(compiled: Sequence[Compiled], line: LinkLine | None) -> list[Contribution]:
    """What a C linker adds: startup files, static libraries of packages, and those of the compiler."""
    if line is None:
        return []
    found = list(blame_files.startup(line.startup))
    asked = {name for each in compiled for part in each.contributions for name in part.undefined}
    asked |= {name for each in found for name in each.undefined}
    for package in compiled:
        flags = package.ldflags
        folders = (*predict_linker.asked_folders(flags), *line.folders)
        libraries = predict_linker.asked_libraries(flags)
        paths = [path for name in libraries for path in predict_compiler.library(name, folders)]
        for path in (*predict_linker.asked_archives(flags), *paths):
            found += _archive(path, package.owner, asked)
    for name in line.libraries:
        for path in predict_compiler.library(name, line.folders):
            found += _archive(path, None, asked)
    return found


def _archive(path: str, by: Owner | None, asked: set[str]) -> list[Contribution]:
    if not path.endswith(".a"):
        return []
    found = list(blame_files.archive(path, by, asked))
    asked.update(name for each in found for name in each.undefined)
    return found
