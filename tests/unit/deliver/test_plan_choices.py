"""What a plan does not do by itself: take from others, recreate, delete what it was not told of."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from trimaran.action import ABSENT, Change, Health, Object, ObjectRef, Observation, Verb, seen_digest
from trimaran.deliver.planning import CAREFUL, Choice, Item, Plan, Wanted, actions, plan
from trimaran.platform import Edge, Made, Rendering
from trimaran.spec.fleet import Target
from trimaran.spec.service import Service

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Shelf:
    """A small platform: each field may have an owner and may be immutable, as the seen object says."""

    def render(self, service: Service, target: str, settings: Target, made: Made) -> Rendering:
        raise NotImplementedError

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return tuple(
            Change(
                key,
                seen.document.get(key),
                value,
                seen.live.get(key, ""),
                immutable=key in seen.live.get("immutable", ()),
            )
            for key, value in wanted.document.items()
            if seen.document.get(key) != value
        )

    def judge(self, seen: Object) -> Health:
        return Health.READY

    def wave(self, ref: ObjectRef) -> int:
        return 1 if ref.kind == "Process" else 0

    def service_of(self, item: Object) -> str | None:
        service: str | None = item.document.get("service")
        return service

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return (Change("replicas", seen.document["replicas"], None, "autoscaler"),)

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        return ()


def obj(name: str, service: str | None = "web", kind: str = "File", **fields: Any) -> Object:
    live = fields.pop("live", {})
    document = {"service": service, "replicas": 5, **fields} if service else {"replicas": 5, **fields}
    return Object(ObjectRef("east", kind, name, "web"), document, live)


def planned(
    wanted: list[Object],
    seen: list[Object],
    choice: Choice = CAREFUL,
    owned: list[Object] | None = None,
    services: frozenset[str] = frozenset({"web"}),
) -> Plan:
    refs = None if owned is None else frozenset(each.ref for each in owned)
    there = Observation(tuple(seen), (), NOW)
    return plan(Wanted("east", tuple(wanted), services, refs), there, Shelf(), choice)


def only(found: Plan) -> Item:
    (item,) = found.pending
    return item


@pytest.mark.parametrize("owner", [None, "api"])
def test_what_somebody_else_made_is_not_overwritten(owner: str | None) -> None:
    item = only(planned([obj("a", size=1)], [obj("a", owner, size=1)]))
    assert item.blocked is not None
    assert item.blocked.code == "TRM0711"
    assert (owner or "not made by Trimaran") in item.blocked.what


def test_what_somebody_else_made_is_taken_over_when_told_to_even_if_it_is_as_wanted() -> None:
    there = obj("a", None, size=1)
    found = planned([obj("a", size=1)], [there], Choice(take=True))
    assert (only(found).verb, only(found).blocked) == (Verb.UPDATE, None)
    (action,) = actions(found, "apply web", "1")
    assert action.take
    assert action.precondition == seen_digest(there.document)


def test_a_field_of_another_owner_is_a_conflict_that_names_both() -> None:
    there = obj("a", size=2, live={"size": "kubectl-edit"})
    blocked = only(planned([obj("a", size=1)], [there])).blocked
    assert blocked is not None
    assert blocked.code == "TRM0712"
    assert "kubectl-edit" in blocked.what
    assert blocked.detail == ("size is kubectl-edit's",)


def test_a_field_of_another_owner_is_taken_when_told_to() -> None:
    there = obj("a", size=2, live={"size": "kubectl-edit"})
    found = planned([obj("a", size=1)], [there], Choice(take=True))
    assert only(found).blocked is None
    assert [action.take for action in actions(found, "apply web", "1")] == [True]


def test_a_field_that_nobody_else_set_is_simply_put_right() -> None:
    found = planned([obj("a", size=1)], [obj("a", size=2)])
    assert (only(found).verb, only(found).blocked) == (Verb.UPDATE, None)
    assert [action.take for action in actions(found, "apply web", "1")] == [False]


def test_what_is_left_to_others_is_told_beside_a_change() -> None:
    (kept,) = only(planned([obj("a", size=1)], [obj("a", size=2)])).kept
    assert (kept.path, kept.owner) == ("replicas", "autoscaler")


def test_an_immutable_field_is_refused() -> None:
    there = obj("a", size=2, live={"immutable": ["size"]})
    found = planned([obj("a", size=1)], [there])
    (problem,) = found.blocked
    assert problem.code == "TRM0713"
    assert problem.detail == ("size cannot change",)


def test_an_immutable_field_is_had_by_a_new_object_when_told_to() -> None:
    there = obj("a", size=2, live={"immutable": ["size"]})
    found = planned([obj("a", size=1)], [there], Choice(recreate=True))
    assert found.blocked == ()
    done = actions(found, "apply web", "1")
    assert [(each.verb, each.precondition) for each in done] == [
        (Verb.DELETE, seen_digest(there.document)),
        (Verb.CREATE, ABSENT),
    ]
    assert len({each.key for each in done}) == 2


def test_what_a_declared_service_no_longer_renders_is_deleted_when_the_ledger_knows_it() -> None:
    old = obj("old")
    found = planned([obj("a")], [obj("a"), old], owned=[old])
    assert [(each.verb, each.ref.name) for each in found.pending] == [(Verb.DELETE, "old")]
    assert found.orphans == ()


def test_what_carries_our_label_but_is_not_in_the_ledger_is_told_and_left() -> None:
    found = planned([obj("a")], [obj("a"), obj("old")], owned=[])
    assert found.pending == ()
    assert [each.ref.name for each in found.orphans] == ["old"]


def test_the_objects_of_other_services_are_told_and_left() -> None:
    other = obj("b", "api")
    found = planned([obj("a")], [obj("a"), other], owned=[other])
    assert found.pending == ()
    assert [each.ref.name for each in found.orphans] == ["b"]


def test_prune_deletes_the_objects_of_services_that_are_gone() -> None:
    other = obj("b", "api")
    found = planned([obj("a")], [obj("a"), other], Choice(prune=True), owned=[other])
    assert [(each.verb, each.ref.name) for each in found.pending] == [(Verb.DELETE, "b")]


def test_what_belongs_to_nobody_of_ours_is_never_deleted() -> None:
    found = planned(
        [obj("a")], [obj("a"), obj("b", None)], Choice(prune=True, take=True), owned=[obj("b", None)]
    )
    assert (found.pending, found.orphans) == ((), ())


def test_an_empty_rendering_deletes_nothing() -> None:
    found = planned([], [obj("a")], owned=[obj("a")])
    assert [problem.code for problem in found.blocked] == ["TRM0714"]


def test_an_empty_rendering_deletes_when_that_is_what_was_asked_for() -> None:
    found = planned([], [obj("a")], Choice(prune=True), owned=[obj("a")])
    assert (found.blocked, only(found).verb) == ((), Verb.DELETE)


def test_deletions_go_against_the_order_of_creation() -> None:
    process, file = obj("p", kind="Process"), obj("f")
    found = planned([obj("a")], [obj("a"), file, process], owned=[process, file])
    assert [each.ref.name for each in found.pending] == ["p", "f"]


def test_taking_is_part_of_what_a_key_stands_for() -> None:
    found = planned([obj("a", size=1)], [obj("a", size=2)])
    (careful,) = actions(found, "apply web", "1")
    (taking,) = actions(replace(found, take=True), "apply web", "1")
    assert careful.key != taking.key
