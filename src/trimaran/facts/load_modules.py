"""Reads what is known of Go packages that need cgo."""

from functools import cache

from trimaran.facts.modules import Alternative, DynamicModule, Refusal, Scope, Stub
from trimaran.facts.read import read


@cache
def stubs() -> tuple[Stub, ...]:
    """Every package that is known to compile without cgo to something that fails when it is used."""
    entries, _ = read("stubs")
    return tuple(
        Stub(
            id=name,
            module=e["module"],
            packages=tuple(e["packages"]),
            scope=Scope(e["scope"]),
            calls=tuple(e["calls"]),
            literal=e["literal"],
            message=e["message"],
            since=e.get("since"),
            until=e.get("until"),
            measured=e.get("measured", ""),
            source=e["source"],
            checked=str(e["checked"]),
        )
        for name, e in entries.items()
    )


@cache
def refusals() -> tuple[Refusal, ...]:
    """Every package that is known not to compile without cgo."""
    entries, _ = read("refusals")
    return tuple(
        Refusal(name, e["module"], e.get("uses"), e["message"], e["measured"], e["source"], str(e["checked"]))
        for name, e in entries.items()
    )


@cache
def dynamic_modules() -> tuple[DynamicModule, ...]:
    """Every package that is known to make a program dynamic although cgo is off."""
    entries, _ = read("dynamic")
    return tuple(
        DynamicModule(
            package=name,
            module=e["module"],
            tag=e.get("tag"),
            libraries=tuple(e["libraries"]),
            measured=e["measured"],
            source=e["source"],
            checked=str(e["checked"]),
        )
        for name, e in entries.items()
    )


@cache
def alternatives() -> tuple[Alternative, ...]:
    """What is known to stand in for packages that need cgo."""
    entries, _ = read("alternatives")
    return tuple(
        Alternative(
            id=name,
            replaces=tuple(e["replaces"]),
            module=e.get("module"),
            tag=e.get("tag"),
            keeps=e["keeps"],
            effect=e["effect"],
            measured=e["measured"],
            source=e["source"],
            checked=str(e["checked"]),
        )
        for name, e in entries.items()
    )
