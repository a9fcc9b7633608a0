"""Where services run: the four platforms, behind one Protocol and one table of import strings."""

import importlib
from functools import cache
from typing import Any

from trimaran.action import Session
from trimaran.platform.protocol import Access, Edge, Loss, Made, OpenSession, Platform, Rendering
from trimaran.spec.fleet import ClusterTarget, HostTarget, Target, VSphereTarget

PLATFORMS = {
    "kubernetes": "trimaran.platform.kubernetes:KubernetesPlatform",
    "openshift": "trimaran.platform.openshift:OpenShiftPlatform",
    "vsphere": "trimaran.platform.vsphere:VSpherePlatform",
    "host": "trimaran.platform.host:HostPlatform",
}
SESSIONS = {
    "kubernetes": "trimaran.platform.kubernetes.session:open_session",
    "openshift": "trimaran.platform.kubernetes.session:open_session",
    "vsphere": "trimaran.platform.vsphere.session:open_session",
    "host": "trimaran.platform.host.session:open_session",
}

RENDERED_ONLY = {"host": frozenset({"Unit"}), "openshift": frozenset({"Template", "TemplateParameters"})}
"""Kinds that are written to files for people and other tools, and never applied by a session."""


@cache
def platform(name: str) -> Platform:
    """The pure face of the platform `name`, which is imported only now. Raises KeyError for a stranger."""
    found: Platform = _load(PLATFORMS[name])()
    return found


def session(target: str, settings: Target, access: Access) -> Session:
    """A session with a target; its platform's client is imported only now."""
    open_session: OpenSession = _load(SESSIONS[settings.platform])
    return open_session(target, settings, access)


def is_delivered(settings: Target) -> bool:
    """Whether the fleet says how to reach the target; otherwise it is rendered, and that is all."""
    match settings:
        case ClusterTarget():
            return settings.context is not None
        case VSphereTarget():
            return settings.url is not None
        case HostTarget():
            return True


def _load(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


__all__ = [
    "PLATFORMS",
    "RENDERED_ONLY",
    "SESSIONS",
    "Access",
    "Edge",
    "Loss",
    "Made",
    "OpenSession",
    "Platform",
    "Rendering",
    "is_delivered",
    "platform",
    "session",
]
