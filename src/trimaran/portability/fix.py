"""Builds a program in every way that there is, and finds out where each starts: predicted, and run.

Nothing of the user's is changed: programs are built into Trimaran's own cache.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from trimaran.binary import File, NameService, inspect_file, verdicts
from trimaran.errors import TrimaranError
from trimaran.facts import Distribution
from trimaran.portability import fix_sources
from trimaran.portability.fix_model import BEFORE, PROGRAM, Subject, Tried, go_command
from trimaran.portability.fix_runs import judged, notes
from trimaran.portability.verify import Proof, verify
from trimaran.portability.ways import Build, Way, ways
from trimaran.portability.ways_constraints import platform_tags
from trimaran.rootfs.model import Root
from trimaran.rootfs.sandbox_plan import Limits
from trimaran.toolchain import BuildRequest, Built, Cgo, Progress, build

# A service that is still there after this has started; each way waits so long in each root file system.
_LIMITS = Limits(seconds=5.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """What every way is tried with.

    Args:
        request: the build as it is now.
        wanted: where it has to start.
        roots: root file systems at hand, by the id of the distribution that they are.
        arguments: what the program is started with.
        cache: Trimaran's cache folder.
    """

    request: BuildRequest
    wanted: tuple[Distribution, ...]
    roots: Mapping[str, Root]
    arguments: tuple[str, ...]
    cache: Path


def find_ways(trial: Trial, progress: Progress) -> tuple[tuple[Way, ...], tuple[str, ...]]:
    """Every way to build it, refused ones with their reason, and what else would help. Raises TRM1360."""
    request = trial.request
    sources = fix_sources.read(request, trial.cache, progress)
    given = platform_tags(request.platform, sources.minor)
    found = ways(Build(request.cgo, request.tags, sources.packages, given, trial.wanted))
    return found, sources.instead


def try_before(trial: Trial, progress: Progress) -> Tried:
    """The build as it is now."""
    request = trial.request
    way = Way(BEFORE, "as it is built now", request.cgo, request.tags, request.libc)
    return _try(way, request, trial, progress, ())


def try_way(way: Way, trial: Trial, before: Tried, progress: Progress) -> Tried:
    """What comes of one way; a refused one is not built.

    A status that the build before ended with somewhere is the program's usual one.
    """
    if way.refused:
        return Tried(way)
    request = replace(trial.request, cgo=Cgo(way.cgo), tags=way.tags, libc=way.libc)
    return _try(way, request, trial, progress, before.statuses)


def _try(way: Way, request: BuildRequest, trial: Trial, progress: Progress, usual: Collection[int]) -> Tried:
    try:
        built = build(request, trial.cache, progress)
    except TrimaranError as error:
        return Tried(way, problem=error.problems[0])
    file = inspect_file(built.path)
    runs = _runs(built, trial, progress)
    predicted = {each.distribution: each for each in verdicts(file, trial.wanted)}
    predicted |= {name: judged(run, usual, way.name == BEFORE) for name, run in runs.items()}
    found = tuple(predicted[each.id] for each in trial.wanted)
    reason, _, linked = built.cgo_reason.partition("; ")
    how = linked or (reason if request.cgo is Cgo.AUTO else "")
    return Tried(
        way, str(built.path), built.digest, built.size, file.kind, file.glibc_floor, built.cgo,
        how, found, tuple(notes(runs, _with_enterprise(file, built, trial))),
        statuses=frozenset(run.status for run in runs.values() if run.status is not None),
        runs=tuple(run.command for run in runs.values()), variables=built.variables,
    )  # fmt: skip


def _runs(built: Built, trial: Trial, progress: Progress) -> dict[str, Proof]:
    found = {}
    for name, root in trial.roots.items():
        progress(f"running it in {name}")
        found[name] = verify(Path(built.path), root, trial.arguments, limits=_LIMITS)
    return found


def _with_enterprise(file: File, built: Built, trial: Trial) -> tuple[Proof, ...]:
    """Runs with the name services of an enterprise's machine, for a program that brings its own glibc."""
    if file.interpreter is not None or not file.name_services:
        return ()
    enterprise = NameService.ENTERPRISE
    path = Path(built.path)
    return tuple(
        verify(path, root, trial.arguments, variant=enterprise, limits=_LIMITS)
        for root in trial.roots.values()
    )


def commands(tried: Tried, subject: Subject) -> tuple[str, ...]:
    """What a person types to build it this way, to look at it and to run it, without Trimaran."""
    found = [go_command(tried.way, subject, tried.variables)]
    program = PROGRAM if not subject.module else "$(go env GOPATH)/bin/" + Path(tried.path).name
    return (
        *found,
        f"readelf -W -l -d -V {program}",
        *(run.replace(tried.path, program) for run in tried.runs),
    )
