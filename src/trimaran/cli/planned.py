"""Plans as people read them: each object with its fields, who owns what, and a sum for each target."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from trimaran.action import Change, Verb
from trimaran.cli.steps import short, wrapped
from trimaran.deliver.delivery import Looked, counts
from trimaran.deliver.planning import Item, Plan
from trimaran.deliver.together import Failed
from trimaran.errors import printable

_SIGN = {Verb.CREATE: ("+", "green"), Verb.UPDATE: ("~", "yellow"), Verb.DELETE: ("-", "red")}
_SHOWN = 72  # characters of a value; what differs further on is told by length


def target_lines(looked: Looked) -> Iterator[str]:
    """The lines of one target's plan; none when it needs nothing."""
    planned = looked.plan
    for gap in planned.gaps:
        yield f"? {planned.target} {printable(gap.what)}: {printable(gap.reason)}"
    if looked.unfinished:
        count = f"{looked.unfinished} actions of an earlier run are open"
        yield f"! {planned.target}: {count}; they are ended first"
    for item in planned.pending:
        yield head(item.verb, str(item.ref))
        # A new manifest is a page long, and `trimaran render` writes it; what is small is shown.
        if item.verb is not Verb.CREATE or not _is_manifest(item):
            for change in fields(item):
                yield from field_lines(change)
        for kept in item.kept:
            yield from wrapped(f"{kept.path} is {kept.owner}'s, and left alone", indent=6, dim=True)
    for orphan in planned.orphans:
        name = printable(str(orphan.ref))
        yield from wrapped(f"! {name} is ours, and no service declares it; --prune deletes it", indent=0)


def head(verb: Verb | None, name: str) -> str:
    """The line of one object."""
    assert verb is not None  # noqa: S101 - only pending items come here
    sign, colour = _SIGN[verb]
    return click.style(f"{sign} {verb} {printable(name)}", fg=colour)


def fields(item: Item) -> tuple[Change, ...]:
    """The changed fields; of a new object, all of them."""
    if item.verb is not Verb.CREATE or item.wanted is None:
        return item.changes
    return tuple(
        Change(name, None, value) for name, value in item.wanted.document.items() if value not in ({}, [])
    )


def _is_manifest(item: Item) -> bool:
    return item.wanted is not None and "apiVersion" in item.wanted.document


def field_lines(change: Change) -> list[str]:
    """A field's old and new value, and whose the old one is."""
    before, after = _value(change.before), _value(change.after)
    text = after if change.before is None else f"{before} -> {after}"
    owner = f" (set by {change.owner})" if change.owner else ""
    return wrapped(f"{change.path}: {text}{owner}", indent=6)


def _value(value: Any) -> str:
    text = printable(json.dumps(value, ensure_ascii=False)) if value is not None else "(none)"
    text = short(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def sums(planned: Plan) -> str:
    """How much a plan does, in a few words."""
    found = counts(planned)
    words = [f"{count:,} to {verb}" for verb, count in found.items() if count]
    return ", ".join(words) or "nothing to do"


def sum_lines(looked: Mapping[str, Looked | Failed]) -> Iterator[str]:
    """One line for each target."""
    room = max((len(name) for name in looked), default=0)
    for name, each in looked.items():
        if isinstance(each, Failed):
            yield click.style(f"{name:<{room}}  cannot be seen", fg="red")
        else:
            yield f"{name:<{room}}  {sums(each.plan)}"


def target_json(looked: Looked) -> dict[str, Any]:
    """One target's plan for programs."""
    return {
        "target": looked.plan.target,
        "open_actions": looked.unfinished,
        "gaps": [{"what": gap.what, "reason": gap.reason} for gap in looked.plan.gaps],
        "items": [_item(item) for item in looked.plan.pending],
        "orphans": [str(orphan.ref) for orphan in looked.plan.orphans],
    }


def _item(item: Item) -> dict[str, Any]:
    changes = [
        {"path": each.path, "before": each.before, "after": each.after}
        | ({"owner": each.owner} if each.owner else {})
        for each in fields(item)
    ]
    return {
        "verb": item.verb,
        "kind": item.ref.kind,
        "scope": item.ref.scope,
        "name": item.ref.name,
        "changes": changes,
    }
