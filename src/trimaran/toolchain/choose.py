"""Choosing the Go for a build: what is at hand first, what can be brought next."""

from pathlib import Path

from trimaran.errors import TrimaranError, fail
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.locate import candidates
from trimaran.toolchain.model import Progress
from trimaran.toolchain.versions import GoVersion, satisfies


def choose(wish: GoVersion | None, least: GoVersion | None, cache: Path, progress: Progress) -> Go:
    """The first Go that satisfies: on PATH, in the wheel, installed by us.

    Raises TRM0302 when none can be had, TRM0315 when the declared version is too old for the module.
    """
    del progress
    if wish is not None and least is not None and not _possible(wish, least):
        raise _contradiction(wish, least)
    for go in candidates(cache):
        if satisfies(go.version, wish, least):
            return go
    raise fail("TRM0302", f"there is no Go {wish or ''} on this machine", "install one")


def _possible(wish: GoVersion, least: GoVersion) -> bool:
    return wish >= least.language if wish == wish.language else wish >= least


def _contradiction(wish: GoVersion, least: GoVersion) -> TrimaranError:
    what = f"the module needs Go {least} or newer, but go: {wish} is declared"
    return fail("TRM0315", what, f'declare go: "{least.language}", or leave `go` out')
