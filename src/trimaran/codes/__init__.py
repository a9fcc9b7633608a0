"""What every error code means, as data that `trimaran help TRM0101` prints without a network.

One TOML file a room (`spec.toml`, `binary.toml`, …), each entry `[TRM0101]` with `title`, `explanation`
and `fix`. A code is never reused; a test holds the files and the code together.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means: a title of one line, and what to know and do, in plain paragraphs."""

    code: str
    title: str
    explanation: str
    fix: str


def explanations() -> dict[str, Explanation]:
    """Every known code, in order. Raises ValueError when two files claim the same code."""
    found: dict[str, Explanation] = {}
    for entry in sorted(resources.files(__name__).iterdir(), key=lambda item: item.name):
        if not entry.name.endswith(".toml"):
            continue
        for code, body in tomllib.loads(entry.read_text("utf-8")).items():
            if code in found:
                raise ValueError(f"{code} is explained twice")
            found[code] = Explanation(code, body["title"], body["explanation"].strip(), body["fix"].strip())
    return dict(sorted(found.items()))
