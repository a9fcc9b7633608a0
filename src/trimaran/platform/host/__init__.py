"""Plain hosts: a program, its files, a systemd unit, and our own supervisor where there is no root."""

from trimaran.platform.host.platform import HostPlatform

__all__ = ["HostPlatform"]
