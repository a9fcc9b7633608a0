"""VMware vSphere: a service as machines that are told by guestinfo keys what to run."""

from trimaran.platform.vsphere.platform import VSpherePlatform

__all__ = ["VSpherePlatform"]
