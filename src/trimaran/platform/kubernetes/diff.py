"""In which fields an object is not as wanted, by the rules of the API server. Pure.

One walk through the wanted document, the seen one, and the set of fields that we own. What the server adds
(defaults) and what others own is no difference; a field that we own and no longer want is one. The walk goes
only where two documents differ, because a target has thousands of objects and nearly all are as wanted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trimaran.action import Change, Json, Object
from trimaran.platform.kubernetes import amounts, owners, paths
from trimaran.platform.kubernetes.immutable import is_immutable
from trimaran.platform.kubernetes.owners import Fields
from trimaran.platform.kubernetes.paths import Place
from trimaran.platform.kubernetes.reading import malformed

_MISSING: Json = object()
# Without a value these mean something else than with an empty one, and have no default of their own.
_TELLING = frozenset(
    [
        "allowPrivilegeEscalation",
        "automountServiceAccountToken",
        "emptyDir",
        "enableServiceLinks",
        "hostUsers",
        "maxUnavailable",
        "minAvailable",
        "podSelector",
        "selector",
        "ttlSecondsAfterFinished",
    ]
)


def diff(wanted: Object, seen: Object) -> tuple[Change, ...]:
    """The changes that an apply of `wanted` makes; see `Platform.diff`.

    A `seen` of which nobody knows who set its fields is compared plainly, and one without a status exactly:
    it is a rendered or recorded document, which the server has added nothing to.
    """
    known = owners.entries(seen.live)
    walk = _Walk()
    try:
        if known is None:
            exact = "status" not in seen.document
            walk.maps(_stateless(wanted.document), _stateless(seen.document), None, (), exact)
        else:
            walk.maps(_stateless(wanted.document), seen.document, owners.ours(known), (), False)
    except RecursionError:
        raise malformed(str(seen.ref), "it is nested too deeply") from None
    return tuple(_change(seen, known or [], each) for each in walk.found) if walk.found else ()


def _stateless(document: Mapping[str, Json]) -> Mapping[str, Json]:
    if "status" not in document:
        return document
    return {key: value for key, value in document.items() if key != "status"}


@dataclass(frozen=True, slots=True)
class _Found:
    place: Place
    before: Json
    after: Json


def _change(seen: Object, known: list[owners.Entry], found: _Found) -> Change:
    labels = tuple(step.label for step in found.place)
    return Change(
        paths.text(found.place),
        found.before,
        found.after,
        owners.owner(paths.fields(found.place), known),
        is_immutable(seen, labels, found.before, found.after),
    )


@dataclass(slots=True)
class _Walk:
    """Collects differences.

    In each method, `ours` is what we own at this place: a tree; an empty one when nothing; None when that is
    not known, or when the whole is ours (an atomic list): then what the server has added is a default.
    `exact` says that what only `seen` has is a difference too.
    """

    found: list[_Found] = field(default_factory=list)

    def maps(
        self,
        wanted: Mapping[str, Json],
        seen: Mapping[str, Json],
        ours: Fields | None,
        at: Place,
        exact: bool,
    ) -> None:
        owned = 0
        for key, value in wanted.items():
            inner = None if ours is None else owners.within(ours, "f:" + key)
            owned += inner is not owners.NOTHING
            other = seen.get(key, _MISSING)
            if other != value:
                self._values(value, other, inner, (*at, paths.named(key)), exact)
        if ours and owned < len(ours) - ("." in ours):
            self._gone(wanted, seen, ours, at)
        if exact:
            self.found += [
                _Found((*at, paths.named(key)), seen[key], None) for key in seen if key not in wanted
            ]

    def _gone(self, wanted: Mapping[str, Json], seen: Mapping[str, Json], ours: Fields, at: Place) -> None:
        """What we own and do not want any more."""
        for step in ours:
            key = step.removeprefix("f:")
            if step.startswith("f:") and key not in wanted and key in seen:
                self.found.append(_Found((*at, paths.named(key)), seen[key], None))

    def _values(self, wanted: Json, seen: Json, ours: Fields | None, at: Place, exact: bool) -> None:
        if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
            self.maps(wanted, seen, ours, at, exact)
        elif isinstance(wanted, list | tuple) and isinstance(seen, list | tuple):
            self._lists(list(wanted), list(seen), ours, at, exact)
        elif seen is _MISSING:
            # The server drops what is empty. Where empty means something, it does so only to what is ours;
            # of what is not, somebody has taken it away.
            if not _hollow(wanted) or (ours is not None and at[-1].label in _TELLING):
                self.found.append(_Found(at, None, wanted))
        elif not amounts.same(at[-2].label if len(at) > 1 else "", at[-1].label, wanted, seen):
            self.found.append(_Found(at, seen, wanted))

    def _lists(
        self, wanted: list[Json], seen: list[Json], ours: Fields | None, at: Place, exact: bool
    ) -> None:
        names = paths.merge_keys(at[-1].label, wanted, seen)
        left = paths.by_key(wanted, names) if names else None
        right = paths.by_key(seen, names) if names else None
        if names is None or left is None or right is None:
            self._positions(wanted, seen, ours, at, exact)
            return
        for key, item in left.items():
            step = paths.keyed(names, key)
            inner = None if ours is None else owners.within(ours, step.field)
            other = right.get(key, _MISSING)
            if other != item:
                self._values(item, other, inner, (*at, step), exact)
        for key, item in right.items():
            if key not in left:
                step = paths.keyed(names, key)
                if exact or ours is None or step.field in ours:
                    self.found.append(_Found((*at, step), item, None))

    def _positions(
        self, wanted: list[Json], seen: list[Json], ours: Fields | None, at: Place, exact: bool
    ) -> None:
        # A list that is one value and not ours was set by somebody else: all that it holds is meant.
        exact = exact or ours is not None
        for index in range(max(len(wanted), len(seen))):
            value = wanted[index] if index < len(wanted) else None
            other = seen[index] if index < len(seen) else _MISSING
            step = (*at, paths.placed(index))
            if index >= len(wanted):
                self.found.append(_Found(step, other, None))
            elif value != other:
                self._values(value, other, None, step, exact)


def _hollow(value: Json) -> bool:
    """Whether nothing is left of a value when the server drops what is empty."""
    if isinstance(value, Mapping):
        return all(_hollow(each) for each in value.values())
    return not value
