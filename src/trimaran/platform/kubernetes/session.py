"""A namespace of a cluster as a target: server-side apply under one field manager. Input and output."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

from trimaran.action import (
    Action,
    Json,
    Landed,
    Object,
    ObjectRef,
    Observation,
    Receipt,
    Scope,
    Snapshot,
    Stream,
    Verb,
)
from trimaran.errors import TrimaranError, fail, printable
from trimaran.platform.kubernetes import payload, places, reading
from trimaran.platform.kubernetes.client import Client
from trimaran.platform.kubernetes.diff import diff
from trimaran.platform.kubernetes.evidence import snapshot
from trimaran.platform.kubernetes.owners import MANAGER, RESTARTER
from trimaran.platform.kubernetes.request import APPLY, Request
from trimaran.platform.kubernetes.sweep import Sweep, get
from trimaran.platform.protocol import Access
from trimaran.spec.fleet import ClusterTarget, Target

_POLL_S = (0.05, 0.1, 0.2, 0.5, 1.0)


def open_session(target: str, settings: Target, access: Access) -> "ClusterSession":
    """A session with a cluster; nothing is read or connected before it is used."""
    assert isinstance(settings, ClusterTarget)  # noqa: S101 - the table's choice
    return ClusterSession(Client(target, settings), settings.namespace, Path(access.root), access.clock)


class ClusterSession:
    """What Trimaran keeps in one namespace for one target.

    Args:
        root: a folder on this machine, for the highest fence that was seen: a cluster cannot keep it
            without a write of its own for every apply (decision 7).
    """

    def __init__(self, client: Client, namespace: str, root: Path, clock: Callable[[], datetime]) -> None:
        self.client, self.namespace, self.root, self.clock = client, namespace, root, clock
        # What stood there when it was looked at just before a change; None where nothing did.
        self._last: dict[ObjectRef, Object | None] = {}

    # -- looking

    def observe(self, scope: Scope) -> Observation:
        """Every object of ours in the namespace, or those asked for, each kind listed once."""
        at = self.clock()
        objects, gaps = Sweep(self.client, self.namespace).look(scope)
        if scope.refs:
            self._last = {**dict.fromkeys(scope.refs), **{item.ref: item for item in objects}}
        return Observation(objects, gaps, at)

    def landed(self, action: Action) -> Landed:
        """By what the API server shows now; an object that is on its way out is neither there nor gone."""
        try:
            seen = self._get(action.object)
        except TrimaranError:
            return Landed.UNKNOWN
        if action.verb is Verb.DELETE:
            if seen is None:
                return Landed.YES
            return Landed.UNKNOWN if reading.is_going(seen) else Landed.NO
        if seen is None or reading.is_going(seen):
            return Landed.NO
        if action.verb is Verb.RESTART:
            return _answer(payload.restarted(seen) == action.key)
        return _answer(not diff(Object(action.object, payload.comparable(action.payload)), seen))

    def snapshot(self, scope: Scope, deadline: float) -> Snapshot:
        return snapshot(self.client, self.namespace, scope, deadline, self.clock)

    def dial(self, ref: ObjectRef, port: int) -> Stream:
        """Raises TRM0737: this release forwards no ports."""
        what = f"{ref} port {port} cannot be reached through the cluster"
        raise fail("TRM0737", what, "use kubectl port-forward, or the service's route")

    def _get(self, ref: ObjectRef, deadline: float | None = None) -> Object | None:
        return get(self.client, ref, places.kind_of(ref), deadline)

    # -- changing

    def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
        """Do `action` with one write; doing it again changes nothing.

        Raises TRM0550 (fence), TRM0557 (no time left), TRM0560 (nothing to restart), TRM0726 (another's
        field), TRM0728 and TRM0729 (refused), TRM0732 (replaced since), TRM0735 (not gone in time), and what
        `Client` raises.
        """
        with self._fenced(fence):
            match action.verb:
                case Verb.CREATE | Verb.UPDATE:
                    return self._put(action, deadline)
                case Verb.DELETE:
                    return self._delete(action, deadline)
                case Verb.RESTART:
                    return self._restart(action, deadline)

    @contextmanager
    def _fenced(self, fence: int) -> Iterator[None]:
        """Refuse a lease that was taken over on this machine."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.root / "fence", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as broken:
            what = f"{self.root}: {broken.strerror}"
            raise fail("TRM0556", what, "make room or mend the permissions") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            told = os.pread(file, 32, 0)
            highest = int(told) if told.strip().isdigit() else 0
            if fence < highest:
                what = f"another run has taken over {self.client.target} (fence {fence} is below {highest})"
                raise fail("TRM0550", what, "let the other run end, then run this again")
            if fence > highest:
                # Longer than any before, so that nothing of an older one is left behind it.
                os.pwrite(file, f"{fence:<31}\n".encode(), 0)
            yield
        finally:
            os.close(file)

    def _before(self, ref: ObjectRef, deadline: float) -> Object | None:
        """What stands there, as the last look at it knows, or as a look now."""
        if ref not in self._last:
            self._last[ref] = self._get(ref, deadline)
        return self._last[ref]

    def _put(self, action: Action, deadline: float) -> Receipt:
        ref = action.object
        restores = payload.was_seen(action.payload)
        live = self._get(ref, deadline) if restores else None
        document = payload.sent(action.payload, live)
        if action.verb is Verb.UPDATE:
            known = live if restores else self._before(ref, deadline)
            if known is None and not restores:
                raise fail("TRM0732", f"{ref} is gone since it was looked at", "plan again")
            # Names the object, so that one that is gone meanwhile is not made anew out of half of its fields.
            document = payload.with_uid(document, "" if known is None else reading.uid(known))
        params = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        if action.take:
            params["force"] = "true"
        return self._patch(action, document, params, deadline)

    def _restart(self, action: Action, deadline: float) -> Receipt:
        ref = action.object
        known = self._before(ref, deadline)
        if known is None:
            raise fail("TRM0560", f"{ref} is not there to be restarted", "ship the service first")
        document = payload.restart(ref, places.kind_of(ref).version, action.key)
        document = payload.with_uid(document, reading.uid(known))
        return self._patch(action, document, {"fieldManager": RESTARTER, "force": "true"}, deadline)

    def _patch(self, action: Action, document: Json, params: dict[str, str], deadline: float) -> Receipt:
        ref = action.object
        kind = places.kind_of(ref)
        asked = f"{action.verb} {kind.name} {printable(ref.name)} in {ref.scope}"
        request = Request("PATCH", places.place(ref), asked, params, document, APPLY)
        before = self._last.get(ref)
        answer = self.client.need(request, deadline)
        seen = reading.one(answer.body, kind, self.client.target)
        self._last[ref] = seen
        if reading.is_going(seen):
            raise fail("TRM0731", f"{ref} is being deleted", "wait until it is gone, then run this again")
        facts = {"resourceVersion": seen.live["resourceVersion"], "uid": reading.uid(seen)}
        return Receipt(before is None or not reading.is_same(before, seen), facts)

    def _delete(self, action: Action, deadline: float) -> Receipt:
        ref = action.object
        known = self._before(ref, deadline)
        if known is None:
            return Receipt(changed=False)
        uid = reading.uid(known)
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        asked = f"delete {ref.kind} {printable(ref.name)} in {ref.scope}"
        request = Request("DELETE", places.place(ref), asked, {}, body)
        answer = self.client.ask(request, deadline)
        if not answer.is_good and answer.code != 404:
            raise self.client.refusal(request, answer)
        if answer.is_good and not reading.is_status(answer.body):
            self._wait_gone(ref, uid, deadline)
        self._last[ref] = None
        return Receipt(answer.is_good, {"uid": uid})

    def _wait_gone(self, ref: ObjectRef, uid: str, deadline: float) -> None:
        """Raises TRM0735 when the object still stands there at the deadline."""
        for attempt in count():
            seen = self._get(ref, deadline)
            if seen is None or reading.uid(seen) != uid:
                return
            pause = _POLL_S[min(attempt, len(_POLL_S) - 1)]
            if time.monotonic() + pause >= deadline:
                names = ", ".join(map(printable, seen.document["metadata"].get("finalizers", ())))
                what = f"{ref} is deleted but not gone; its finalizers: {names or 'none'}"
                raise fail("TRM0735", what, "see that what set them still runs, then run this again")
            time.sleep(pause)


def _answer(yes: bool) -> Landed:
    return Landed.YES if yes else Landed.NO
