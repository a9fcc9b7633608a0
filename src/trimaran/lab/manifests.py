"""Texts of the definitions and stages that are taken from modules: split, chosen, changed. Pure.

They stay text: the API server reads them, and Python's YAML takes a lone `=` for something else.
"""

import re
from collections.abc import Collection, Iterable

_BETWEEN = re.compile(r"(?m)^---\s*$\n?")
_NAME = re.compile(r"(?m)^  name: [\"']?([a-z0-9.-]+)[\"']?\s*$")
_DEFINITION = re.compile(r"(?m)^kind: CustomResourceDefinition\s*$")
_THEIR_CLASS = "self.spec.storageClassName == 'kwok-volume'"


def definitions(text: str, names: Collection[str]) -> dict[str, str]:
    """The CustomResourceDefinitions of a file, by name; other documents are left out.

    Args:
        names: those wanted; empty for all.
    """
    found: dict[str, str] = {}
    for document in _BETWEEN.split(text):
        if not _DEFINITION.search(document):
            continue
        name = _name(document)
        if name and (not names or name in names):
            found[name] = document
    return found


def _name(document: str) -> str:
    # metadata.name is the first `name` of that depth after `metadata:`.
    at = document.find("\nmetadata:")
    match = _NAME.search(document, max(at, 0))
    return match[1] if match else ""


def stages(texts: Iterable[str], classes: Collection[str]) -> str:
    """What kwok does, in one file, its volumes made for StorageClasses of these names."""
    wanted = ", ".join(f"'{name}'" for name in sorted(classes))
    ours = f"self.spec.storageClassName in [{wanted}]"
    return "---\n".join(text.rstrip("\n").replace(_THEIR_CLASS, ours) + "\n" for text in texts)
