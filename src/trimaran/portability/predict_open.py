"""Finds a Go and the module's folder, on the shortest way: most often both are at hand."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trimaran.toolchain import gomod, locate
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.model import BuildRequest, Progress, check
from trimaran.toolchain.versions import satisfies


@contextmanager
def opened(request: BuildRequest, cache: Path, progress: Progress) -> Iterator[tuple[Go, Path, str, Path]]:
    """(the Go that would build it, the module's folder, the module, a private folder); nothing is built.

    The private folder is gone afterwards. Raises what a build raises until it compiles.
    """
    check(request)
    found = _at_hand(request)
    if found is not None:
        with tempfile.TemporaryDirectory(prefix="trimaran-list-") as scratch:
            yield *found, Path(scratch)
        return
    # Imports all that can bring a Go or a module, which takes a while.
    from trimaran.toolchain import steps

    with steps.opened(request, cache, progress) as (go, source, scratched):
        yield go, source.folder, source.module, scratched


def _at_hand(request: BuildRequest) -> tuple[Go, Path, str] | None:
    """What a build would choose as well: the Go on PATH for a folder, where it suits; None else."""
    if request.path is None:
        return None
    folder = Path(str(request.path)).resolve()
    try:
        text = (folder / "go.mod").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    go = locate.on_path()
    if go is None or not satisfies(go.version, request.wish, gomod.least_go(text)):
        return None
    return go, folder, gomod.module_path(text)


def relative(package: str) -> str:
    """The package as `go` wants it inside the module's folder."""
    return package if package.startswith(".") else f"./{package}"
