"""What happened: intents, outcomes, leases, the inventory and the audit chain, and the one way to act."""

from trimaran.ledger.chain import Fault, Verification, verify
from trimaran.ledger.decide import undo_of
from trimaran.ledger.heads import HeadFile
from trimaran.ledger.model import (
    SUCCESSES,
    Adoption,
    Applied,
    Clock,
    Guard,
    Head,
    Holder,
    Intent,
    LastEvent,
    Lease,
    Outcome,
    OutcomeState,
    Owned,
    Record,
    Revision,
    RevisionState,
    Step,
)
from trimaran.ledger.opening import open_existing, open_ledger
from trimaran.ledger.perform import perform, perform_all, recover, undo
from trimaran.ledger.performer import Performer
from trimaran.ledger.proc import is_dead, this_actor, this_holder
from trimaran.ledger.store import Ledger

__all__ = [
    "SUCCESSES",
    "Adoption",
    "Applied",
    "Clock",
    "Fault",
    "Guard",
    "Head",
    "HeadFile",
    "Holder",
    "Intent",
    "LastEvent",
    "Lease",
    "Ledger",
    "Outcome",
    "OutcomeState",
    "Owned",
    "Performer",
    "Record",
    "Revision",
    "RevisionState",
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
