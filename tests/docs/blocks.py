"""What documentation shows, as data: the commands of its console blocks and what they print.

A fenced block ```` ```console ```` shows commands, each on a line that starts with `$ `, and below each what
it prints. A line `…` stands for any lines, `…` inside a line for any text. Marks after the word `console`:

- `peer`: needs a network or a Go toolchain, or takes long; run by `make test` only;
- `lab`: needs the lab, whose fleet file is then `lab.yaml` in the reader's folder;
- `roots`: needs root file systems of distributions, which the reader then has added;
- `programs`: needs Go's command, and two programs with SQLite in them, which the reader then has;
- `once`: taken from a real run and not run again by the tests; for `make test` itself.

A fenced block ```` ```yaml FILE ```` is also written to FILE before the commands that follow it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\S*)[ ]?(.*)$")
_ANY = "…"


@dataclass(frozen=True, slots=True)
class Shown:
    """One command and what a page says it prints; or, without a command, a file that the page gives."""

    line: int
    command: str
    output: tuple[str, ...]
    marks: frozenset[str]
    file: str = ""


def shown(page: Path) -> list[Shown]:
    """The commands and files of a page, in order."""
    found: list[Shown] = []
    for start, word, rest, body in _fenced(page.read_text("utf-8").splitlines()):
        if word == "console":
            found += _commands(start, frozenset(rest.split()), body)
        elif word == "yaml" and rest:
            found.append(Shown(start, "", tuple(body), frozenset(), rest))
    return found


def _fenced(lines: list[str]) -> list[tuple[int, str, str, list[str]]]:
    found = []
    body: list[str] | None = None
    start, word, rest = 0, "", ""
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if body is None and fence:
            start, word, rest, body = number, fence[1], fence[2], []
        elif body is not None and line == "```":
            found.append((start, word, rest, body))
            body = None
        elif body is not None:
            body.append(line)
    assert body is None, f"the block of line {start} is not closed"
    return found


def _commands(start: int, marks: frozenset[str], body: list[str]) -> list[Shown]:
    found: list[Shown] = []
    for number, line in enumerate(body, start=start + 1):
        if line.startswith("$ "):
            found.append(Shown(number, line[2:], (), marks))
        else:
            assert found, f"line {number}: output before a command"
            last = found[-1]
            found[-1] = Shown(last.line, last.command, (*last.output, line), marks)
    return found


# What differs from one machine and run to the next.
_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (s|MB|kB)\b"), "N \\2"),
    (re.compile(r"\b[0-9a-f]{12,64}…?"), "HEX"),
    (re.compile(r"\b(go|Go )?1\.\d+\.\d+\b"), "\\g<1>1.N.N"),
    (re.compile(r"\b\w+@\S+(?=  )"), "WHO"),
    (re.compile(r"\s+"), " "),
)


def normal(line: str) -> str:
    """A line without what varies."""
    for pattern, stand_in in _VARYING:
        line = pattern.sub(stand_in, line)
    return line.strip()


def differs(wanted: tuple[str, ...], seen: list[str]) -> str:
    """Empty when the lines seen are those wanted, else where they part."""
    want = [normal(line) for line in wanted if line.strip()]
    have = [normal(line) for line in seen if line.strip()]
    pattern = "".join(_pattern(line) for line in want)
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in have)):
        return ""
    return "shown:\n  " + "\n  ".join(want) + "\nprinted:\n  " + "\n  ".join(have)


def _pattern(line: str) -> str:
    if line == _ANY:
        return r"(?:.*\n)*"
    return ".*".join(re.escape(part) for part in line.split(_ANY)) + r"\n"
