"""The tables of losses in `docs/platforms.md`: what the golden cases lose, with their own names taken out."""

import re
from collections.abc import Iterator

from tests.golden.cases import CASES, renderings
from trimaran.deliver.rendering import TargetRendering

# Fields of which a declaration has several, under names of its own.
_NAMED = re.compile(r"^(secrets|volumes|routes|objectives|env)\.([^.]+)")


def table(where: str) -> str:
    """What `where` (a platform, or `host local` and `host ssh`) does not express as declared."""
    rows = sorted({row for case in CASES for each in renderings(case) for row in _rows(each, where)})
    assert rows, f"no golden case loses anything on {where}"
    lines = [f"| `{field}` | {reason} |" for field, reason in rows]
    return "\n".join(["| lossy | what happens instead |", "|---|---|", *lines]) + "\n"


def _rows(rendering: TargetRendering, where: str) -> Iterator[tuple[str, str]]:
    platform = rendering.settings.platform
    via = getattr(rendering.settings, "via", "")
    if where not in (platform, f"{platform} {via}"):
        return
    for loss in rendering.rendering.losses:
        named = _NAMED.match(loss.field)
        yield _field(loss.field), _reason(loss.reason, rendering.service.name, named[2] if named else "")


def _field(field: str) -> str:
    if field.startswith("files."):
        return "files.PATH"
    return _NAMED.sub(r"\1.NAME", field)


def _reason(reason: str, service: str, name: str) -> str:
    """The reason with every name and number of the case replaced by what it stands for."""
    reason = re.sub(r"files/\S+;.*needs root", "files/PATH; /PATH itself needs root", reason)
    for word, stand_in in ((service, "SERVICE"), (name, "NAME")):
        reason = re.sub(rf"(?<![\w]){re.escape(word)}(?![\w])", stand_in, reason) if word else reason
    reason = re.sub(r"\bimage \S+ is", "image is", reason)
    reason = re.sub(r"\bfrom (env|file|sops|vault)$", "from its source", reason)
    reason = re.sub(r"brings \S+ onto", "brings the program onto", reason)
    reason = re.sub(r"\b(?<!0\.)\d+(s|%|)(?=[ ,:;]|$)", r"N\1", reason)
    return reason.replace("|", "\\|")
