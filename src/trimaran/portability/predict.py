"""`predict`: what a program would need, and where it would start, before anything is compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trimaran.errors import TrimaranError, fail, printable
from trimaran.facts import Distribution, distributions
from trimaran.portability import predict_host, predict_judge, predict_libc, predict_sources
from trimaran.portability.predict_commands import commands
from trimaran.portability.predict_host import Libraries, Linking
from trimaran.portability.predict_judge import Machine
from trimaran.portability.predict_libc import Calls
from trimaran.portability.predict_model import Brings, Brought, Prediction, Way
from trimaran.portability.predict_open import opened, relative
from trimaran.portability.predict_stub import Pragma
from trimaran.toolchain import faults, gocommand, golist
from trimaran.toolchain.gocommand import Go
from trimaran.toolchain.golist import Package, Question
from trimaran.toolchain.model import BuildRequest, Cgo, Progress

_OWN = ("runtime/cgo", "net", "os/user")


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of one build."""

    packages: tuple[Package, ...]
    pure: tuple[Package, ...]
    pragmas: Mapping[str, tuple[Pragma, ...]]
    pure_pragmas: Mapping[str, tuple[Pragma, ...]]
    linking: Linking
    libraries: Libraries
    machine: Machine
    own: Mapping[str, frozenset[str]]
    others: Mapping[str, frozenset[str]]


def predict(
    subject: str, request: BuildRequest, wanted: Sequence[Distribution], cache: Path, progress: Progress
) -> Prediction:
    """What is built from `request`, and on which of the distributions it would start.

    Args:
        subject: as the user named it.
        wanted: what the verdicts are for.
        cache: Trimaran's cache folder.

    Raises:
        TrimaranError: TRM03xx, the package or its Go cannot be had; TRM1300, the platform is not known.
    """
    _known(request.platform)
    package = relative(request.package)
    with opened(request, cache, progress) as (go, folder, _, scratch):
        read = _read(go, request, package, folder, scratch, progress)
    brought = (
        *predict_sources.cgo(read.packages),
        *predict_sources.dynamic(read.pure, {**read.pragmas, **read.pure_pragmas}),
        *predict_sources.without_cgo(read.packages, read.pure),
        *predict_sources.prebuilt(read.packages),
        *predict_sources.assembly(read.packages),
    )
    on, why = _chosen(request.cgo, brought)
    ways = sorted(
        (
            replace(_with_cgo(read, brought, request.libc), chosen=on, why=why if on else ""),
            replace(_without_cgo(read, brought), chosen=not on, why="" if on else why),
        ),
        key=lambda way: not way.chosen,
    )
    return Prediction(
        subject=subject,
        package=read.packages[-1].path,
        go=str(go.version),
        origin=str(go.origin),
        platform=request.platform,
        packages=len(read.packages if on else read.pure),
        modules=len({each.module for each in read.packages if each.module}),
        host=read.linking.host,
        brought=brought,
        ways=tuple(predict_judge.judged(way, brought, wanted) for way in ways),
        commands=commands(package, read.linking.host, brought),
    )


def _read(
    go: Go, request: BuildRequest, package: str, folder: Path, scratch: Path, progress: Progress
) -> _Read:
    system, _, arch = request.platform.partition("/")
    target = {"GOOS": system, "GOARCH": arch} | ({"GOWORK": "off"} if request.module else {})
    tags = ",".join(request.tags)
    flags = (f"-tags={tags}",) if tags else ()

    def asked(cgo: str) -> Question:
        return Question(package, folder, scratch / cgo, target | {"CGO_ENABLED": cgo}, flags)

    # Go takes the longest, so everything else is done while it lists.
    with golist.asking(go, (asked("1"), asked("0")), progress) as (listing, without):
        env = gocommand.environment(scratch, target)
        settings = gocommand.settings(go.command, env, scratch)
        linking = predict_host.linking(settings, arch, scratch, env)
        packages = listing()
        _refuse(packages, request, package)
        own = predict_sources.own_calls(packages, _OWN)
        others = predict_sources.other_calls(packages)
        pure = without()
    files = predict_sources.pragma_files(packages, pure)
    level = settings.get("GOAMD64", "") if arch == "amd64" else ""
    return _Read(
        packages,
        pure,
        predict_sources.asked(packages, files),
        predict_sources.asked(pure, files),
        linking,
        predict_host.libraries(packages, linking, settings, scratch, env),
        Machine(arch, level, f"go{go.version}"),
        own,
        others,
    )


def _known(platform: str) -> None:
    system, _, arch = platform.partition("/")
    if system != "linux" or arch not in predict_judge.MACHINES:
        known = ", ".join(f"linux/{each}" for each in predict_judge.MACHINES)
        what = f"nothing is known of programs for {printable(platform)!r}"
        raise fail("TRM1300", what, f"known are {known}")


def _refuse(packages: Sequence[Package], request: BuildRequest, package: str) -> None:
    faulty = [each.fault for each in packages if each.fault]
    if faulty:
        reading = faults.read("\n".join(faulty), request.source, package, request.platform)
        raise TrimaranError(reading.problem)
    if packages[-1].name != "main":
        reading = faults.read("is not a main package", request.source, package, request.platform)
        raise TrimaranError(replace(reading.problem, detail=()))


def _chosen(cgo: Cgo, brought: Sequence[Brought]) -> tuple[bool, str]:
    names = [each.package for each in brought if each.kind is Brings.CGO]
    match cgo:
        case Cgo.ON:
            return True, "asked for"
        case Cgo.OFF:
            return False, "asked for"
        case Cgo.AUTO if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return True, f"{printable(names[0])}{more} has C in it"
        case Cgo.AUTO:
            return False, "no package outside the standard library has C in it"


def _with_cgo(read: _Read, brought: Sequence[Brought], libc: str) -> Way:
    way = Way(True, False, "", external=predict_judge.is_external(read.packages, read.machine.arch))
    if not any(package.cgo_files for package in read.packages):
        # Nothing asks for C, so the setting changes nothing.
        return replace(_without_cgo(read, brought), cgo=True)
    if libc:
        calls = Calls(read.own, read.others, read.libraries.needed)
        return predict_libc.linked(libc, way, read.packages, read.machine, calls)
    host = read.linking.host
    if not host.found:
        return replace(way, fault=host.lacks)
    symbols = read.linking.symbols
    floor = predict_judge.certain_floor(read.own, read.linking.startup, symbols, external=way.external)
    floor += predict_judge.possible_floor(read.others, symbols)
    own = Path(host.libc).name if host.libc else "libc.so"
    needed = dict.fromkeys((own, *read.libraries.needed, *read.libraries.cplusplus))
    needed |= _loaded(read.pragmas)
    file = predict_judge.program(
        read.packages, read.machine, cgo=True, interpreter=host.interpreter, needed=tuple(needed), floor=floor
    )
    return replace(
        way,
        fault="; ".join(read.libraries.missing),
        file=file,
        most=host.newest if read.others and host.newest else None,
        floor=floor,
    )


def _without_cgo(read: _Read, brought: Sequence[Brought]) -> Way:
    refusals = [each for each in brought if each.kind is Brings.REFUSAL]
    certain = [each.package for each in refusals if each.certain]
    certain += [package.fault for package in read.pure if package.fault]
    libraries = _loaded(read.pure_pragmas)
    machine = predict_judge.MACHINES.get(read.machine.arch, "")
    loader = distributions()["debian-12"].interpreters.get(machine) if libraries else None
    if libraries and loader is None and not certain:
        return Way(False, False, "", doubt=f"nothing is known of the loader for {machine}")
    file = predict_judge.program(
        read.pure, read.machine, cgo=False, interpreter=loader, needed=tuple(libraries), floor=()
    )
    return Way(
        False,
        False,
        "",
        fault=f"{printable(certain[0])} does not compile without cgo" if certain else "",
        doubt=f"{refusals[0].package} may not compile without cgo" if refusals and not certain else "",
        file=file,
    )


def _loaded(pragmas: Mapping[str, Sequence[Pragma]]) -> dict[str, None]:
    """The libraries that pragmas make the program load."""
    return dict.fromkeys(each.library for asked in pragmas.values() for each in asked if each.library)
