"""Which packages in a Go program were compiled to a stub, because cgo was off. Pure.

The build information names modules, not packages: that a stub was linked in shows by its own text in the
program's constants. Only programs that may have one are searched.
"""

from trimaran.binary.buildinfo import GoBuild
from trimaran.binary.constants import Constants
from trimaran.binary.elf import Elf
from trimaran.facts import Scope, Stub, stubs


def linked_in(elf: Elf, build: GoBuild | None) -> tuple[str, ...]:
    """The ids of the stubs that are in the program, in the order of the facts."""
    if build is None or build.setting("CGO_ENABLED") == "1":
        return ()
    texts = {stub.id: stub.literal.encode() for stub in stubs() if _may_have(build, stub)}
    constants = Constants(elf)
    return tuple(name for name, text in texts.items() if not constants.lacks(text))


def _may_have(build: GoBuild, stub: Stub) -> bool:
    if stub.module == "std" or stub.scope is not Scope.PACKAGE:
        return False
    main = (build.main,) if build.main is not None else ()
    known = {module.path for module in (*main, *build.modules)}
    # Without modules, as older releases and some distributions build, only the text can tell. Go's own
    # commands have none either, and no package from elsewhere.
    return stub.module in known or not (known or build.package.startswith("cmd/"))
