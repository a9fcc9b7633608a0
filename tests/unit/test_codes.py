"""Every error code that is used is explained, and every one that is explained is used."""

import ast
import re
from pathlib import Path

import pytest

import trimaran
from trimaran import codes
from trimaran.codes import explanations

SOURCE = Path(trimaran.__file__).parent
CODE = re.compile(r"TRM\d{4}")
RESERVED: frozenset[str] = frozenset()
"""Explained without being used: codes of earlier releases, which are never given to something else."""


def used() -> dict[str, set[str]]:
    """Code → the files that have it as a whole literal; docstrings and comments only mention codes."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, set()).add(str(path.relative_to(SOURCE)))
    return found


def test_every_code_that_is_used_is_explained() -> None:
    known = explanations()
    assert {code: sorted(files) for code, files in used().items() if code not in known} == {}


def test_every_code_that_is_explained_is_used() -> None:
    assert set(explanations()) - set(used()) == RESERVED


@pytest.mark.parametrize("entry", explanations().values(), ids=lambda entry: entry.code)
def test_an_explanation_says_what_and_what_to_do(entry: codes.Explanation) -> None:
    assert CODE.fullmatch(entry.code)
    assert entry.title == entry.title.strip()
    assert len(entry.title) <= 72
    assert not entry.title.endswith(".")
    assert len(entry.explanation) > 30
    assert entry.explanation.endswith((".", ":", "`"))
    assert len(entry.fix) > 5
    assert entry.fix.endswith((".", "`", ")"))


def test_codes_are_listed_in_order() -> None:
    assert list(explanations()) == sorted(explanations())
    assert len(explanations()) > 100


def test_no_title_stands_for_two_codes() -> None:
    titles = [entry.title for entry in explanations().values()]
    assert len(titles) == len(set(titles))
