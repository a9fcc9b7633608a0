"""What each target of a fleet is to hold, over all services that were declared. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from trimaran.action import Object
from trimaran.deliver.rendering import TargetRendering
from trimaran.errors import Problem, TrimaranError
from trimaran.platform import RENDERED_ONLY, Platform, platform
from trimaran.spec.fleet import Target


@dataclass(frozen=True)
class Work:
    """One target and the renderings of every service that goes there."""

    target: str
    settings: Target
    renderings: tuple[TargetRendering, ...]

    @property
    def platform(self) -> Platform:
        return platform(self.settings.platform)

    @cached_property
    def services(self) -> frozenset[str]:
        return frozenset(each.service.name for each in self.renderings)

    @cached_property
    def objects(self) -> tuple[Object, ...]:
        """What sessions apply, in the order in which it is applied: by wave, then by service."""
        wave = self.platform.wave
        found = [item for each in self.renderings for item in delivered(each)]
        return tuple(sorted(found, key=lambda item: wave(item.ref)))


def delivered(rendering: TargetRendering) -> tuple[Object, ...]:
    """The objects of a rendering that a session applies; the others are files for people and other tools."""
    kept = RENDERED_ONLY.get(rendering.settings.platform, frozenset())
    return tuple(item for item in rendering.rendering.objects if item.ref.kind not in kept)


def works(renderings: Iterable[TargetRendering], targets: Mapping[str, Target]) -> tuple[Work, ...]:
    """The work of each of `targets`, in their order.

    Raises TRM0715 when two services would make one object.
    """
    by_target: dict[str, list[TargetRendering]] = {name: [] for name in targets}
    for each in renderings:
        if each.target in by_target:
            by_target[each.target].append(each)
    found = tuple(Work(name, targets[name], tuple(mine)) for name, mine in by_target.items())
    problems = [problem for work in found for problem in _collisions(work)]
    if problems:
        raise TrimaranError(*problems[:20])
    return found


def _collisions(work: Work) -> Iterable[Problem]:
    makers: dict[object, str] = {}
    for rendering in work.renderings:
        for item in delivered(rendering):
            other = makers.setdefault(item.ref, rendering.service.name)
            if other != rendering.service.name:
                what = f"{item.ref} would be made by both {other} and {rendering.service.name}"
                yield Problem("TRM0715", what, "rename one of the services or of its parts")
