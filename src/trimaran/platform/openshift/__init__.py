"""OpenShift: as Kubernetes, with a Route for each route and no fixed user in the pod."""

from trimaran.platform.openshift.platform import OpenShiftPlatform

__all__ = ["OpenShiftPlatform"]
