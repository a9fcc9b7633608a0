"""Rendered objects as files that can be committed: one folder a target, one file an object. Pure."""

import re
from dataclasses import dataclass

from trimaran.action import Object
from trimaran.platform.protocol import Rendering
from trimaran.platform.yamltext import dump


@dataclass(frozen=True, slots=True, order=True)
class RenderedFile:
    """A file below the output folder: its relative path with forward slashes, and its text."""

    path: str
    text: str


def files(target: str, service: str, rendering: Rendering) -> tuple[RenderedFile, ...]:
    """The files of one service on one target; equal renderings give equal bytes."""
    base = f"{target}/{service}"
    return tuple(_file(base, index, item) for index, item in enumerate(rendering.objects, start=1))


def _file(base: str, index: int, item: Object) -> RenderedFile:
    content = item.document.get("content")
    if item.ref.kind in ("File", "Unit") and isinstance(content, str):
        # A host's files are shown where they go, as they are, so that a person can read and copy them.
        return RenderedFile(f"{base}/root{item.ref.name}", content)
    if item.ref.kind == "TemplateParameters" and isinstance(content, str):
        return RenderedFile(f"{base}/params.env", content)
    kind = item.ref.kind.lower()
    name = re.sub(r"[^A-Za-z0-9._-]", "_", item.ref.name)
    return RenderedFile(f"{base}/{index:02d}-{kind}-{name}.yaml", dump(item.document))
