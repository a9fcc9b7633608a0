"""Overrides: what differs on a platform or a target, merged over the declaration. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from trimaran.errors import Problem, TrimaranError
from trimaran.spec import refusals, rules
from trimaran.spec.fleet import Fleet, Target
from trimaran.spec.gate import Document, Path
from trimaran.spec.service import Override, Service

SETTINGS = {"template", "disk"}
"""Fields of an override that are a platform's settings and not part of the declaration."""


def merged(base: Any, patch: Any) -> Any:
    """`patch` over `base`: mappings key by key, null removes, anything else replaces (RFC 7386)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(base) if isinstance(base, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def overrides_for(service: Service, target: Target) -> tuple[Override, ...]:
    """The overrides that apply on `target`, the platform's first, the target's own over it."""
    platform = service.spec.overrides.get(target.platform)
    own = target.overrides.get(service.name)
    return tuple(each for each in (platform, own) if each is not None)


def effective(service: Service, target: Target) -> Service:
    """The service as it is meant on `target`, with every override merged.

    Raises pydantic's ValidationError when an override does not fit; `override_problems` finds that first.
    """
    patches = [_patch(each) for each in overrides_for(service, target)]
    if not any(patches):
        return service
    document = service.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for patch in patches:
        document["spec"] = merged(document["spec"], patch)
    return Service.model_validate(document)


def _patch(override: Override) -> dict[str, Any]:
    return override.model_dump(by_alias=True, exclude_unset=True, exclude=SETTINGS)


def setting(service: Service, target: Target, name: str) -> str | None:
    """A platform setting such as `template`: the target's override, the platform's, the target's own."""
    for override in reversed(overrides_for(service, target)):
        value: str | None = getattr(override, name, None)
        if value is not None:
            return value
    return getattr(target, name, None)


def service_problems(service: Service, document: Document, known: Collection[str]) -> list[Problem]:
    """What the platform overrides of a service break."""
    found: list[Problem] = []
    for platform, override in service.spec.overrides.items():
        base: Path = ("spec", "overrides", platform)
        found += _merged_problems(service, override, document, base, known)
    return found


def fleet_problems(
    fleet: Fleet, document: Document, services: Iterable[Service], known: Collection[str]
) -> list[Problem]:
    """What the target overrides of a fleet break for the services at hand."""
    found: list[Problem] = []
    for service in services:
        for name, target in fleet.spec.targets.items():
            if service.name in target.overrides:
                base: Path = ("spec", "targets", name, "overrides", service.name)
                found += _merged_problems(service, target.overrides[service.name], document, base, known)
    if not found:
        found += _unencrypted(fleet, document, services)
    return found


def _unencrypted(fleet: Fleet, document: Document, services: Iterable[Service]) -> Iterator[Problem]:
    for service in services:
        for name, target in fleet.spec.targets.items():
            if target.select.items() <= service.metadata.labels.items():
                for path, code, what, fix in rules.unencrypted(effective(service, target), name, target):
                    yield Problem(code, what, fix, document.where(path))


def _merged_problems(
    service: Service, override: Override, document: Document, base: Path, known: Collection[str]
) -> list[Problem]:
    raw = service.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raw["spec"] = merged(raw["spec"], _patch(override))
    # Paths of the merged whole are placed at the override: that is where it can be mended.
    view = Document(document.file, raw, _under(document, base))
    try:
        service = Service.model_validate(raw)
    except ValidationError as error:
        return _as_override(refusals.from_validation(error, view, Service))
    return _as_override(rules.problems(service, view, known))


def _under(document: Document, base: Path) -> dict[Path, tuple[int, int]]:
    inside = {
        ("spec", *p[len(base) :]): place for p, place in document.places.items() if p[: len(base)] == base
    }
    return {**inside, (): document.places.get(base, (0, 0))}


def _as_override(found: list[Problem]) -> list[Problem]:
    return [Problem(p.code, f"with the override: {p.what}", p.fix, p.where) for p in found]


def raise_all(found: list[Problem]) -> None:
    """Raise one error that carries `found`, in the order of their places; nothing when empty."""
    if found:
        found = sorted(found, key=lambda p: (p.where.line, p.where.column) if p.where else (0, 0))
        most = refusals.MOST
        if len(found) > most:
            last = Problem(found[most].code, "and more problems", "mend these first", found[most].where)
            found = [*found[:most], last]
        raise TrimaranError(*found)
