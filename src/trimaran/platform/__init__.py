"""Where services run: the four platforms, behind one Protocol and one table of import strings."""

import importlib
from functools import cache

from trimaran.platform.protocol import Edge, Loss, Made, Platform, Rendering

PLATFORMS = {
    "kubernetes": "trimaran.platform.kubernetes:KubernetesPlatform",
    "openshift": "trimaran.platform.openshift:OpenShiftPlatform",
    "vsphere": "trimaran.platform.vsphere:VSpherePlatform",
    "host": "trimaran.platform.host:HostPlatform",
}
DELIVERED = {"host": frozenset({"File", "Process"})}
"""Platforms that are delivered to, and which of their objects a session applies; others are rendered only."""


@cache
def platform(name: str) -> Platform:
    """The pure face of the platform `name`, which is imported only now. Raises KeyError for a stranger."""
    module, _, attribute = PLATFORMS[name].partition(":")
    found: Platform = getattr(importlib.import_module(module), attribute)()
    return found


__all__ = ["DELIVERED", "PLATFORMS", "Edge", "Loss", "Made", "Platform", "Rendering", "platform"]
