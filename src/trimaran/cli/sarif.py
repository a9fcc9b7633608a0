"""Writes SARIF 2.1.0, the form in which code scanners' findings are exchanged, a result at a time.

The standard: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from trimaran import __version__
from trimaran.codes import explanations

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result.

    Args:
        code: the rule, explained by `trimaran help CODE`.
        level: `error`, `warning` or `note`.
        path: the file that it is about; empty when there is none.
        line: in that file, counted from 1; 0 when it has no lines.
        identity: what stays the same when the same thing is found again.
        properties: further values for programs.
    """

    code: str
    level: str
    message: str
    path: str = ""
    line: int = 0
    identity: Sequence[str] = ()
    properties: Sequence[tuple[str, Any]] = ()


def head() -> str:
    """What stands before the results."""
    return f'{{"$schema": {json.dumps(SCHEMA)}, "version": "2.1.0", "runs": [{{"results": ['


def result(finding: Finding) -> str:
    """One result, without the comma between two."""
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "level": finding.level,
        "message": {"text": finding.message},
    }
    if finding.path:
        place: dict[str, Any] = {"artifactLocation": {"uri": uri(finding.path)}}
        if finding.line:
            place["region"] = {"startLine": finding.line}
        found["locations"] = [{"physicalLocation": place}]
    if finding.identity:
        found["partialFingerprints"] = {"trimaran/v1": " ".join(finding.identity)}
    if finding.properties:
        found["properties"] = dict(finding.properties)
    return json.dumps(found)


def tail(codes: Iterable[str], *, complete: bool) -> str:
    """What stands behind the results: the tool, its rules, and whether everything was looked at."""
    known = explanations()
    rules = [
        {
            "id": code,
            "shortDescription": {"text": known[code].title},
            "fullDescription": {"text": " ".join(known[code].explanation.split())},
            "help": {"text": known[code].fix},
        }
        for code in sorted(set(codes))
        if code in known
    ]
    driver = {"name": "trimaran", "semanticVersion": _semantic(__version__), "rules": rules}
    rest = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": complete}],
        "columnKind": "unicodeCodePoints",
    }
    return f"], {json.dumps(rest)[1:-1]}}}]}}\n"


def uri(path: str) -> str:
    """A path as a reference: a relative one stays relative, an absolute one becomes `file:`."""
    raw = path.encode("utf-8", "surrogateescape")
    if path.startswith("/"):
        return "file://" + quote(raw)
    # A colon in the first part would make it read as a scheme.
    return quote(raw if b":" not in raw.split(b"/")[0] else b"./" + raw)


def _semantic(version: str) -> str:
    numbers, _, development = version.partition(".dev")
    return f"{numbers}-dev.{development}" if development else numbers
