"""Keeping the values of secrets out of what is written down. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from trimaran.errors import fail
from trimaran.ledger.encode import action_json, json_text
from trimaran.ledger.model import Adoption, Guard, Intent, Outcome

_FIX = "refer to the secret instead of putting its value into a field"


def check_intents(intents: Iterable[Intent], guard: Guard) -> None:
    """Raise TRM0412 when an intent would hold a secret."""
    for intent in intents:
        secret = guard.leaks([action_json(intent.action), intent.before and dict(intent.before)])
        if secret is not None:
            what = f"{intent.action.key} was not begun: its intent would hold the secret {secret}"
            raise fail("TRM0412", what, _FIX)


def check_adoptions(adoptions: Iterable[Adoption], guard: Guard) -> None:
    """Raise TRM0412 when an adoption would hold a secret."""
    for each in adoptions:
        secret = guard.leaks([each.value, each.declared])
        if secret is not None:
            what = f"{each.path} of {each.ref} was not adopted: it holds the secret {secret}"
            raise fail("TRM0412", what, _FIX)


def cleaned(outcome: Outcome, guard: Guard) -> Outcome:
    """What happened must be recorded even when its receipt holds a secret; then without the secret."""
    problems = tuple(
        replace(
            each,
            what=guard.redact(each.what),
            fix=guard.redact(each.fix),
            detail=tuple(map(guard.redact, each.detail)),
        )
        for each in outcome.problems
    )
    facts = {} if guard.leaks(dict(outcome.facts)) else outcome.facts
    json_text(dict(facts))  # raises here, before the transaction, for what JSON cannot hold
    return replace(outcome, facts=facts, problems=problems)
