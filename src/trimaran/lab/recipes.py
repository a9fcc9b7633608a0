"""What the lab is made of, read from `recipes.toml`. Pure but for reading its own package's file."""

import pkgutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Program:
    """A program that the lab compiles.

    Args:
        name: of the file, `kube-apiserver`.
        package: the Go package to build, as `go build` takes it.
        version: for people.
    """

    name: str
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Part:
    """Programs that come from one module of ours, in `modules/NAME`.

    Args:
        version: of what it is named for; the name of its folder in the cache begins with it.
        ldflags: further flags for the linker.
    """

    name: str
    version: str
    ldflags: tuple[str, ...]
    programs: tuple[Program, ...]


@dataclass(frozen=True, slots=True)
class Extract:
    """Files that are taken from a module as they are.

    Args:
        module: `path@version`.
        sum: the content hash that the module must have (`h1:`).
        files: patterns below the module's folder, each of which must match.
        names: the definitions to take by their name; empty for all.
        clusters: which clusters get them.
    """

    name: str
    module: str
    sum: str
    files: tuple[str, ...]
    names: frozenset[str] = frozenset()
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipes:
    """All of the lab."""

    parts: tuple[Part, ...]
    definitions: tuple[Extract, ...]
    stages: Extract

    def program(self, name: str) -> tuple[Part, Program]:
        """The program of that name and its part. Raises KeyError when there is none."""
        for part in self.parts:
            for program in part.programs:
                if program.name == name:
                    return part, program
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all programs."""
        return tuple(program.name for part in self.parts for program in part.programs)


@cache
def recipes() -> Recipes:
    """The recipes that this version of Trimaran comes with."""
    return parse(text().decode("utf-8"))


def text() -> bytes:
    """The recipes as they are written."""
    return pkgutil.get_data("trimaran.lab", "recipes.toml") or b""


def parse(given: str) -> Recipes:
    """Recipes from TOML. Raises ValueError when an entry does not say where it comes from."""
    document = tomllib.loads(given)
    for group in ("part", "definitions"):
        for name, entry in document[group].items():
            _sourced(name, entry)
    _sourced("stages", document["stages"])
    return Recipes(
        tuple(_part(name, entry) for name, entry in document["part"].items()),
        tuple(_extract(name, entry) for name, entry in document["definitions"].items()),
        _extract("stages", document["stages"]),
    )


def _sourced(name: str, entry: Mapping[str, Any]) -> None:
    if not entry.get("source") or "checked" not in entry:
        raise ValueError(f"recipes.toml: {name} needs `source` and `checked`")


def _part(name: str, entry: Mapping[str, Any]) -> Part:
    programs = (Program(each, it["package"], it["version"]) for each, it in entry["programs"].items())
    return Part(name, entry["version"], tuple(entry["ldflags"]), tuple(programs))


def _extract(name: str, entry: Mapping[str, Any]) -> Extract:
    return Extract(
        name,
        entry["module"],
        entry["sum"],
        tuple(entry["files"]),
        frozenset(entry.get("names", ())),
        tuple(entry.get("clusters", ())),
    )
