"""Which losses are told: only those of fields that a declaration has. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from trimaran.platform.protocol import Loss
from trimaran.spec.fields import Model
from trimaran.spec.service import Service


def told(service: Service, losses: Iterable[Loss]) -> tuple[Loss, ...]:
    """The losses of fields that were declared, sorted and each once: nobody loses a default."""
    return tuple(sorted({loss for loss in losses if _has(service.spec, loss.field)}))


def _has(value: Any, field: str) -> bool:
    if not field:
        return True
    return any(
        _has(inner, field[len(name) + 1 :])
        for name, inner in _entries(value)
        # A key may hold dots itself, so that the path cannot be split beforehand.
        if field == name or field.startswith(f"{name}.")
    )


def _entries(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Model):
        fields = type(value).model_fields
        return ((fields[name].alias or name, getattr(value, name)) for name in value.model_fields_set)
    return value.items() if isinstance(value, Mapping) else ()
