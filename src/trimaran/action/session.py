"""The input and output face of a platform, as a Protocol; the implementations live with the platforms."""

from typing import Protocol

from trimaran.action.model import Action, Landed, ObjectRef, Observation, Receipt, Scope, Snapshot


class Stream(Protocol):
    """A two-way byte stream to a port of an object, for probes, profiles and terminals."""

    def send(self, payload: bytes) -> None: ...
    def receive(self, limit: int) -> bytes:
        """At most `limit` bytes; empty when the other side has closed."""
        ...

    def close(self) -> None: ...


class Session(Protocol):
    """One open connection to one target."""

    def observe(self, scope: Scope) -> Observation:
        """Everything of ours in `scope` (or its `refs`), in one sweep; what could not be seen as gaps."""
        ...

    def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
        """Do `action` once.

        The payload of a create or an update is the wanted document. A document that `observe` has
        shown is a valid one too: that is how an action is undone.

        Args:
            fence: the lease's token; a target that has seen a higher one refuses.
            deadline: seconds on `time.monotonic()`.
        """
        ...

    def landed(self, action: Action) -> Landed:
        """Whether the effect of `action` is in place, found by looking, never by remembering."""
        ...

    def snapshot(self, scope: Scope, deadline: float) -> Snapshot: ...

    def dial(self, ref: ObjectRef, port: int) -> Stream: ...
