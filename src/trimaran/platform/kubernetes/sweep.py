"""Looking at a namespace: one list per kind, or a few objects one by one. Input and output."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from trimaran.action import Gap, Object, ObjectRef, Scope
from trimaran.errors import TrimaranError
from trimaran.facts import ClusterKind, cluster_kinds
from trimaran.platform.kubernetes import answers, places, reading
from trimaran.platform.kubernetes.client import Client
from trimaran.platform.kubernetes.request import Request

_AT_ONCE = 4  # requests to one API server
_ONE_BY_ONE = 8  # objects of a kind that are got, rather than listed with all others of the kind

Seen = tuple[list[Object], list[Gap]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What can be seen in one namespace."""

    client: Client
    namespace: str

    def look(self, scope: Scope) -> tuple[tuple[Object, ...], tuple[Gap, ...]]:
        """See `Session.observe`."""
        if scope.refs:
            seen, gaps = _together(self._places(scope.refs))
            return tuple(seen), tuple(gaps)
        return self._ours(scope)

    def _ours(self, scope: Scope) -> tuple[tuple[Object, ...], tuple[Gap, ...]]:
        named = {ref.kind for ref in scope.also}
        for stranger in named - cluster_kinds().keys():
            raise places.unknown(stranger)
        kinds = [kind for name, kind in cluster_kinds().items() if not named or name in named]
        seen, gaps = _together(
            [partial(self._list, kind, self.namespace, scope.service, bool(named)) for kind in kinds]
        )
        kept = [item for item in seen if item.ref in scope.also or _is_ours(item)]
        # A list without a selector has shown everything; with one, what stands in our place may be another's.
        found = {item.ref for item in kept}
        listed = self.namespace if scope.service is None else None
        left = [ref for ref in scope.also if ref not in found and ref.scope != listed]
        if left:
            more, further = _together(self._places(left))
            kept, gaps = kept + more, gaps + further
        return tuple(kept), tuple(gaps)

    def _places(self, refs: Iterable[ObjectRef]) -> list[Callable[[], Seen]]:
        groups: dict[tuple[str, str], list[ObjectRef]] = {}
        for ref in sorted(set(refs)):
            groups.setdefault((ref.kind, ref.scope), []).append(ref)
        jobs: list[Callable[[], Seen]] = []
        for (_, namespace), group in groups.items():
            kind = places.kind_of(group[0])
            if len(group) <= _ONE_BY_ONE:
                jobs += [partial(self._get, ref, kind) for ref in group]
            else:
                jobs.append(partial(self._pick, kind, namespace, frozenset(group)))
        return jobs

    def _pick(self, kind: ClusterKind, namespace: str, wanted: frozenset[ObjectRef]) -> Seen:
        seen, gaps = self._list(kind, namespace, None, True)
        return [item for item in seen if item.ref in wanted], gaps

    def _get(self, ref: ObjectRef, kind: ClusterKind) -> Seen:
        found = get(self.client, ref, kind)
        return ([] if found is None else [found]), []

    def _list(self, kind: ClusterKind, namespace: str, service: str | None, needed: bool) -> Seen:
        """The objects of a kind.

        Args:
            needed: whether the kind was asked for by name: then it must be known and readable.
        """
        seen: list[Object] = []
        go_on = ""
        while True:
            request = places.listing(kind, namespace, service, go_on)
            answer = self.client.ask(request)
            if answer.code == 410 and go_on:
                # The rest of the list was kept too long ago: from the start, which is a new moment.
                seen, go_on = [], ""
                continue
            if not answer.is_good:
                return self._refused(kind, request, answer.code, answer.body, needed)
            found, go_on = reading.page(answer.body, kind, self.client.target)
            seen += found
            if not go_on:
                return seen, []

    def _refused(self, kind: ClusterKind, request: Request, code: int, body: bytes, needed: bool) -> Seen:
        error = answers.explained(code, answers.status(body), request.asked, self.client.name)
        if code == 404 or (code == 403 and not serves(self.client, kind)):
            if needed:
                raise answers.unknown_kind(kind.name, kind.version, self.client.name)
            return [], []  # nothing can be there of a kind that the cluster does not have
        if code == 403 and not needed:
            return [], [Gap(f"{kind.plural} in {self.namespace}", error.problems[0].what)]
        raise error


def get(client: Client, ref: ObjectRef, kind: ClusterKind, deadline: float | None = None) -> Object | None:
    """One object; None when it is not there. Raises what `answers.explained` says."""
    request = places.getting(ref)
    answer = client.ask(request, deadline)
    if answer.is_good:
        return reading.one(answer.body, kind, client.target)
    if answer.code == 404:
        if answers.knows_object(answers.status(answer.body)):
            return None
        raise answers.unknown_kind(kind.name, kind.version, client.name)
    raise client.refusal(request, answer)


def serves(client: Client, kind: ClusterKind) -> bool:
    """Whether the cluster has a kind; True when it does not let us know."""
    asked = Request("GET", places.group_path(kind.version), f"read the kinds of {kind.version}")
    answer = client.ask(asked)
    return not (answer.code == 404 or (answer.is_good and f'"{kind.plural}"'.encode() not in answer.body))


def _is_ours(item: Object) -> bool:
    return bool(item.document["metadata"].get("labels", {}).get(places.MANAGED_BY) == places.OURS)


def _together(jobs: Sequence[Callable[[], Seen]]) -> Seen:
    """What the jobs saw, in their order. Raises the errors of all of them as one."""
    seen: list[Object] = []
    gaps: list[Gap] = []
    errors: list[TrimaranError] = []
    if not jobs:
        return seen, gaps
    with ThreadPoolExecutor(min(_AT_ONCE, len(jobs))) as pool:
        futures = [pool.submit(job) for job in jobs]
        for future in futures:
            try:
                found, blind = future.result()
            except TrimaranError as error:
                errors.append(error)
                for other in futures:
                    other.cancel()
                break
            seen += found
            gaps += blind
    if errors:
        raise errors[0]
    return seen, gaps
