"""`python -m tools.facts [NAME…] [--write]`: read and measure again, and show what differs.

Ends with 0 when everything is as the files say, 1 when something differs, 2 when a source cannot be reached.
"""

import argparse
import difflib
import sys
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from tools.facts.debian import SourceMissingError
from tools.facts.steps import STEPS, World

FACTS = Path(__file__).resolve().parents[2] / "src/trimaran/facts"


def main(arguments: list[str] | None = None) -> int:
    """The status of the process."""
    chosen = _parsed(arguments)
    world = World(chosen.facts, platformdirs.user_cache_path("trimaran") / "facts")
    differs = False
    for name in chosen.names or STEPS:
        print(f"{name}: reading", file=sys.stderr, flush=True)
        try:
            new = STEPS[name](world)
        except SourceMissingError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        changes = _difference(world.facts, new)
        if changes:
            differs = True
            print(changes, end="")
            if chosen.write:
                _write(world.facts, new)
        print(f"{name}: {'differs' if changes else 'as it was'}", file=sys.stderr, flush=True)
    return int(differs)


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.facts", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to read again: {', '.join(STEPS)}")
    parser.add_argument("--write", action="store_true", help="write what differs into the files")
    parser.add_argument("--facts", type=Path, default=FACTS, help="the folder with the files")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.names) - set(STEPS))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(STEPS)}")
    return chosen


def _difference(facts: Path, new: Mapping[str, str]) -> str:
    found: list[str] = []
    for file, text in new.items():
        place = facts / file
        old = place.read_text("utf-8") if place.is_file() else ""
        lines = difflib.unified_diff(
            _wrapped(old), _wrapped(text), fromfile=f"a/{file}", tofile=f"b/{file}", n=1, lineterm=""
        )
        found += [f"{line}\n" for line in lines]
    return "".join(found)


def _wrapped(text: str) -> list[str]:
    """Lines as people read them: a row with a hundred names is one name a line below its first word."""
    lines: list[str] = []
    for line in text.splitlines():
        words = line.split(" ")
        long = len(line) > 200 and not line.startswith("#")
        lines += [words[0], *(f"    {words[0]} {word}" for word in words[1:])] if long else [line]
    return lines


def _write(facts: Path, new: Mapping[str, str]) -> None:
    for file, text in new.items():
        half = facts / f".{file}.new"
        half.write_text(text, "utf-8")
        half.rename(facts / file)


if __name__ == "__main__":
    sys.exit(main())
