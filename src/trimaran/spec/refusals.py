"""What the models refuse, said in the house's form: what, where with line and column, how to mend. Pure."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trimaran.errors import Problem
from trimaran.spec import leaks
from trimaran.spec.gate import Document, Path, dotted

MOST = 100
"""Problems of one file that are told; who has more has given the wrong file."""

# pydantic's error types → what we say after the field's name, and the fix.
_SAID: dict[str, tuple[str, str]] = {
    "greater_than_equal": ("is {input}", "use {ge} or more"),
    "less_than_equal": ("is {input}", "use {le} or less"),
    "int_type": ("is {input}, not a whole number", "write a whole number without quotes"),
    "int_parsing": ("is {input}, not a whole number", "write a whole number"),
    "int_from_float": ("is {input}, not a whole number", "write a whole number"),
    "string_type": ("is {input}, not text", "write text, in quotes if need be"),
    "bool_type": ("is {input}, neither true nor false", "write true or false"),
    "bool_parsing": ("is {input}, neither true nor false", "write true or false"),
    "enum": ("is {input}", "use {expected}"),
    "literal_error": ("is {input}", "use {expected}"),
    "string_pattern_mismatch": ("is {input}", "it must match {pattern}"),
    "string_too_short": ("is empty", "write at least {min_length} characters"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
    "dict_type": ("is {input}, not a mapping", "write `key: value` lines below it"),
    "model_type": ("is {input}, not a mapping", "write `key: value` lines below it"),
    "model_attributes_type": ("is {input}, not a mapping", "write `key: value` lines below it"),
    "tuple_type": ("is {input}, not a list", "write `- item` lines below it, or [a, b]"),
    "too_short": ("has too few entries", "write at least {min_length}"),
    "union_tag_not_found": ("names no platform", "add platform: kubernetes, openshift, vsphere or host"),
    "union_tag_invalid": ("has the platform {tag}", "use {expected_tags}"),
}


def from_validation(
    error: ValidationError, document: Document, model: type[BaseModel], base: Path = ()
) -> list[Problem]:
    """One problem for each refusal in `error`, placed in `document` below `base`."""
    details = error.errors(include_url=False)[: 2 * MOST]
    found = [_problem(detail, document, model, base) for detail in details]
    # A merge key is refused both as a name and as a value: once is enough.
    return list(dict.fromkeys(found))


def _problem(detail: ErrorDetails, document: Document, model: type[BaseModel], base: Path) -> Problem:
    path = base + _path(detail["loc"], document, base)
    where = document.where(path)
    name = _brief(str(path[-1])) if path else "the document"
    if "<<" in path:
        place = document.where(path[: path.index("<<") + 1])
        return Problem("TRM0109", "merge keys are not part of YAML 1.2", "write the keys out", place)
    match detail["type"]:
        case "missing":
            return Problem("TRM0111", f"{dotted(path)} is missing", "add it", where)
        case "extra_forbidden":
            return _unknown_key(name, detail, path, document, model)
        case "trimaran":
            context = detail.get("ctx", {})
            return Problem(context["code"], f"{name}: {context['what']}", context["fix"], where)
        case _:
            return _said(detail, name, path, document)


def _said(detail: ErrorDetails, name: str, path: Path, document: Document) -> Problem:
    where = document.where(path)
    if "secrets" in path and path.index("secrets") >= len(path) - 2 and isinstance(detail.get("input"), str):
        # Whatever stands here in place of a reference may be the secret itself: it is not repeated.
        fix = "write where it is kept, such as {from: env, path: DB_PASSWORD}; then change the secret"
        whose = "a secret" if name == "secrets" else f"the secret {name}"
        return Problem("TRM0114", f"{whose} is given as a value", fix, where)
    what, fix = _SAID.get(detail["type"], (detail["msg"], ""))
    context = {"input": _short(detail.get("input"), path), **detail.get("ctx", {})}
    code = "TRM0113" if path in (("apiVersion",), ("kind",)) else "TRM0112"
    return Problem(
        code, f"{name} {what.format_map(_Lenient(context))}", fix.format_map(_Lenient(context)), where
    )


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "a valid value"


def _unknown_key(
    name: str, detail: ErrorDetails, path: Path, document: Document, model: type[BaseModel]
) -> Problem:
    known = keys_at(model, detail["loc"][:-1])
    near = difflib.get_close_matches(name, known, n=1)
    fix = f"did you mean {near[0]}?" if near else "known keys: " + ", ".join(known)
    if name == "value" and "secrets" in path:
        return Problem(
            "TRM0114",
            f"the secret {path[-2]} is given as a value",
            "write from: and path:",
            document.where(path),
        )
    return Problem("TRM0110", f"unknown key {name!r}", fix, document.where(path))


def _path(loc: Iterable[int | str], document: Document, base: Path) -> Path:
    """The document's path for pydantic's location, which also names union members and `[key]`."""
    path: Path = ()
    for part in loc:
        if part == "[key]":
            continue
        if (*base, *path, part) in document.places or not _is_branch(part):
            path = (*path, part)
    return path


def _is_branch(part: int | str) -> bool:
    return part in ("kubernetes", "openshift", "vsphere", "host")


_MAY_HOLD_SECRETS = {"secrets", "env", "files", "command"}


def _brief(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _short(value: Any, path: Path) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "empty"
    if isinstance(value, str) and (_MAY_HOLD_SECRETS.intersection(path) or leaks.value(value)):
        # It may be a secret in the wrong place, and errors end in logs.
        return "text"
    return _brief(
        getattr(value, "text", None) or (repr(value) if isinstance(value, str) else str(value).lower())
    )


def remove(value: Any, loc: Iterable[int | str]) -> None:
    """Take the entry at a location out of a plain value; nothing when it is not there."""
    parts = [part for part in loc if part != "[key]"]
    if not parts:
        return
    *parents, last = parts
    for part in parents:
        # A location also names the member of a union, which the value does not have.
        value = value[part] if _has(value, part) else value
    if isinstance(value, dict):
        value.pop(last, None)
    elif _has(value, last):
        # Not deleted: that would move the places of the entries behind it.
        value[last] = None


def _has(value: Any, part: int | str) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def keys_at(model: type[BaseModel], loc: Iterable[int | str]) -> list[str]:
    """The keys that a declaration may have at a location of `model`."""
    current: Any = model
    for part in loc:
        current = _step(current, part)
    return sorted(
        {field.alias or name for kind in _models(current) for name, field in kind.model_fields.items()}
    )


def _step(current: Any, part: int | str) -> Any:
    for kind in _models(current):
        for name, field in kind.model_fields.items():
            if (field.alias or name) == part:
                return field.annotation
    if _is_branch(part) and len(_models(current)) > 1:
        members = (m for m in _models(current) if part in get_args(m.model_fields["platform"].annotation))
        return next(members, current)
    return get_args(current)[-1] if get_args(current) else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a type mentions without passing through a mapping."""
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    if getattr(annotation, "__origin__", None) is dict:
        return []
    return [kind for argument in get_args(annotation) for kind in _models(argument)]
