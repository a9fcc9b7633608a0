"""A plan as a file: what `plan --out` writes and `apply --plan` reads. Pure; secrets only as references."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from trimaran.action import ABSENT, Change, Json, Object, ObjectRef, Observation, Verb, seen_digest
from trimaran.deliver.delivery import Looked
from trimaran.deliver.planning import Item, Plan, Wanted
from trimaran.errors import Problem, fail
from trimaran.spec.fleet import Target

SCHEMA = "trimaran.dev/saved-plan/v1"
_MOST_BYTES = 256 << 20
_TARGET: TypeAdapter[Target] = TypeAdapter(Target)
_FIX = "make it again with `trimaran plan --out`"


@dataclass(frozen=True, slots=True)
class SavedTarget:
    """What one target needs, as it was planned, and how the target is reached."""

    settings: Target
    plan: Plan


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A whole plan.

    Args:
        cause: what the actions are done for, such as `apply podinfo`.
        services: that it was made for.
        programs: digest → the built program's file.
    """

    cause: str
    services: tuple[str, ...]
    programs: Mapping[str, str]
    targets: Mapping[str, SavedTarget]


def to_text(saved: SavedPlan) -> str:
    """The file's text."""
    targets = {
        name: {
            "settings": each.settings.model_dump(mode="json", by_alias=True, exclude_unset=True),
            "take": each.plan.take,
            "items": [_item_json(item) for item in each.plan.pending],
        }
        for name, each in saved.targets.items()
    }
    body = {
        "schema": SCHEMA,
        "cause": saved.cause,
        "services": list(saved.services),
        "programs": dict(saved.programs),
        "targets": targets,
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _item_json(item: Item) -> dict[str, Json]:
    return {
        "verb": str(item.verb),
        "kind": item.ref.kind,
        "scope": item.ref.scope,
        "name": item.ref.name,
        "service": item.service,
        "seen": item.seen,
        "document": dict(item.wanted.document) if item.wanted else None,
        "changes": [
            {"path": each.path, "before": each.before, "after": each.after, "owner": each.owner}
            for each in item.changes
        ],
    }


def from_text(text: str, file: str) -> SavedPlan:
    """The plan in the text of a file. Raises TRM0717 for anything else."""
    try:
        body = json.loads(text)
        if not isinstance(body, dict) or body.get("schema") != SCHEMA:
            raise fail("TRM0717", f"{file} is not a saved plan of this Trimaran", _FIX)
        targets = {str(name): _target(str(name), each) for name, each in body["targets"].items()}
        programs = {str(key): str(value) for key, value in body["programs"].items()}
        return SavedPlan(str(body["cause"]), tuple(map(str, body["services"])), programs, targets)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError):
        raise fail("TRM0717", f"{file} is damaged: it cannot be read as a plan", _FIX) from None


def _target(name: str, body: Json) -> SavedTarget:
    settings = _TARGET.validate_python(body["settings"])
    items = tuple(_item(name, each) for each in body["items"])
    return SavedTarget(settings, Plan(name, items, take=bool(body["take"])))


def _item(target: str, body: Json) -> Item:
    ref = ObjectRef(target, str(body["kind"]), str(body["name"]), str(body["scope"]))
    changes = tuple(Change(str(c["path"]), c["before"], c["after"], str(c["owner"])) for c in body["changes"])
    document = body["document"]
    if document is not None and not isinstance(document, dict):
        raise TypeError("a document is a mapping")
    wanted = None if document is None else Object(ref, document)
    return Item(ref, Verb(body["verb"]), changes, wanted, str(body["seen"]), str(body["service"]))


def looked(name: str, saved: SavedTarget, services: Iterable[str]) -> Looked:
    """The saved plan of a target in the form in which plans are performed."""
    objects = tuple(item.wanted for item in saved.plan.pending if item.wanted)
    return Looked(saved.plan, Wanted(name, objects, frozenset(services)))


def stale(saved: Plan, seen: Observation) -> tuple[Problem, ...]:
    """What has changed on a target since its plan was saved, one problem an object."""
    there = {item.ref: seen_digest(item.document) for item in seen.objects}
    first: dict[ObjectRef, str] = {}
    for item in saved.pending:
        # An object that is made again has two items; the first says what was seen.
        first.setdefault(item.ref, item.seen)
    return tuple(
        Problem("TRM0716", f"{ref} has changed since the plan was saved", "plan again, and look at it")
        for ref, digest in first.items()
        if there.get(ref, ABSENT) != digest
    )
