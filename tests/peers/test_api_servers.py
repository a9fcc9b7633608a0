"""Every object that we render for clusters, judged by real API servers with the definitions of others.

Nothing is kept: the servers are asked what they would do, and refuse fields that they do not know.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.golden.cases import CASES, renderings
from tests.lab import Lab

from trimaran.deliver.rendering import TargetRendering
from trimaran.platform import RENDERED_ONLY

pytestmark = pytest.mark.peer
NAMESPACE = "golden"


def clusters() -> Iterator[tuple[str, TargetRendering]]:
    for case in CASES:
        for rendering in renderings(case):
            if rendering.settings.platform in ("kubernetes", "openshift"):
                yield f"{case}-{rendering.target}", rendering


RENDERINGS = dict(clusters())


def documents(rendering: TargetRendering) -> list[Any]:
    """What is sent, put into the namespace that the test has."""
    sent = []
    for item in rendering.rendering.objects:
        if item.ref.kind not in RENDERED_ONLY.get(rendering.settings.platform, ()):
            sent.append(json.loads(json.dumps(item.document)))
            sent[-1]["metadata"]["namespace"] = NAMESPACE
    return sent


@pytest.fixture(scope="module")
def there(lab: Lab) -> Lab:
    for context in ("kubernetes", "openshift"):
        lab.kubectl("create", "namespace", NAMESPACE, context=context)
    return lab


DRY = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--field-manager=trimaran")


def asked(lab: Lab, context: str, items: list[Any], status: int = 0) -> str:
    whole = {"apiVersion": "v1", "kind": "List", "items": items}
    return lab.kubectl(*DRY, "-o", "name", "-f", "-", context=context, given=json.dumps(whole), status=status)


@pytest.mark.parametrize("name", RENDERINGS)
def test_the_api_server_takes_every_object(name: str, there: Lab) -> None:
    rendering = RENDERINGS[name]
    sent = documents(rendering)
    said = asked(there, rendering.settings.platform, sent)
    assert len(said.splitlines()) == len(sent)


def _each_kind() -> dict[str, tuple[str, Any]]:
    found: dict[str, tuple[str, Any]] = {}
    for rendering in RENDERINGS.values():
        for document in documents(rendering):
            found.setdefault(document["kind"], (rendering.settings.platform, document))
    return found


KINDS = _each_kind()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_api_server_refuses_a_field_that_it_does_not_know(kind: str, there: Lab) -> None:
    context, document = KINDS[kind]
    damaged = copy.deepcopy(document)
    damaged.get("spec", damaged)["nosuchfield"] = "x"
    said = asked(there, context, [damaged], status=1)
    assert "nosuchfield" in said


def test_what_is_sent_is_what_the_server_would_keep(there: Lab) -> None:
    """No field of ours is dropped on the way: each comes back with its value."""
    for context, document in KINDS.values():
        text = there.kubectl(*DRY, "-o", "json", "-f", "-", context=context, given=json.dumps(document))
        assert lost(document, json.loads(text)) == []


def lost(sent: Any, kept: Any, path: str = "") -> list[str]:
    """The fields of `sent` that `kept` does not have."""
    if isinstance(sent, dict):
        if not isinstance(kept, dict):
            return [path]
        return [each for key in sent for each in lost(sent[key], kept.get(key), f"{path}.{key}")]
    if isinstance(sent, list):
        if not isinstance(kept, list) or len(sent) != len(kept):
            return [path]
        pairs = zip(sent, kept, strict=True)
        return [each for at, (a, b) in enumerate(pairs) for each in lost(a, b, f"{path}[{at}]")]
    return [] if sent == kept else [path]
