"""Drift: what a target holds, against what is declared and against what we last put there. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from trimaran.action import Change, Object, ObjectRef, Observation
from trimaran.deliver.adoption import with_adoptions
from trimaran.ledger import Adoption, Applied
from trimaran.platform import Platform


class DriftKind(StrEnum):
    """How an object has drifted. EXPECTED is no drift: others set what the declaration leaves to them.

    LOCAL: the declaration has changed since it was applied, or was not applied yet.
    LIVE: a field that we set has another value on the target.
    MISSING: it was applied and is not there.
    ORPHAN: it is ours and there, and nothing declares it any more.
    FOREIGN: something that is not ours, or another service's, stands in its place.
    UNKNOWN: it could not be seen.
    """

    LOCAL = "local"
    LIVE = "live"
    MISSING = "missing"
    ORPHAN = "orphan"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    EXPECTED = "expected"


@dataclass(frozen=True, slots=True)
class Drift:
    """One way in which one object has drifted; an object that is LOCAL and LIVE has an entry for each.

    Args:
        changes: the fields: of LIVE from what stands there to what we want there; of LOCAL from what was
            applied to what is declared.
        owners: who set the values that stand there, where the platform knows.
        left_alone: fields that others set and that are left to them; of the object, in its last entry.
        service: that it belongs to; empty when that cannot be told.
        reason: why it could not be seen.
    """

    ref: ObjectRef
    kind: DriftKind
    changes: tuple[Change, ...] = field(default=(), hash=False)
    owners: tuple[str, ...] = ()
    left_alone: tuple[Change, ...] = field(default=(), hash=False)
    service: str = ""
    reason: str = ""

    @property
    def is_drift(self) -> bool:
        return self.kind not in (DriftKind.UNKNOWN, DriftKind.EXPECTED)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a target should hold.

    Args:
        desired: what is declared and rendered; None when no declaration is at hand, and then neither LOCAL
            nor ORPHAN is judged.
        applied: what our last actions left there.
        adoptions: the live values that a person decided to keep.
    """

    desired: Mapping[ObjectRef, Object] | None
    applied: Mapping[ObjectRef, Applied]
    adoptions: Sequence[Adoption] = ()


def classify(baseline: Baseline, seen: Observation, by: Platform) -> tuple[Drift, ...]:
    """How a target has drifted, in the order of its objects' names."""
    found = {item.ref: item for item in seen.objects}
    hidden = {gap.hides: gap.reason for gap in seen.gaps}
    known = {**baseline.applied, **(baseline.desired or {}), **found}
    drifts: list[Drift] = []
    for ref in sorted(known):
        mine = _Place(
            ref,
            _wanted(ref, baseline),
            _done(ref, baseline),
            found.get(ref),
            hidden.get(ref, hidden.get(None)),
            declared=None if baseline.desired is None else ref in baseline.desired,
        )
        drifts += _judged(mine, by)
    return tuple(drifts)


@dataclass(frozen=True, slots=True)
class _Place:
    """One object from every side.

    Args:
        want: as declared, with adoptions.
        done: as it was applied, with adoptions.
        gap: why it could not be seen.
        declared: None when declarations are not at hand.
    """

    ref: ObjectRef
    want: Object | None
    done: Object | None
    seen: Object | None
    gap: str | None
    declared: bool | None


def _wanted(ref: ObjectRef, baseline: Baseline) -> Object | None:
    item = (baseline.desired or {}).get(ref)
    return None if item is None else with_adoptions([item], baseline.adoptions)[0]


def _done(ref: ObjectRef, baseline: Baseline) -> Object | None:
    applied = baseline.applied.get(ref)
    if applied is None:
        return None
    # What an undo restored was a seen document: its status was never ours.
    document = {key: value for key, value in applied.document.items() if key != "status"}
    return with_adoptions([Object(ref, document)], baseline.adoptions)[0]


def _judged(place: _Place, by: Platform) -> Iterator[Drift]:
    meant = place.want or place.done
    service = _service(meant or place.seen, by)
    if place.seen is None:
        yield from _unseen(place, service)
        return
    if place.want is None and place.declared is not None:
        if _service(place.seen, by):
            yield Drift(place.ref, DriftKind.ORPHAN, service=_service(place.seen, by))
        return
    if meant is None:
        return  # without declarations nobody knows whether it is still wanted
    if _service(place.seen, by) != service:
        changes = by.diff(meant, place.seen)
        yield Drift(place.ref, DriftKind.FOREIGN, changes, _owners(changes), service=service)
        return
    yield from _fields(place, meant, by, service)


def _unseen(place: _Place, service: str) -> Iterator[Drift]:
    if place.gap is not None:
        yield Drift(place.ref, DriftKind.UNKNOWN, service=service, reason=place.gap)
    elif place.done is not None and place.declared is not False:
        yield Drift(place.ref, DriftKind.MISSING, service=service)
    elif place.want is not None:
        yield Drift(place.ref, DriftKind.LOCAL, service=service)


def _fields(place: _Place, meant: Object, by: Platform, service: str) -> Iterator[Drift]:
    assert place.seen is not None  # noqa: S101 - the caller has looked
    alone = by.left_alone(meant, place.seen)
    differs = by.diff(meant, place.seen)
    local, live = _split(place, differs, by)
    found = []
    if local:
        found.append(Drift(place.ref, DriftKind.LOCAL, local, service=service))
    if live:
        found.append(Drift(place.ref, DriftKind.LIVE, live, _owners(live), service=service))
    if not found and alone:
        found.append(Drift(place.ref, DriftKind.EXPECTED, (), _owners(alone), service=service))
    yield from found[:-1]
    yield from (replace(each, left_alone=alone) for each in found[-1:])


def _split(
    place: _Place, differs: Sequence[Change], by: Platform
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Which of the fields that differ have changed in the declaration, and which on the target."""
    if place.want is None:
        return (), tuple(differs)  # only what was applied is known
    if place.done is None:
        # Ours by its label and unknown to the ledger: who set a value decides.
        theirs = tuple(change for change in differs if change.owner)
        return tuple(change for change in differs if not change.owner), theirs
    assert place.seen is not None  # noqa: S101 - the caller has looked
    declared = [change for change in by.diff(place.want, place.done) if _near(change, differs)]
    moved = by.diff(place.done, place.seen)
    live = tuple(change for change in differs if _near(change, moved))
    # A field that is in neither is left by an apply that was cut off or that others undid in part.
    rest = tuple(change for change in differs if not _near(change, moved) and not _near(change, declared))
    return tuple(declared), live + rest


def _near(change: Change, others: Sequence[Change]) -> bool:
    """Whether one of `others` is about the same field, or one around or inside it."""
    return any(_around(change.path, each.path) or _around(each.path, change.path) for each in others)


def _around(outer: str, inner: str) -> bool:
    return inner == outer or (inner.startswith(outer) and inner[len(outer) : len(outer) + 1] in (".", "["))


def _owners(changes: Sequence[Change]) -> tuple[str, ...]:
    return tuple(sorted({change.owner for change in changes if change.owner}))


def _service(item: Object | None, by: Platform) -> str:
    return "" if item is None else by.service_of(item) or ""
