"""What is known of Go packages that need cgo, as values. Pure."""

from enum import StrEnum
from typing import NamedTuple


class Scope(StrEnum):
    """How much of a package is a stub when cgo is off."""

    PACKAGE = "package"
    """Nothing that the package is there for works."""
    FUNCTIONS = "functions"
    """Only the calls that are named fail; the rest works."""


class Stub(NamedTuple):
    """Packages that compile without cgo to something that fails when it is used.

    Args:
        id: as `go-sqlite3`.
        module: the module's path; `std` for the standard library.
        packages: the import paths that are stubs.
        scope: whether all of a package fails, or only `calls`.
        calls: what fails, in words or as names of the package.
        literal: text that a program has in it if and only if the stub was linked in.
        message: regular expression of what is seen when the stub is used.
        since: the first version that is a stub; None when nobody has looked for it.
        until: the first version that no longer is; None when the newest one known still is.
        measured: the version that was built and run; empty for the standard library.
    """

    id: str
    module: str
    packages: tuple[str, ...]
    scope: Scope
    calls: tuple[str, ...]
    literal: str
    message: str
    since: str | None
    until: str | None
    measured: str
    source: str
    checked: str

    @property
    def is_database(self) -> bool:
        """Whether it is a driver: a program that has one hardly does without it."""
        return self.calls[0].startswith("database/sql")


class Refusal(NamedTuple):
    """A package that does not compile without cgo.

    Args:
        uses: the name that does not exist then; None where importing the package is enough to fail.
        message: what the compiler or `go build` says; its beginning.
        measured: the version that was built.
    """

    package: str
    module: str
    uses: str | None
    message: str
    measured: str
    source: str
    checked: str


class DynamicModule(NamedTuple):
    """A package that makes a program dynamic, with the C library's interpreter, although cgo is off.

    Args:
        tag: the build tag under which it does so; None when it always does.
        libraries: what the program then names as needed.
        measured: the version that was built.
    """

    package: str
    module: str
    tag: str | None
    libraries: tuple[str, ...]
    measured: str
    source: str
    checked: str


class Alternative(NamedTuple):
    """What a program may take instead of a package that needs cgo: a module, or a build tag.

    Args:
        replaces: import paths of packages.
        module: another module; None for a tag.
        tag: a build tag that the replaced package itself offers; None for a module.
        keeps: whether the program's own code stays as it is.
        effect: what changes, in words.
        measured: the version that was looked at.
    """

    id: str
    replaces: tuple[str, ...]
    module: str | None
    tag: str | None
    keeps: bool
    effect: str
    measured: str
    source: str
    checked: str
