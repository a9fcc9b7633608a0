"""A root file system's record, `root.json`, and the fact that was measured in it, as documents. Pure."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from trimaran.facts.model import Distribution, Libc, Library
from trimaran.rootfs.model import Contents, Root

SCHEMA = "trimaran.dev/rootfs/v1"


class DamagedRecordError(ValueError):
    """The record is not one that we wrote, or no longer."""


def document(root: Root) -> dict[str, Any]:
    """What `root.json` holds, and what `-o json` shows of a root; the folder is not in it."""
    fact = root.distribution
    # Names of one library are many; each library is written once.
    kept = dict.fromkeys((fact.inventory or {}).values())
    places = {each: place for place, each in enumerate(kept)}
    return {
        "schema": SCHEMA,
        "name": root.name,
        "origin": root.origin,
        "digest": root.digest,
        "added": root.added,
        "machine": root.machine,
        "system": fact.name,
        "libc": fact.libc.value,
        "libc_version": fact.libc_version,
        "cpu": fact.cpu,
        "kernel": fact.kernel,
        "source": fact.source,
        "checked": fact.checked,
        "contents": {
            "system": root.contents.system,
            "manager": root.contents.manager,
            "packages": root.contents.packages,
            "name_services": dict(root.contents.name_services),
            "name_modules": list(root.contents.name_modules),
            "go": root.contents.go,
        },
        "skipped": list(root.skipped),
        "libraries": [_library(each) for each in kept],
        "inventory": {name: places[each] for name, each in (fact.inventory or {}).items()},
    }


def _library(library: Library) -> dict[str, Any]:
    exports = None if library.exports is None else sorted(library.exports)
    return {"needed": list(library.needed), "versions": sorted(library.versions), "exports": exports}


def restore(text: bytes, folder: Path, known: Mapping[str, Distribution]) -> Root:
    """The root whose record this is.

    Args:
        folder: its tree.
        known: the distributions of the facts: what holds for every distribution with a C library is taken
            from them.

    Raises DamagedRecordError.
    """
    try:
        found = json.loads(text)
        if found["schema"] != SCHEMA:
            raise DamagedRecordError(f"it has the form {found['schema']!r}")
        libraries = tuple(_restored(each) for each in found["libraries"])
        contents = found["contents"]
        return Root(
            name=str(found["name"]),
            folder=folder,
            origin=str(found["origin"]),
            digest=str(found["digest"]),
            added=str(found["added"]),
            machine=str(found["machine"]),
            distribution=_fact(found, libraries, known),
            contents=Contents(**{**contents, "name_modules": tuple(contents["name_modules"])}),
            skipped=tuple(found["skipped"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        if isinstance(error, DamagedRecordError):
            raise
        raise DamagedRecordError(f"{type(error).__name__}: {error}") from None


def _restored(entry: Mapping[str, Any]) -> Library:
    exports = entry["exports"]
    return Library(
        tuple(entry["needed"]),
        frozenset(entry["versions"]),
        None if exports is None else frozenset(exports),
    )


def _fact(
    found: Mapping[str, Any], libraries: tuple[Library, ...], known: Mapping[str, Distribution]
) -> Distribution:
    inventory = {str(name): libraries[place] for name, place in found["inventory"].items()}
    return measured(
        known,
        found["name"],
        Libc(found["libc"]),
        inventory,
        name=found["system"],
        libc_version=found["libc_version"],
        cpu=int(found["cpu"]),
        kernel=found["kernel"],
        source=found["source"],
        checked=found["checked"],
    )


def measured(
    known: Mapping[str, Distribution], ident: str, libc: Libc, inventory: Mapping[str, Library], **told: Any
) -> Distribution:
    """A distribution as measured: its own values, and what the facts say of its C library wherever it is."""
    base = next(each for each in known.values() if each.libc is libc)
    own = (inventory.get(path.rpartition("/")[2]) for path in base.interpreters.values())
    exports = next((each.exports for each in own if each is not None), None)
    return replace(
        base,
        id=ident,
        libraries=frozenset(inventory),
        inventory=MappingProxyType(dict(inventory)),
        elsewhere=MappingProxyType({k: v for k, v in base.elsewhere.items() if k not in inventory}),
        symbols=exports if libc is Libc.MUSL else None,
        **told,
    )


def toml(root: Root, own: frozenset[str]) -> str:
    """The fact that was measured, in the form of `facts/distributions.toml`.

    Args:
        own: the libraries that belong to the C library itself and are not repeated.
    """
    fact = root.distribution
    more = sorted(name for name in fact.libraries - own)
    lines = [
        f"[{json.dumps(root.name)}]",
        f"name = {json.dumps(fact.name)}",
        f"libc = {json.dumps(fact.libc.value)}",
        f"version = {json.dumps(fact.libc_version)}",
        *(f"{key} = {value}" for key, value in (("cpu", fact.cpu),) if value != 1),
        *([f"libraries = [{_rows(more)}\n]"] if more else []),
        f"source = {json.dumps(f'{fact.source} of {root.origin}', ensure_ascii=False)}",
        f"checked = {fact.checked}",
    ]
    return "\n".join(lines) + "\n"


def _rows(names: list[str]) -> str:
    rows = [""]
    for name in names:
        word = f" {json.dumps(name, ensure_ascii=False)},"
        if len(rows[-1]) + len(word) > 110:
            rows.append("")
        rows[-1] += word
    return "".join(f"\n {row}" for row in rows)
