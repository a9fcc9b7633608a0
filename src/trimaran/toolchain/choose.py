"""Choosing the Go for a build: what is at hand first, what can be brought next."""

from pathlib import Path

from trimaran.errors import TrimaranError, fail
from trimaran.toolchain import install, prove
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.locate import candidates
from trimaran.toolchain.model import Origin, Progress
from trimaran.toolchain.prove import Subject
from trimaran.toolchain.versions import GoVersion, Stage, Toolchain, newest, satisfies


def choose(wish: GoVersion | None, least: GoVersion | None, cache: Path, progress: Progress) -> Go:
    """The first Go that satisfies: on PATH, in the wheel, installed by us, or brought from the proxy.

    What did not come from the PATH has been proven when this returns. Raises TRM0302 when none can be had,
    TRM0315 when the declared version is too old for the module, and what proving raises.
    """
    if wish is not None and least is not None and not _possible(wish, least):
        raise _contradiction(wish, least)
    court = prove.court(cache, progress)
    for go in candidates(cache):
        if satisfies(go.version, wish, least):
            if go.origin is not Origin.PATH:
                prove.ensure(subject(go), court)
            return go
    offered = install.available(court.network())
    version = newest(offered, wish, least)
    if version is None and wish is not None and wish.stage is not Stage.LANGUAGE:
        version = wish  # a proxy need not list all that it has
    if version is None:
        wanted = f"Go {wish or least or ''}".strip()
        raise fail("TRM0302", f"the proxy has no {wanted}", "`trimaran go list --all` shows what it has")
    return install.install(version, court)


def subject(go: Go) -> Subject:
    """A Go as something to prove, for this machine."""
    return Subject(go.root, Toolchain(go.version, *install.this_machine()), go.origin is Origin.WHEEL)


def _possible(wish: GoVersion, least: GoVersion) -> bool:
    return wish >= least.language if wish.stage is Stage.LANGUAGE else wish >= least


def _contradiction(wish: GoVersion, least: GoVersion) -> TrimaranError:
    what = f"the module needs Go {least} or newer, but go: {wish} is declared"
    return fail("TRM0315", what, f'declare go: "{least.language}", or leave `go` out')
