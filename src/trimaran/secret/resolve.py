"""From a reference to a value: one table of who is asked."""

import importlib
from collections.abc import Iterable, Mapping

from trimaran.errors import Problem, TrimaranError, fail
from trimaran.secret.model import Secret, SecretRef
from trimaran.secret.redact import Redactor

# source → the module with its `read_secret(ref) -> str`
RESOLVERS: Mapping[str, str] = {
    "env": "trimaran.secret.environment",
    "file": "trimaran.secret.files",
}


def resolve(ref: SecretRef, name: str, redactor: Redactor) -> Secret:
    """The secret that `ref` names; `redactor` knows it before anybody else does.

    Args:
        name: what may be shown in its place, as `DB_PASSWORD`.

    Raises TrimaranError when its source is unknown or has no such value.
    """
    module = RESOLVERS.get(ref.source)
    if module is None:
        known = " and ".join(sorted(RESOLVERS))
        fix = f"put it where {known} can find it, or let the target's own secret store deliver it"
        raise fail("TRM0802", f"no resolver for secrets from {ref.source} exists yet (for {name})", fix)
    value: str = importlib.import_module(module).read_secret(ref)
    secret = Secret(name, value)
    redactor.add(secret)
    return secret


def resolve_all(refs: Iterable[tuple[str, SecretRef]], redactor: Redactor) -> dict[str, Secret]:
    """The secrets by name. Raises one TrimaranError for all that cannot be had."""
    found: dict[str, Secret] = {}
    problems: list[Problem] = []
    for name, ref in refs:
        try:
            found[name] = resolve(ref, name, redactor)
        except TrimaranError as error:
            problems.extend(error.problems)
    if problems:
        raise TrimaranError(*problems)
    return found
