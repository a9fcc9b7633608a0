"""`python -m tests.docs.generate`: write the parts of the documentation that come from the code.

Whole files: `docs/errors.md`, `docs/peers.md`, `docs/schema/*.json`. In `docs/declaration.md` the tables
between `<!-- table: Model -->` and `<!-- end -->`; in `docs/platforms.md` those after `<!-- losses: … -->`.
A test compares all of them with what this writes.
"""

import json
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tests.docs import losses
from trimaran.spec import fleet, service
from trimaran.spec.schema import KINDS, AsWritten, schema

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
HERE = Path(__file__).parent


def pages() -> dict[Path, str]:
    """Every generated file and what it holds; files with generated tables are given whole."""
    declaration, platforms = DOCS / "declaration.md", DOCS / "platforms.md"
    made = {
        DOCS / "errors.md": errors(),
        DOCS / "peers.md": peers(),
        declaration: with_tables(declaration.read_text("utf-8")),
        platforms: _LOSSES.sub(
            lambda at: f"{at[1]}{losses.table(at[2])}{at[3]}", platforms.read_text("utf-8")
        ),
    }
    for kind in KINDS:
        made[DOCS / "schema" / f"{kind}.json"] = json.dumps(schema(kind), indent=2) + "\n"
    return made


# -- error codes

_ROOMS = {
    "cli": "The command line",
    "spec": "Declarations",
    "init": "Writing a first declaration",
    "binary": "Binaries",
    "oci": "Images and registries",
    "rootfs": "Root file systems",
    "toolchain": "Go toolchains and builds",
    "ledger": "The ledger",
    "supervise": "The supervisor",
    "host": "This machine as a target",
    "deliver": "Rendering and delivery",
    "secret": "Secrets",
    "slo": "Objectives and metrics",
}


def errors() -> str:
    """`docs/errors.md`."""
    lines = [
        "# Error codes",
        "",
        "Every problem that Trimaran tells of has a code, and a code never changes its meaning.",
        "`trimaran help CODE` prints the same text offline. This page is generated from",
        "`src/trimaran/codes/`; change it there and run `python -m tests.docs.generate`.",
        "",
    ]
    for room, codes in by_room().items():
        lines += [f"## {_ROOMS.get(room, room.capitalize())}", ""]
        for code, body in codes.items():
            what = f"**What to do:** {body['fix'].strip()}"
            lines += [f"### {code}: {body['title']}", "", body["explanation"].strip(), "", what, ""]
    return "\n".join(lines)


def by_room() -> dict[str, dict[str, dict[str, str]]]:
    """Room → code → its entry, in the order of the codes."""
    found = {}
    for entry in resources.files("trimaran.codes").iterdir():
        if entry.name.endswith(".toml"):
            codes = tomllib.loads(entry.read_text("utf-8"))
            found[entry.name.removesuffix(".toml")] = dict(sorted(codes.items()))
    return dict(sorted(found.items(), key=lambda item: min(item[1])))


# -- peers


def peers() -> str:
    """`docs/peers.md`."""
    table = tomllib.loads((HERE / "peers.toml").read_text("utf-8"))
    lines = [
        "# What the tests are run against",
        "",
        "A test of ours against a picture of ours proves little. This table says, for everything outside",
        "that Trimaran depends on, what stands for it in `make test`, and what that leaves untested.",
        "",
        "- **real**: the thing itself, run by the tests;",
        "- **simulated**: a program that behaves like it;",
        "- **schema-only**: our output is checked against its published schema, nothing runs it;",
        "- **none**: nothing checks it yet.",
        "",
        "A peer that is missing makes a test fail; no test is skipped. This page is generated from",
        "`tests/docs/peers.toml`.",
        "",
        "| peer | stands | how | what that leaves untested |",
        "|---|---|---|---|",
    ]
    for name, peer in table.items():
        lines.append(f"| {name} | {peer['stands']} | {peer['how']} | {peer['untested']} |")
    return "\n".join(lines) + "\n"


# -- tables of fields

_LOSSES = re.compile(r"(<!-- losses: ([a-z ]+) -->\n).*?(<!-- end -->)", re.S)
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def with_losses(text: str) -> str:
    """The same for tables of losses."""
    return _LOSSES.sub(lambda found: f"{found[1]}{losses.table(found[2])}{found[3]}", text)


def with_tables(text: str) -> str:
    """A page with the tables between its marks made anew."""
    return _TABLE.sub(lambda found: f"{found[1]}{table(found[2])}{found[3]}", text)


def models() -> dict[str, type[BaseModel]]:
    """Every model of a declaration, by its class name."""
    kinds = (*vars(service).values(), *vars(fleet).values())
    found = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return {kind.__name__: kind for kind in found if kind.__module__ != "trimaran.spec.fields"}


def table(name: str) -> str:
    """The fields of one model as a Markdown table."""
    model = models()[name]
    document = model.model_json_schema(by_alias=True, schema_generator=AsWritten)
    known = document.get("$defs", {})
    required = document.get("required", [])
    lines = ["| field | value | default | meaning |", "|---|---|---|---|"]
    for field, given in model.model_fields.items():
        alias = given.alias or field
        entry = document["properties"][alias]
        nested = bool(_of_reference(entry, known)) and not isinstance(entry.get("default"), str)
        default = "**needed**" if alias in required else _default(None if nested else entry.get("default"))
        lines.append(f"| `{alias}` | {_value(entry, known)} | {default} | {meaning(entry, known)} |")
    return "\n".join(lines) + "\n"


def meaning(entry: dict[str, Any], known: dict[str, Any]) -> str:
    """What a field means: its own description, as editors show it, or that of its model."""
    said = entry.get("description") or _of_reference(entry, known)
    return " ".join(said.split()).replace("|", "\\|")


def _of_reference(entry: dict[str, Any], known: dict[str, Any]) -> str:
    for option in (entry, *entry.get("anyOf", ())):
        name = option.get("$ref", "").rpartition("/")[2]
        if name:
            return str(known[name].get("description", ""))
    return ""


def _default(value: Any) -> str:
    if value is None or value in ({}, [], ""):
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{json.dumps(value) if not isinstance(value, str) else value}`"


def _value(entry: dict[str, Any], known: dict[str, Any]) -> str:
    options = [each for each in entry.get("anyOf", [entry]) if each.get("type") != "null"]
    if len(options) > 1 and any(each.get("type") == "string" for each in options):
        return "text"  # a number without quotes is taken as it was written
    return ", or ".join(dict.fromkeys(_one(each, known) for each in options)).replace("|", "\\|")


def _one(entry: dict[str, Any], known: dict[str, Any]) -> str:  # noqa: PLR0911 - one for each kind of schema
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        target = known[name]
        words = target.get("enum")
        return _words(words) if words else f"[{name}](#{name.lower()})"
    if "enum" in entry:
        return _words(entry["enum"])
    if "const" in entry:
        return f"`{entry['const']}`"
    if "oneOf" in entry:
        return "one of " + ", ".join(_one(each, known) for each in entry["oneOf"])
    match entry.get("type"):
        case "array":
            return f"list of {_one(entry['items'], known)}"
        case "object":
            patterns = entry.get("patternProperties", {})
            inner = next(iter(patterns.values()), entry.get("additionalProperties", True))
            return f"name → {_one(inner, known)}" if isinstance(inner, dict) and inner else "mapping"
        case "integer":
            low, high = entry.get("minimum"), entry.get("maximum")
            return f"{low} to {high}" if low is not None and high is not None else "whole number"
        case "boolean":
            return "`true`, `false`"
        case ["string", "number"]:
            return f"such as `{entry['examples'][0]}`"
        case _:
            return "text"


def _words(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def main() -> None:
    """Write what differs, and say so."""
    for path, text in pages().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
