"""Kubernetes: a service as Deployment, Service, Ingress, ConfigMap, ServiceAccount and autoscaler."""

from trimaran.platform.kubernetes.platform import KubernetesPlatform

__all__ = ["KubernetesPlatform"]
