"""A root file system at hand, as the other rooms see it. Pure."""

from dataclasses import dataclass
from pathlib import Path

from trimaran.facts.model import Distribution


@dataclass(frozen=True, slots=True)
class Root:
    """The files of one distribution, in a folder of this machine.

    Args:
        name: what the user calls it; where it is a distribution of the facts, that one's id.
        folder: its tree; nobody writes into it.
        origin: where it came from, as `debian:bookworm`, `oci:registry.example.com/alpine@sha256:…`.
        digest: of what was brought, `sha256:…`; empty for a folder.
        added: the day, as `2026-11-23`.
        machine: of its own programs, as `uname -m` says it.
        distribution: what was measured in it, in the form of a fact (with its `inventory`).
    """

    name: str
    folder: Path
    origin: str
    digest: str
    added: str
    machine: str
    distribution: Distribution
