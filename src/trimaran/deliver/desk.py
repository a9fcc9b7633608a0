"""What delivering needs of this machine: state, built programs, secrets, and sessions. Input and output."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from trimaran.action import Json, Session
from trimaran.deliver.made import Programs
from trimaran.platform import Access, session
from trimaran.secret import Redactor, SecretRef, resolve
from trimaran.spec.fleet import Target


def now() -> datetime:
    """The time of day, with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where this user's state is, and what is at hand.

    Args:
        state: the folder of what must not be lost.
        programs: the binaries at hand, of every service.
        redactor: knows every secret that was resolved.
    """

    state: Path
    programs: tuple[Programs, ...] = ()
    redactor: Redactor = field(default_factory=Redactor)

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"

    def root(self, target: str) -> Path:
        """The folder of a target's own."""
        return self.state / "host" / target

    def session(self, target: str, settings: Target) -> Session:
        """A session with a target, which connects when it is first asked."""
        artifacts = {each.digest: each.path for found in self.programs for each in found.values()}
        return session(target, settings, Access(self.root(target), artifacts, self._resolve, now))

    def _resolve(self, reference: Mapping[str, Json]) -> str:
        ref = SecretRef(reference["from"], reference["path"], reference.get("key", ""))
        return resolve(ref, str(ref), self.redactor).reveal()
