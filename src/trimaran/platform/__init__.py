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
SESSIONS = {"host": "trimaran.platform.host.session:HostSession"}
"""Platforms that are delivered to; the others are rendered."""


@cache
def platform(name: str) -> Platform:
    """The pure face of the platform `name`, which is imported only now. Raises KeyError for a stranger."""
    module, _, attribute = PLATFORMS[name].partition(":")
    found: Platform = getattr(importlib.import_module(module), attribute)()
    return found


__all__ = ["PLATFORMS", "SESSIONS", "Edge", "Loss", "Made", "Platform", "Rendering", "platform"]
