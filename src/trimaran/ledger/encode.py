"""The JSON forms in which actions and outcomes are kept. Pure."""

import json
from datetime import UTC, datetime

from trimaran.action import Action, Json, ObjectRef, Undo, Verb, digest
from trimaran.errors import Problem, Where
from trimaran.ledger.model import Adoption, Intent, Outcome


def json_text(value: Json) -> str:
    """One line of ASCII for a JSON value, keys sorted.

    Names that are not valid UTF-8 (a file's, with surrogates in Python) survive as escapes.
    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def at_text(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be recorded")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def at_ms(at: datetime) -> int:
    """Milliseconds since 1970 in UTC."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be recorded")
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The time of a number made by `at_ms`."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def ref_json(ref: ObjectRef) -> dict[str, Json]:
    """An object's name by its fields."""
    return {"target": ref.target, "kind": ref.kind, "name": ref.name, "scope": ref.scope}


def action_json(action: Action) -> dict[str, Json]:
    """An action by its fields; `action_from` reads it back."""
    found = {
        "target": action.target,
        "verb": action.verb.value,
        "object": ref_json(action.object),
        "payload": dict(action.payload),
        "precondition": action.precondition,
        "undo": action.undo.value,
        "cause": action.cause,
        "key": action.key,
    }
    return found | {"take": True} if action.take else found


def action_from(value: Json) -> Action:
    """The action that `action_json` wrote."""
    fields = dict(value)
    fields["verb"], fields["undo"] = Verb(fields["verb"]), Undo(fields["undo"])
    fields["object"] = ObjectRef(**fields["object"])
    return Action(**fields)


def problem_json(problem: Problem) -> dict[str, Json]:
    """A problem by its fields; `problem_from` reads it back."""
    where = problem.where
    place = None if where is None else [where.file, where.line, where.column, where.path]
    return {
        "code": problem.code,
        "what": problem.what,
        "fix": problem.fix,
        "where": place,
        "detail": list(problem.detail),
    }


def problem_from(value: Json) -> Problem:
    """The problem that `problem_json` wrote."""
    where = None if value["where"] is None else Where(*value["where"])
    return Problem(value["code"], value["what"], value["fix"], where, tuple(value["detail"]))


def intent_body(intent: Intent, fence: int) -> dict[str, Json]:
    """What the audit says of an intent: digests instead of documents, so that records stay small."""
    action = intent.action
    body = {
        "event": "intent",
        "key": action.key,
        "verb": action.verb.value,
        "object": ref_json(action.object),
        "cause": action.cause,
        "precondition": action.precondition,
        "payload": digest(dict(action.payload)),
        "before": "absent" if intent.before is None else digest(dict(intent.before)),
        "fence": fence,
    }
    if intent.undoes is not None:
        body["undoes"] = intent.undoes
    if intent.revision is not None:
        body["revision"] = intent.revision
    return body


def adoption_body(adoption: Adoption, event: str, revision: int | None) -> dict[str, Json]:
    """What the audit says of an adoption that begins or ends."""
    body = {
        "event": event,
        "object": ref_json(adoption.ref),
        "path": adoption.path,
        "value": digest(adoption.value),
        "declared": digest(adoption.declared),
    }
    return body if revision is None else {**body, "revision": revision}


def outcome_body(outcome: Outcome, intent: Intent) -> dict[str, Json]:
    """What the audit says of how an intent ended."""
    body = {
        "event": "outcome",
        "key": outcome.key,
        "verb": intent.action.verb.value,
        "object": ref_json(intent.action.object),
        "state": outcome.state.value,
        "facts": digest(dict(outcome.facts)),
        "problems": [[problem.code, problem.what] for problem in outcome.problems],
    }
    return body if intent.revision is None else {**body, "revision": intent.revision}
