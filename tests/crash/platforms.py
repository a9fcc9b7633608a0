"""The platforms that must keep the contract of `perform`; a new one is a class and an entry here."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from trimaran.action import Action, Json, Session

TARGET = "local"
CANARY = "c4n4ry-hunter2-bird"
SECRET_VARIABLE = "TRIMARAN_TEST_DB_PASSWORD"


class PlatformUnderTest(Protocol):
    """One platform with one real or fake target in a folder of its own.

    Every method is called in several processes with the same `home`; what must last is kept there.
    """

    def open(self, home: Path) -> Session:
        """A session on the target; its secrets come from `SECRET_VARIABLE`, which holds `CANARY`."""
        ...

    def dying(self, home: Path, kill: Callable[[], None]) -> Mapping[str, Session]:
        """Sessions that call `kill` in the middle of an apply, by the name of the place; may be empty."""
        ...

    def create(self, home: Path) -> Action:
        """Makes an object that uses the secret by reference; precondition: absent."""
        ...

    def update(self, home: Path) -> Action:
        """Changes what `create` made; precondition: as `create` made it, or None."""
        ...

    def delete(self, home: Path) -> Action:
        """Removes what `create` made."""
        ...

    def truth(self, home: Path) -> Json:
        """What is there, found out without the session; equal values for equal states; None for nothing."""
        ...

    def effects(self, home: Path) -> int:
        """How often the target was changed so far, as the target itself knows."""
        ...

    def blind(self, home: Path, on: bool) -> None:
        """From now on `landed` cannot tell, until switched off."""
        ...

    def clean_up(self, home: Path) -> None:
        """Leave nothing running."""
        ...


# name → where its class is found. This table is all that a platform needs to inherit the suite.
PLATFORMS: dict[str, str] = {
    "fake-directory": "tests.crash.fake_directory:FakeDirectory",
    "host": "tests.crash.host_machine:HostMachine",
    "kubernetes": "tests.crash.kubernetes_cluster:KubernetesCluster",
    "vsphere": "tests.crash.vsphere_center:VSphereCenter",
}


def platform(name: str) -> PlatformUnderTest:
    module, _, attribute = PLATFORMS[name].partition(":")
    found: PlatformUnderTest = getattr(importlib.import_module(module), attribute)()
    return found
