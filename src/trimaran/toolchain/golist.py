"""`go list`: the packages that a build consists of, before or after it is compiled."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from trimaran.errors import TrimaranError
from trimaran.toolchain import faults, gocommand, gomod
from trimaran.toolchain.gocommand import FETCHING, Go, Limits
from trimaran.toolchain.model import Progress

# Only what is asked for is worked out by `go list`: all fields of 500 packages are megabytes.
FIELDS = (
    *(
        "ImportPath",
        "Name",
        "Standard",
        "Dir",
        "Module",
        "GoFiles",
        "CgoFiles",
        "CFiles",
        "CXXFiles",
        "SwigCXXFiles",
        "SFiles",
    ),
    *("SysoFiles", "CgoLDFLAGS", "CgoPkgConfig", "Error"),
)
COMPILED = ("ImportPath", "Name", "Standard", "Dir", "Module", "Export", "CgoFiles", "CgoLDFLAGS", "Error")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a build. Fields that were not asked for are empty.

    Args:
        path: its import path.
        name: `main` for a command.
        standard: whether it belongs to Go itself.
        folder: where its sources are.
        module: the module that brings it; empty for the standard library.
        version: the module's version; empty for the main module and for a folder that replaces one.
        go_files: without cgo ones.
        cgo_files: those that import "C".
        c_files: C and C++ sources.
        cplusplus: whether some are C++; then Go links with CXX.
        s_files: assembly.
        objects: prebuilt ones (.syso), which are linked as they are.
        ldflags: what its `#cgo LDFLAGS` lines ask of the linker.
        pkg_config: libraries whose flags `pkg-config` is asked for.
        export: the archive that it was compiled to; empty when that was not asked for.
        fault: why it cannot be built; empty when nothing is known against it.
    """

    path: str
    name: str = ""
    standard: bool = False
    folder: str = ""
    module: str = ""
    version: str = ""
    go_files: tuple[str, ...] = ()
    cgo_files: tuple[str, ...] = ()
    c_files: tuple[str, ...] = ()
    cplusplus: bool = False
    s_files: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()
    export: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What `go list` is asked.

    Args:
        package: as `./cmd/x`, relative to the folder.
        folder: of the module.
        scratch: a folder private to this question.
        settings: variables of the environment, as CGO_ENABLED.
        flags: further flags, as `-tags=netgo`.
        fields: of each package.
    """

    package: str
    folder: Path
    scratch: Path
    settings: Mapping[str, str]
    flags: tuple[str, ...] = ()
    fields: tuple[str, ...] = FIELDS


def packages(
    go: Go, question: Question, progress: Progress, limits: Limits = FETCHING
) -> tuple[Package, ...]:
    """The package asked for, which comes last, and everything that it imports.

    What is wrong with one package stands in its `fault`. Raises TRM03xx when there is no listing at all.
    """
    question.scratch.mkdir(exist_ok=True)
    env = gocommand.environment(question.scratch, question.settings)
    form = f"-json={','.join(question.fields)}"
    argv = [str(go.command), "list", "-e", "-deps", *question.flags, form, "--", question.package]
    finished = gocommand.run(argv, question.folder, env, progress, limits)
    try:
        found = parse(finished.out)
    except ValueError:
        found = ()
    if not found:
        platform = f"{question.settings.get('GOOS', 'linux')}/{question.settings.get('GOARCH', 'amd64')}"
        reading = faults.read(finished.err, str(question.folder), question.package, platform)
        raise TrimaranError(reading.problem)
    return found


@contextmanager
def asking(
    go: Go, questions: Sequence[Question], progress: Progress
) -> Iterator[tuple[Callable[[], tuple[Package, ...]], ...]]:
    """Ask several questions at once; each function waits for its answer, or raises what asking raised."""
    answers: list[tuple[Package, ...] | BaseException | None] = [None] * len(questions)

    def ask(place: int) -> None:
        try:
            answers[place] = packages(go, questions[place], progress)
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is wanted
            answers[place] = error

    # Not concurrent.futures: importing it takes longer than Go needs for a small module.
    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(questions))]

    def answer(place: int) -> tuple[Package, ...]:
        threads[place].join()
        found = answers[place]
        if isinstance(found, BaseException):
            raise found
        return found or ()

    for thread in threads:
        thread.start()
    try:
        yield tuple(partial(answer, place) for place in range(len(questions)))
    finally:
        for thread in threads:
            thread.join()


def parse(text: str) -> tuple[Package, ...]:
    """The packages of `go list -json`. Raises ValueError when it is no JSON."""
    return tuple(_package(document) for document in gomod.documents(text))


def _package(document: Mapping[str, object]) -> Package:
    module = document.get("Module")
    path, version = _module(module) if isinstance(module, dict) else ("", "")
    error = document.get("Error")
    return Package(
        path=_text(document, "ImportPath"),
        name=_text(document, "Name"),
        standard=document.get("Standard") is True,
        folder=_text(document, "Dir"),
        module=path,
        version=version,
        go_files=_names(document, "GoFiles"),
        cgo_files=_names(document, "CgoFiles"),
        c_files=(*_names(document, "CFiles"), *_names(document, "CXXFiles")),
        cplusplus=bool(_names(document, "CXXFiles") or _names(document, "SwigCXXFiles")),
        s_files=_names(document, "SFiles"),
        objects=_names(document, "SysoFiles"),
        ldflags=_names(document, "CgoLDFLAGS"),
        pkg_config=_names(document, "CgoPkgConfig"),
        export=_text(document, "Export"),
        fault=str(error.get("Err", "")) if isinstance(error, dict) else "",
    )


def _module(module: Mapping[str, object]) -> tuple[str, str]:
    # What stands in a replaced module's place is what is compiled.
    instead = module.get("Replace")
    if isinstance(instead, dict) and instead.get("Version"):
        return _text(instead, "Path"), _text(instead, "Version")
    return _text(module, "Path"), "" if isinstance(instead, dict) else _text(module, "Version")


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _names(document: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = document.get(key)
    return tuple(str(name) for name in value) if isinstance(value, list) else ()
