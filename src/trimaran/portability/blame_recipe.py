"""How a program was built, so that its packages are found compiled; and how the source differs. Pure.

The file may be anyone's, and Go hands C flags to compilers as they are, so only settings of known forms are
taken from it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimaran.binary.buildinfo import GoBuild, Module
from trimaran.toolchain.golist import Package

_WORD = r"[A-Za-z0-9_.,+-]+"
# Flags of `go build` that change what packages are compiled to.
_SWITCHES = ("-race", "-msan", "-asan")
_TAGS = re.compile(_WORD)
_BUILDMODES = frozenset({"exe", "pie", "c-archive", "c-shared", "shared", "plugin"})
_GCFLAGS = re.compile(r"(?:[a-z./]+=)?(?:-[NlB]|-dwarf=(?:true|false)|\s)*")
_PLATFORM = (
    *("GOOS", "GOARCH", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64"),
    *("GOEXPERIMENT", "GOFIPS140"),
)
_C_FLAGS = ("CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS")
# Optimisation, debugging, definitions, warnings and processors: nothing that names a file or loads code.
_C_FLAG = re.compile(
    r"-(?:O[0-3sgz]?|g[0-9]?|pthread|D\w+(?:=\w+)?|U\w+|W[\w-]+(?:=\w+)?|std=[\w+]+|m(?:arch|tune|fpmath)=[\w-]+"
    r"|f(?:PIC|pic|PIE|no-omit-frame-pointer|stack-protector(?:-strong|-all)?|stack-clash-protection)"
    r"|l\w+|static|static-pie|no-pie|pie)"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to tell `go list` so that it finds what was compiled for a program.

    Args:
        flags: of the command.
        settings: variables of the environment.
        left_out: settings of the file that are not repeated, because their form is not a known one.
    """

    flags: tuple[str, ...]
    settings: Mapping[str, str]
    left_out: tuple[str, ...]


def recipe(build: GoBuild) -> Recipe:
    """How to repeat a build, as far as its file tells."""
    told = dict(build.settings)
    settings = {"GOFLAGS": "-buildvcs=false"}
    left_out = []
    for key in _PLATFORM:
        if key in told and re.fullmatch(_WORD, told[key]):
            settings[key] = told[key]
    if told.get("CGO_ENABLED") in {"0", "1"}:
        settings["CGO_ENABLED"] = told["CGO_ENABLED"]
    for key in _C_FLAGS:
        # An empty value means none, while an absent variable means Go's default.
        if told.get(key) and all(_C_FLAG.fullmatch(word) for word in told[key].split()):
            settings[key] = told[key]
        elif told.get(key):
            left_out.append(f"{key}={told[key]}")
    flags, odd = _flags(told)
    return Recipe(flags, settings, (*left_out, *odd))


def _flags(told: Mapping[str, str]) -> tuple[tuple[str, ...], list[str]]:
    flags = [switch for switch in ("-trimpath", *_SWITCHES) if told.get(switch) == "true"]
    odd = []
    for key, known in (
        ("-tags", _TAGS.fullmatch),
        ("-buildmode", _BUILDMODES.__contains__),
        ("-gcflags", _GCFLAGS.fullmatch),
    ):
        value = told.get(key)
        if value and known(value):
            flags.append(f"{key}={value}")
        elif value:
            odd.append(f"{key}={value}")
    return tuple(flags), odd


def differences(build: GoBuild, packages: Sequence[Package], release: str) -> tuple[str, ...]:
    """How the file is not what the source gives now, one line each.

    Args:
        release: of the Go that compiled the packages, `go1.26.8`.
    """
    found = []
    if build.version.partition(" ")[0] != release:
        found.append(f"{build.version} built the file, and {release} compiled the packages that were read")
    here = {package.module: package.version for package in packages if package.module}
    there = dict(map(_compiled, build.modules))
    found += [
        f"{path} is {there[path] or 'a folder'} in the file, {here[path] or 'a folder'} here"
        for path in sorted(here.keys() & there.keys())
        if here[path] != there[path]
    ]
    main = build.main.path if build.main is not None else ""
    gone = sorted(there.keys() - here.keys())
    new = sorted(here.keys() - there.keys() - {main})
    found += [f"{path} {there[path]} is in the file and not in the source's build" for path in gone]
    # Before Go 1.18 and without modules the file names none.
    found += [f"{path} {here[path]} is in the source's build and not in the file" for path in new if there]
    return tuple(found)


def _compiled(module: Module) -> tuple[str, str]:
    """What stands in for a replaced module is what was compiled."""
    instead = module.replaced
    if instead is None:
        return module.path, module.version
    return (instead.path, instead.version) if instead.version else (module.path, "")
