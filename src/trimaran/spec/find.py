"""Finding declarations: files as they are named, and all services below a folder. Input and output."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, Where, fail
from trimaran.spec.gate import MAX_BYTES
from trimaran.spec.load import Declared, service
from trimaran.spec.workers import Spread, spread

_KIND = re.compile(rb"^kind:[ \t]*[\"']?PlatformAgnosticSpec\b", re.MULTILINE)
_RENDERED = ".trimaran.json"  # stands in every folder of rendered files
_MOST = 20  # problems that are told of many files at once


def services(paths: Iterable[str]) -> tuple[Declared, ...]:
    """The services declared in `paths`: files, or folders with any number of them below.

    Raises one TrimaranError for all files: TRM0116 for a folder without any service or two services of one
    name, and whatever is wrong with each file.
    """
    return finish(begin(paths))


def begin(paths: Iterable[str]) -> Spread:
    """Begin to read the services declared in `paths`; many files are read beside this process.

    Must be called before this process has threads. Raises TRM0116 for a folder without any service.
    """
    return spread(list(dict.fromkeys(name for each in paths for name in _files(each))), _read)


def finish(reading: Spread) -> tuple[Declared, ...]:
    """The services that `begin` began to read. Raises as `services` does."""
    found: dict[str, Declared] = {}
    problems: list[Problem] = []
    for path, declared in zip(reading.items, reading.results(), strict=True):
        if isinstance(declared, tuple):
            problems += declared
            continue
        other = found.setdefault(declared.service.name, declared)
        if other is not declared:
            what = f"the service {declared.service.name} is declared in {other.document.file} as well"
            problems.append(Problem("TRM0116", what, "give each service its own name", Where(path)))
    if problems:
        raise TrimaranError(*problems[:_MOST])
    return tuple(found.values())


def _read(path: str) -> Declared | tuple[Problem, ...]:
    try:
        return service(path)
    except TrimaranError as error:
        return error.problems


def _files(path: str) -> Iterator[str]:
    if path == "-" or not os.path.isdir(path):  # noqa: PTH112 - a name that Path refuses is refused later, well
        yield path
        return
    found = sorted(str(each) for each in _declarations(Path(path)))
    if not found:
        fix = "name a folder with declarations (kind: PlatformAgnosticSpec), or a file"
        raise fail("TRM0116", "no service is declared below this folder", fix, Where(path))
    yield from found


def _declarations(top: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(top):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if _RENDERED in names:
            below[:] = []
            continue
        for name in names:
            path = Path(folder) / name
            if name.endswith((".yaml", ".yml")) and path.is_file() and _is_service(path):
                yield path


def _is_service(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _KIND.search(file.read(min(size, MAX_BYTES))) is not None
    except OSError:
        # It is read again, and then refused with its reason.
        return True
