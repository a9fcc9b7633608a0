"""What a user names on the command line, as values: a package to build, and distributions."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, fail, printable
from trimaran.facts import Distribution, distributions, meant
from trimaran.toolchain.model import BuildRequest, Cgo

# A module at a version, and perhaps one of its packages in front of the version, as `go install` takes it.
_MODULE = re.compile(r"(?P<module>[^@\s]+)@(?P<version>[^@\s/]+)")


def request(source: str, package: str, cgo: Cgo = Cgo.AUTO) -> BuildRequest:
    """What is to be built.

    Args:
        source: a folder in a module, or module@version.
        package: relative to the folder or to the module; empty where it is not known yet.

    Raises:
        TrimaranError: TRM0303, the folder is in no module.
    """
    found = _MODULE.fullmatch(source)
    if found is not None and not Path(source).exists():
        return BuildRequest(module=found["module"], version=found["version"], package=package, cgo=cgo)
    return BuildRequest(path=Path(source), package=package, cgo=cgo)


def package_request(named: str, package: str = "", cgo: Cgo = Cgo.AUTO) -> BuildRequest:
    """The package that a folder names, as `./cmd/x`; or a module as module@version.

    Args:
        package: inside the module, as `./cmd/x`; empty for the one that is named.

    Raises:
        TrimaranError: TRM0303, the folder is in no module.
    """
    path = Path(named)
    if "@" in named and not path.exists():
        module, _, version = named.partition("@")
        return BuildRequest(module=module, version=version, package=package or ".", cgo=cgo)
    full = (path / package).resolve()
    for folder in (full, *full.parents):
        if (folder / "go.mod").is_file():
            inside = full.relative_to(folder).as_posix()
            return BuildRequest(path=folder, package="." if inside == "." else f"./{inside}", cgo=cgo)
    what = f"{printable(named)} is in no module: no go.mod stands in it or above it"
    raise fail("TRM0303", what, "name a package's folder, as ./cmd/name, or a module as module@version")


def distributions_named(names: Iterable[str]) -> tuple[Distribution, ...]:
    """The distributions that `--for` names, separated by commas; all when it names none.

    Raises:
        TrimaranError: TRM0210, nothing is known of one.
    """
    known = distributions()
    given = list(names)
    wanted = [name.strip() for text in given for name in text.split(",") if name.strip()]
    if given and not wanted:
        raise fail("TRM0210", "--for names no distribution", f"known are {', '.join(known)}")
    wrong = [name for name in dict.fromkeys(wanted) if name not in known]
    if wrong:
        raise TrimaranError(*(misspelt(name, tuple(known)) for name in wrong))
    return tuple(known[name] for name in dict.fromkeys(wanted or known))


def misspelt(name: str, known: Sequence[str]) -> Problem:
    """TRM0210, with the one that it may stand for."""
    near = meant(name, known)
    hint = f"did you mean {near}? " if near else ""
    what = f"nothing is known of a distribution {printable(name)!r}"
    return Problem("TRM0210", what, f"{hint}known are {', '.join(known)}")
