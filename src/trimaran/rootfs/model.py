"""A root file system at hand, as the other rooms see it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trimaran.facts.model import Distribution


@dataclass(frozen=True, slots=True)
class Contents:
    """What else was measured in a root file system.

    Args:
        system: ID and VERSION_ID of os-release, as `debian 12`; empty without that file.
        manager: `dpkg`, `apk` or `rpm`; empty without the database of one.
        packages: how many it says are installed; None where it does not tell (rpm, no manager).
        name_services: database → what nsswitch.conf says of it, as `hosts` → `files dns`.
        name_modules: the modules of the name service that are there, as `libnss_files.so.2`.
        go: the Go that is installed there, as `1.19.8`; empty without one.
    """

    system: str = ""
    manager: str = ""
    packages: int | None = None
    name_services: Mapping[str, str] = field(default_factory=dict)
    name_modules: tuple[str, ...] = ()
    go: str = ""


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
        contents: what else was measured.
        skipped: files that were not taken over: devices, pipes, sockets; at most a hundred.
    """

    name: str
    folder: Path
    origin: str
    digest: str
    added: str
    machine: str
    distribution: Distribution
    contents: Contents = field(default_factory=Contents)
    skipped: tuple[str, ...] = ()
