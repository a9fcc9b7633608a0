"""What a platform is: four pure questions. The input and output face is `trimaran.action.Session`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Protocol

from trimaran.action import Change, Health, Json, Object, ObjectRef, Session
from trimaran.spec.fleet import Target
from trimaran.spec.service import Service


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a service before it is rendered.

    Args:
        binary: `sha256:` digest of the binary; empty when the service brings an image.
        program: the binary's file name.
        image: the image reference to run.
        image_is_pinned: whether `image` names its digest.
    """

    binary: str
    program: str
    image: str
    image_is_pinned: bool


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """A field of the declaration that a target does not express as declared, and what happens instead.

    Args:
        field: below `spec`, such as `scaling.cpu`; everything below it is lost as well.
    """

    target: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """The objects that a service becomes on a target, in the order they are applied, and the losses."""

    objects: tuple[Object, ...]
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One object needs another: `a` stops working when `b` does.

    Args:
        evidence: the field of `a`'s document that says so.
    """

    a: ObjectRef
    b: ObjectRef
    evidence: str


@dataclass(frozen=True, slots=True)
class Access:
    """What a session needs of this machine beside what the fleet says of its target.

    Args:
        root: a folder of this target's own for what must not be lost.
        artifacts: `sha256:` digest → the file of a built program.
        resolve: the value of a secret reference (`from`, `path`, `key`); asked at the last moment.
        clock: the time of day, with its zone.
    """

    root: PurePath
    artifacts: Mapping[str, PurePath] = field(hash=False)
    resolve: Callable[[Mapping[str, Json]], str]
    clock: Callable[[], datetime]


OpenSession = Callable[[str, Target, Access], Session]
"""Opens a session with the target of that name; raises TrimaranError, with exit status 3 for a target that
does not answer and 4 for one that does not let us in. Cheap: a connection is made when it is needed."""


class Platform(Protocol):
    """The pure face of a platform; see the design's note in `docs/architecture.md`."""

    def render(self, service: Service, target: str, settings: Target, made: Made) -> Rendering:
        """What `service` becomes on the target named `target`.

        Args:
            service: with the overrides for this target already merged.
            settings: the target as the fleet declares it.
        """
        ...

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        """The fields of `wanted` that differ in `seen`; what others own or default is no difference."""
        ...

    def judge(self, seen: Object) -> Health:
        """How an object does, from its own document."""
        ...

    def wave(self, ref: ObjectRef) -> int:
        """When an object is applied: a lower wave comes first, and is deleted last."""
        ...

    def service_of(self, item: Object) -> str | None:
        """The service that an object was made for, from its own document; None when it is not ours."""
        ...

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        """The fields that others set and the declaration leaves to them, each with its `owner`.

        Such as the replicas that an autoscaler decides. `after` is None.
        """
        ...

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        """Which of the objects need which others."""
        ...
