"""What can be done: the values that planning, performing and every platform share. Types only."""

from trimaran.action.model import (
    ABSENT,
    Action,
    Change,
    Gap,
    Health,
    Json,
    Landed,
    Object,
    ObjectRef,
    Observation,
    Receipt,
    Scope,
    Snapshot,
    Undo,
    Verb,
    canonical,
    digest,
)
from trimaran.action.session import Session, Stream

__all__ = [
    "ABSENT",
    "Action",
    "Change",
    "Gap",
    "Health",
    "Json",
    "Landed",
    "Object",
    "ObjectRef",
    "Observation",
    "Receipt",
    "Scope",
    "Session",
    "Snapshot",
    "Stream",
    "Undo",
    "Verb",
    "canonical",
    "digest",
]
