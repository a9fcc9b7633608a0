"""What a platform is: four pure questions. The input and output face is `trimaran.action.Session`."""

from dataclasses import dataclass
from typing import Protocol

from trimaran.action import Change, Health, Object, ObjectRef
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

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        """Which of the objects need which others."""
        ...
