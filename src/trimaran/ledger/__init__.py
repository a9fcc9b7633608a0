"""What happened: intents, outcomes, leases, the inventory and the audit chain, and the one way to act."""

from trimaran.ledger.chain import Fault, Verification, verify
from trimaran.ledger.decide import undo_of
from trimaran.ledger.heads import HeadFile
from trimaran.ledger.model import (
    Clock,
    Guard,
    Head,
    Holder,
    Intent,
    Lease,
    Outcome,
    OutcomeState,
    Owned,
    Record,
    Step,
)
from trimaran.ledger.opening import open_existing, open_ledger
from trimaran.ledger.perform import Performer, perform, perform_all, recover, undo
from trimaran.ledger.proc import is_dead, this_actor, this_holder
from trimaran.ledger.store import Ledger

__all__ = [
    "Clock",
    "Fault",
    "Guard",
    "Head",
    "HeadFile",
    "Holder",
    "Intent",
    "Lease",
    "Ledger",
    "Outcome",
    "OutcomeState",
    "Owned",
    "Performer",
    "Record",
    "Step",
    "Verification",
    "is_dead",
    "open_existing",
    "open_ledger",
    "perform",
    "perform_all",
    "recover",
    "this_actor",
    "this_holder",
    "undo",
    "undo_of",
    "verify",
]
