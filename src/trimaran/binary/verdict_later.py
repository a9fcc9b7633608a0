"""The rules for what a program meets after its start: stubs, and name services. Pure."""

from trimaran.binary.model import Outcome, Rule, number
from trimaran.binary.staticglibc import StaticGlibc
from trimaran.binary.verdict_needs import Finding, NameService, Needs, libc_of
from trimaran.facts import Distribution, Libc, Stub, stubs

_FAILS, _UNKNOWN = Outcome.FAILS, Outcome.UNKNOWN
# Drivers of the same database that need no cgo: which of the two a program uses, the file does not tell.
NEED_NO_CGO = frozenset(
    {
        "modernc.org/sqlite",
        "github.com/glebarez/go-sqlite",
        "github.com/glebarez/sqlite",
        "github.com/ncruces/go-sqlite3",
        "zombiezen.com/go/sqlite",
    }
)


def stub(needs: Needs, _: Distribution) -> Finding | None:
    """Is a package in it that was compiled to a stub, because cgo was off?"""
    file = needs.file
    if not file.stubs or file.go is None:
        return None
    known = {each.id: each for each in stubs()}
    linked = [known[name] for name in file.stubs if name in known]
    database = next((each for each in linked if each.is_database), None)
    if database is None:
        return _elsewhere_used(linked[0]) if linked else None
    if NEED_NO_CGO & {module.path for module in file.go.modules}:
        reason = f"starts; {database.module} in it is a stub without cgo, and another driver is in it too"
        return Finding(_UNKNOWN, Rule.STUB, reason)
    reason = (
        f"starts, and its database fails: {database.module} in it is a stub, for it was built without cgo"
    )
    return Finding(_FAILS, Rule.STUB, reason)


def _elsewhere_used(stub: Stub) -> Finding:
    # Not a database, so what the program is there for may well do without it.
    reason = f"starts; what uses {stub.packages[0]} fails, a stub without cgo, and the rest works"
    return Finding(_UNKNOWN, Rule.STUB, reason)


def name_service(needs: Needs, distribution: Distribution) -> Finding | None:
    """Does a static glibc find modules of its own release for the names of users and hosts?

    Measured with static programs of 2.31, 2.36 and 2.41 on each other's distributions: a module of another
    release ends the program (SIGABRT, SIGFPE, SIGSEGV); one that is not there finds no name.
    """
    own, names = needs.file.static_glibc, needs.conditions.names
    if own is None or names is None:
        return None
    # The enterprise configuration asks modules for users; hosts are found in files and DNS as before.
    if own.built_in and (names is NameService.PLAIN or not own.users):
        return None
    what = "users" if own.built_in else "users or hosts"
    here = number(distribution.libc_version)
    if distribution.libc is not Libc.GLIBC or here is None:
        if names is NameService.PLAIN:
            return None
        reason = f"starts; the glibc in it finds no module to look up {what} with"
        return Finding(_UNKNOWN, Rule.NAME_SERVICE, reason, libc_of(distribution))
    return _modules(own, here, names, what, libc_of(distribution))


def _modules(own: StaticGlibc, here: tuple[int, ...], names: NameService, what: str, found: str) -> Finding:
    """What becomes of a static glibc that opens modules of the glibc `here`."""
    if not own.other_than(here):
        reason = f"starts; it can look up {what} if its glibc, which does not tell its release, is the same"
        return Finding(_UNKNOWN, Rule.NAME_SERVICE, reason, found)
    if names is NameService.ENTERPRISE:
        reason = f"starts, and looking up {what} ends it: the glibc in it loads modules of another release"
        return Finding(_FAILS, Rule.NAME_SERVICE, reason, found)
    # Linked in by glob() alone as well, so it may never look one up.
    reason = f"starts; if it looks up {what}, that ends it: its glibc loads modules of another release"
    return Finding(_UNKNOWN, Rule.NAME_SERVICE, reason, found)
