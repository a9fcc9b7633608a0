"""One service rendered for every target of a fleet that takes it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from trimaran.deliver.made import Programs, made_for
from trimaran.platform import Rendering, is_delivered, platform
from trimaran.platform.files import RenderedFile, files
from trimaran.spec.fleet import Fleet, Target
from trimaran.spec.merge import effective
from trimaran.spec.service import Service


@dataclass(frozen=True, slots=True)
class TargetRendering:
    """What a service becomes on one target.

    Args:
        service: with the target's overrides merged.
        delivered: whether this release applies it; otherwise its files are all there is.
    """

    target: str
    settings: Target
    service: Service
    rendering: Rendering
    delivered: bool

    @property
    def files(self) -> tuple[RenderedFile, ...]:
        return files(self.target, self.service.name, self.rendering)


def takes(target: Target, service: Service) -> bool:
    """Whether a target's `select` lets the service in; without one it takes every service."""
    return target.select.items() <= service.metadata.labels.items()


def render(service: Service, fleet: Fleet, programs: Programs) -> Iterator[TargetRendering]:
    """The renderings of `service`, target by target in the fleet's order.

    Raises TrimaranError when a target's architecture was not built.
    """
    for name, target in fleet.spec.targets.items():
        if not takes(target, service):
            continue
        here = effective(service, target)
        rendering = platform(target.platform).render(
            here, name, target, made_for(here, name, target, fleet, programs)
        )
        yield TargetRendering(name, target, here, rendering, is_delivered(target))
