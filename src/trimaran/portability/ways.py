"""Which ways there are to build a program so that it starts elsewhere, and which of them lead nowhere. Pure.

A way changes the build and nothing else: no source, no module. What a way costs is said with it; whether it
works is found out by building and running, not here.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from trimaran.facts import Distribution
from trimaran.facts.model import Libc
from trimaran.portability.ways_constraints import GoFile, compiled, offered

# What files that stand in for C say of themselves where they only refuse.
_REFUSAL = re.compile(
    r"(?i)requires? (?:building with )?cgo|needs? cgo|CGO_ENABLED=0|without cgo|this is a stub"
    r"|cgo (?:is )?(?:required|disabled|not enabled)"
)
# What may be a stub's word and may be an honest one about a single call.
_DOUBT = re.compile(r"(?i)not implemented|unsupported|not supported")
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.){1,400})"|`([^`]{1,400})`')
# Of the standard library only this one refuses; the others have the same in Go (net, os/user).
_STANDARD_REFUSES = frozenset({"plugin"})
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class CPackage:
    """A package of the build that has C in it.

    Args:
        path: its import path.
        module: the module that brings it; empty for the standard library.
        files: its Go files, those left out by constraints too.
        stub: what it says without cgo, where it is known to be a stub; else empty.
        partly: the calls of it that are known to fail without cgo, and how; else empty.
    """

    path: str
    module: str
    files: tuple[GoFile, ...]
    stub: str = ""
    partly: str = ""

    @property
    def owner(self) -> str:
        return self.module or "the standard library"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to build it.

    Args:
        name: as a user selects it, as `musl`.
        title: what it is, one line.
        cgo: as in a declaration: `auto`, `off` or `on`.
        tags: build tags.
        libc: as in a declaration; empty for the build machine's own.
        caveats: what it costs or changes, one line each.
        needs: the tool that it needs and that an ordinary build does not; empty for none.
        refused: why it is not even tried; empty when it is.
    """

    name: str
    title: str
    cgo: str = "auto"
    tags: tuple[str, ...] = ()
    libc: str = ""
    caveats: tuple[str, ...] = ()
    needs: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    """The build as it is now, and what is to come of it.

    Args:
        cgo: as declared.
        tags: as declared.
        packages: those with C in them, the standard library's too; empty when none has.
        given: the tags that the platform itself sets, without `cgo`.
        wanted: where it has to start.
    """

    cgo: str
    tags: tuple[str, ...]
    packages: tuple[CPackage, ...]
    given: frozenset[str]
    wanted: tuple[Distribution, ...]


def ways(build: Build) -> tuple[Way, ...]:
    """Every way for this build, the one that changes a program least first; refused ones too."""
    found = [_pure(build), *_by_tags(build)]
    floor = oldest_glibc(build.wanted)
    if floor is not None:
        found.append(_floor(build, floor))
    return (*found, _musl(build), _static_pie(build))


def oldest_glibc(wanted: Iterable[Distribution]) -> str | None:
    """The oldest glibc of all distributions that have one, as `2.17`; None when none has."""
    versions = [each.libc_version for each in wanted if each.libc is Libc.GLIBC]
    return min(versions, key=lambda version: [int(part) for part in version.split(".")], default=None)


def _pure(build: Build) -> Way:
    way = Way("pure", "pure Go, nothing of C in it", cgo="off", tags=build.tags)
    reasons = list(dict.fromkeys(_reasons(build, without_cgo=True, more=())))
    if reasons:
        return replace(way, refused="; ".join(reasons[:_SHOWN]))
    partly = tuple(f"without cgo, {each.path} lacks {each.partly}" for each in build.packages if each.partly)
    return replace(way, caveats=(*partly, *_doubts(build, {*build.given, *build.tags}), *_resolver(build)))


def _resolver(build: Build) -> tuple[str, ...]:
    names = {each.path for each in build.packages if not each.module}
    if not names & {"net", "os/user"}:
        return ()
    return ("names of hosts and users are looked up by Go itself: no NSS modules (LDAP, SSSD, mDNS)",)


def _by_tags(build: Build) -> Iterator[Way]:
    tags = avoiding_tags(build)
    if not tags or set(tags) <= set(build.tags):
        return
    named = ",".join(tags)
    way = Way("tags", f"the build tags {named}, which the sources offer", tags=(*build.tags, *tags))
    reasons = list(dict.fromkeys(_reasons(build, without_cgo=False, more=tags)))
    if reasons:
        yield replace(way, refused="; ".join(reasons[:_SHOWN]))
        return
    doubts = _doubts(build, {*build.given, "cgo", *build.tags, *tags})
    yield replace(way, cgo="on", caveats=(*doubts, *_resolver(build)))


def _doubts(build: Build, after: Collection[str]) -> tuple[str, ...]:
    """What files that stand in for C say that a person should read: it may be about one call only."""
    before = {*build.given, "cgo", *build.tags}
    return tuple(
        f"{package.path} then says {told}: try what the program does with it"
        for package in build.packages
        if package.module and not package.stub and not package.partly
        for told in _told(package, before, after, _DOUBT)
    )


def _told(
    package: CPackage, before: Collection[str], after: Collection[str], words: re.Pattern[str]
) -> list[str]:
    """What the first file says in such words, of those that are compiled only afterwards."""
    known = {file.name for file in compiled(package.files, before)}
    then = (file for file in compiled(package.files, after) if file.name not in known)
    return [told for file in then if (told := refusal(file, words))][:1]


def avoiding_tags(build: Build) -> tuple[str, ...]:
    """Tags with which no package compiles C any more, one for each that needs one; empty without any."""
    chosen: list[str] = []
    for package in build.packages:
        if package.path == "runtime/cgo":
            continue  # it is there for the others' sake
        with_tags = {*build.given, "cgo", *build.tags, *chosen}
        if not any(file.c for file in compiled(package.files, with_tags)):
            continue
        tag = next((tag for tag in offered(package.files) if _avoids(package, {*with_tags, tag})), None)
        if tag is None:
            return ()
        chosen.append(tag)
    return tuple(chosen)


def _avoids(package: CPackage, tags: Collection[str]) -> bool:
    left = compiled(package.files, tags)
    return bool(left) and not any(file.c for file in left)


def _reasons(build: Build, *, without_cgo: bool, more: Sequence[str]) -> Iterator[str]:
    """Why a build without C would not be the same program."""
    before = {*build.given, "cgo", *build.tags}
    after = ({*before} - {"cgo"} if without_cgo else before) | {*more}
    for package in build.packages:
        if not package.module and package.path not in _STANDARD_REFUSES:
            continue
        if package.stub and without_cgo:
            yield f"{package.path} is a stub without cgo: {package.stub}"
            continue
        now = compiled(package.files, before)
        if package.partly or not any(file.c for file in now):
            continue
        then = compiled(package.files, after)
        if not then:
            yield f"{package.path} has no file without C, so it does not compile"
            continue
        for told in _told(package, before, after, _REFUSAL):
            yield f"{package.path} is a stub {'without cgo' if without_cgo else 'then'}: {told}"


def refusal(file: GoFile, words: re.Pattern[str] = _REFUSAL) -> str:
    """What a file that stands in for C says in such words, in its texts, and its name; empty otherwise."""
    for found in _LITERAL.finditer(_uncommented(file.text)):
        text = found[1] or found[2] or ""
        if words.search(text):
            shown = " ".join(text.replace("\\n", " ").split())
            return f'"{shown[:120]}" ({file.name})'
    return ""


def _uncommented(text: str) -> str:
    return re.sub(r"(?m)^\s*//.*$", "", text)


def _floor(build: Build, floor: str) -> Way:
    musl = [each.id for each in build.wanted if each.libc is Libc.MUSL]
    caveats = [f"cannot start on {', '.join(musl)}: that is not glibc"] if musl else []
    return Way(
        f"glibc-{floor}",
        f"linked for glibc {floor} and newer",
        cgo=_with_c(build),
        tags=build.tags,
        libc=f"glibc-{floor}",
        caveats=tuple(caveats),
        needs="zig",
    )


def _musl(build: Build) -> Way:
    caveats = ["musl answers for names, memory and threads: no NSS modules, small stacks for C"]
    return Way(
        "musl",
        "musl linked in, needs nothing of the system",
        cgo=_with_c(build),
        tags=build.tags,
        libc="musl",
        caveats=tuple(caveats),
        needs="musl-gcc or zig",
    )


def _static_pie(build: Build) -> Way:
    return Way(
        "static",
        "this machine's glibc linked in (external static-pie)",
        cgo=_with_c(build),
        tags=build.tags,
        libc="glibc-static",
        caveats=(
            "looking up hosts and users still loads NSS modules (and dlopen), of that glibc release only",
        ),
    )


def _with_c(build: Build) -> str:
    # A folder without a declaration is built as `go build` does, with the C of net and os/user.
    return "auto" if build.cgo == "off" else build.cgo
