"""What an API server's refusals mean, as errors that say what to do. Pure."""

import re

import msgspec

from trimaran.errors import Exit, Problem, TrimaranError, printable

_BUSY = frozenset([429, 500, 502, 503, 504])
_LONGEST = 400  # characters of a server's own words
_MOST = 20  # causes that are told
_MANAGER = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')


class Cause(msgspec.Struct):
    """One of the reasons of a refusal."""

    reason: str | None = ""
    message: str | None = ""
    field: str | None = ""


class _Details(msgspec.Struct):
    name: str | None = ""
    kind: str | None = ""
    causes: list[Cause] | None = None
    seconds: int | None = msgspec.field(name="retryAfterSeconds", default=0)


class Status(msgspec.Struct):
    """The `Status` object that an API server answers with when it refuses."""

    kind: str = ""
    message: str | None = ""
    reason: str | None = ""
    details: _Details | None = None

    @property
    def causes(self) -> list[Cause]:
        return (self.details and self.details.causes) or []

    @property
    def says(self) -> str:
        return words(self.message)


_status = msgspec.json.Decoder(Status)


def words(text: str | None) -> str:
    """What a server says, fit to be shown on one line."""
    told = " ".join(printable((text or "").replace("\n", " ").replace("\t", " ")).split())
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def status(body: bytes) -> Status:
    """The Status in a body; one with the body's own words when it is none."""
    try:
        found = _status.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return Status(message=body[:_LONGEST].decode("utf-8", "replace"))
    return found if found.kind == "Status" else Status()


def _error(code: str, what: str, fix: str, exit_status: Exit = Exit.ERROR) -> TrimaranError:
    return TrimaranError(Problem(code, what, fix), status=exit_status)


def knows_object(found: Status) -> bool:
    """Whether a 404 is about one object, rather than about its kind."""
    return found.details is not None and bool(found.details.name)


def explained(code: int, found: Status, asked: str, cluster: str) -> TrimaranError:
    """The error for an answer that is none.

    Args:
        asked: what was asked: `list deployments in web`.
        cluster: the cluster, for people.
    """
    if is_terminating(found):
        what = f"the namespace is being deleted: {found.says}"
        return _error("TRM0731", what, "wait until it is gone, make it again, then run this again")
    match code:
        case 401 | 403:
            return _not_let_in(code, found, asked, cluster)
        case 404:
            return _not_found(found, asked, cluster)
        case 409:
            return _conflict(found, asked)
        case 400 | 422:
            return _invalid(found, asked)
        case _:
            return _failing(code, found, asked, cluster)


def _not_let_in(code: int, found: Status, asked: str, cluster: str) -> TrimaranError:
    if code == 401:
        what = f"{cluster} does not accept the credentials: {found.says}"
        return _error("TRM0723", what, "log in again, or mend the context's user", Exit.AUTHENTICATION)
    what = f"{cluster} does not allow us to {asked}: {found.says}"
    return _error("TRM0724", what, "give the context's user a Role for it", Exit.AUTHENTICATION)


def is_busy(code: int, body: bytes) -> bool:
    """Whether the same request may be answered otherwise a moment later."""
    return code in _BUSY and not (code == 500 and _is_untyped(status(body)))


def _is_untyped(found: Status) -> bool:
    # What does not fit the schema is a failure of the server's own, by its status alone.
    return (found.message or "").startswith("failed to create typed patch object")


def _failing(code: int, found: Status, asked: str, cluster: str) -> TrimaranError:
    if _is_untyped(found):
        return _invalid(found, asked)
    if code in (408, 429) or code >= 500:
        what = f"{cluster} cannot {asked} now: {code} {found.says}"
        return _error("TRM0733", what, "run this again later; look at the API server's log", Exit.PARTIAL)
    what = f"{cluster} answered {code} to {asked}: {found.says}"
    return _error("TRM0734", what, "check the server of the context")


def unknown_kind(name: str, version: str, cluster: str) -> TrimaranError:
    """The error for a kind whose definition the cluster lacks."""
    what = f"{cluster} does not know the kind {name} ({version})"
    fix = "install its definition, or set the target's monitoring, secretStore or gateway"
    return _error("TRM0727", what, fix)


def is_terminating(found: Status) -> bool:
    """Whether the namespace is on its way out, which the server calls forbidden."""
    return any(cause.reason == "NamespaceTerminating" for cause in found.causes)


def _not_found(found: Status, asked: str, cluster: str) -> TrimaranError:
    if found.details is not None and found.details.kind == "namespaces":
        name = words(found.details.name)
        what = f"{cluster} has no namespace {name}"
        fix = f"make it (kubectl create namespace {name}), or name another in fleet.yaml"
        return _error("TRM0730", what, fix)
    what = f"{cluster} has nothing at the place to {asked}: {found.says}"
    return _error("TRM0727", what, "install the kind's definition")


def _conflict(found: Status, asked: str) -> TrimaranError:
    fields = [cause for cause in found.causes if cause.reason == "FieldManagerConflict"]
    if not fields:
        return _replaced(found, asked)
    problems = []
    for cause in fields[:_MOST]:
        match = _MANAGER.search(cause.message or "")
        manager = words(match[1]) if match else words(cause.message)
        what = f"cannot {asked}: {manager} owns {words(cause.field).lstrip('.')}"
        fix = "leave the field to it (remove it from the declaration), or take it with --take"
        problems.append(Problem("TRM0726", what, fix))
    return TrimaranError(*problems)


def _replaced(found: Status, asked: str) -> TrimaranError:
    what = f"cannot {asked}, because the object is gone or was replaced: {found.says}"
    return _error("TRM0732", what, "plan again")


def _invalid(found: Status, asked: str) -> TrimaranError:
    if any(cause.field == "metadata.uid" for cause in found.causes):
        return _replaced(found, asked)
    problems: list[Problem] = []
    for cause in found.causes[:_MOST]:
        told = words(cause.message)
        field = words(cause.field)
        what = f"cannot {asked}: {field}: {told}" if field else f"cannot {asked}: {told}"
        problem = _refused_field(what, told)
        problems += [problem] if problem not in problems else []
    if not problems:
        problems.append(_refused_field(f"cannot {asked}: {found.says}", found.says))
    return TrimaranError(*problems)


def _refused_field(what: str, told: str) -> Problem:
    # The server's own words are all that tells a change that is refused from a value that is wrong.
    if "immutable" in told or ("updates to " in told and "forbidden" in told):
        return Problem("TRM0729", what, "run with --recreate to delete the object and make a new one")
    return Problem("TRM0728", what, "mend the field in the declaration")
