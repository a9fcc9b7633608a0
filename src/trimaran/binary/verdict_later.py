"""The rules for what a program meets after its start: stubs, and name services. Pure."""

from trimaran.binary.model import File, Kind, Outcome, Rule
from trimaran.binary.verdict_needs import Finding, NameService, Needs, libc_of
from trimaran.facts.model import Distribution

_FAILS, _UNKNOWN = Outcome.FAILS, Outcome.UNKNOWN
_STUBS = {"github.com/mattn/go-sqlite3": "database"}
# Drivers of the same database that need no cgo: which of the two a program uses, the file does not tell.
_INSTEAD = (
    "modernc.org/sqlite",
    "github.com/glebarez/go-sqlite",
    "github.com/glebarez/sqlite",
    "github.com/ncruces/go-sqlite3",
    "zombiezen.com/go/sqlite",
)


def stub(needs: Needs, _: Distribution) -> Finding | None:
    """Is a module in it that was compiled to a stub, because cgo was off?"""
    file = needs.file
    if file.go is None or file.go.setting("CGO_ENABLED") == "1":
        return None
    paths = {module.path for module in file.go.modules}
    if file.go.main is not None:
        paths.add(file.go.main.path)
    name = next((each for each in _STUBS if each in paths), None)
    if name is None:
        return None
    part = _STUBS[name]
    if file.go.setting("CGO_ENABLED") is None:
        return _untold(file, name, part)
    if paths & set(_INSTEAD):
        reason = f"built without cgo, so {name} in it is a stub; another driver is in it too"
        return Finding(_UNKNOWN, Rule.STUB, reason)
    reason = f"starts, and its {part} fails: built without cgo, so {name} in it is a stub"
    return Finding(_FAILS, Rule.STUB, reason)


def _untold(file: File, name: str, part: str) -> Finding | None:
    # Before Go 1.18 nothing tells whether cgo was on; a program that needs the C library had it.
    if any(each.startswith("libc.") for each in file.needed) or file.abi_kernel is not None:
        return None
    reason = f"starts; its {part} fails if {name} in it was built without cgo, which the file does not tell"
    return Finding(_UNKNOWN, Rule.STUB, reason)


def name_service(needs: Needs, distribution: Distribution) -> Finding | None:
    """Does a static glibc find the modules that it opens for the names of users and hosts?"""
    file = needs.file
    if not file.name_services or file.kind is Kind.LIBRARY or needs.conditions.names is None:
        return None
    if needs.conditions.names is NameService.PLAIN:
        return None
    reason = "starts; the glibc in it opens modules of the distribution's glibc to look up names"
    return Finding(_UNKNOWN, Rule.NAME_SERVICE, reason, libc_of(distribution))
