"""Trimaran: one deck, three hulls.

One declaration of a Go service is built, proven to start on the Linux distributions it will meet, and
delivered to Kubernetes, OpenShift, VMware vSphere and plain hosts.
"""

__version__ = "0.1.0.dev0"
