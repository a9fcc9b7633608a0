"""The specification of a machine: its size, its disks, and the guestinfo keys that cloud-init reads. Pure."""

import base64
from typing import Any

from trimaran.action import digest
from trimaran.platform.protocol import Made
from trimaran.platform.unit import unit_text
from trimaran.platform.yamltext import dump
from trimaran.spec.fleet import VSphereTarget
from trimaran.spec.merge import setting
from trimaran.spec.service import Encrypted, Service

GUEST_OVERHEAD_MB = 512
"""What a machine gets beyond its service's memory, for its operating system: our choice, no fact."""

MEMORY_STEP_MB = 4
"""vSphere takes memory in multiples of 4 MB (vSphere API, VirtualMachineConfigSpec.memoryMB)."""


def cpus(service: Service) -> int:
    """Whole processors: the limit, or else the request, rounded up; at least 1."""
    amount = service.spec.resources.limits.cpu or service.spec.resources.requests.cpu
    return max(1, -(-amount.milli // 1000)) if amount else 1


def memory_mb(service: Service) -> int:
    """The service's limit, or else its request, and the guest's own need, in steps of 4 MB."""
    amount = service.spec.resources.limits.memory or service.spec.resources.requests.memory
    wanted = -(-amount.count // 2**20) if amount else 0
    return -(-(wanted + GUEST_OVERHEAD_MB) // MEMORY_STEP_MB) * MEMORY_STEP_MB


def specification(
    service: Service, settings: VSphereTarget, made: Made, replica: int, user_data: str
) -> dict[str, Any]:
    """One machine, `SERVICE-N`."""
    name = f"{service.name}-{replica}"
    spec: dict[str, Any] = {
        "template": setting(service, settings, "template") or "",
        "numCPUs": cpus(service),
        "memoryMB": memory_mb(service),
    }
    if service.spec.volumes:
        spec["disks"] = [
            {
                "name": volume,
                "capacityBytes": each.size.count,
                "encrypted": each.encrypted is Encrypted.REQUIRED,
            }
            for volume, each in sorted(service.spec.volumes.items())
        ]
    spec["extraConfig"] = _guestinfo(service, made, name, user_data)
    return {
        "apiVersion": "trimaran.dev/v1alpha1",
        "kind": "VirtualMachine",
        "metadata": {
            "name": name,
            "datacenter": settings.datacenter,
            "folder": settings.folder,
            "labels": {**dict(sorted(service.metadata.labels.items())), "trimaran.dev/service": service.name},
        },
        "spec": spec,
    }


def _guestinfo(service: Service, made: Made, name: str, user_data: str) -> dict[str, str]:
    # cloud-init runs user data again only under another instance id.
    identity = digest({"user-data": user_data, "binary": made.binary}).removeprefix("sha256:")[:16]
    meta_data = dump({"instance-id": f"{name}-{identity}", "local-hostname": name})
    keys = {
        "guestinfo.metadata": _base64(meta_data),
        "guestinfo.metadata.encoding": "base64",
        "guestinfo.userdata": _base64(user_data),
        "guestinfo.userdata.encoding": "base64",
        "guestinfo.trimaran.service": service.name,
        "guestinfo.trimaran.digest": digest({"meta-data": meta_data, "user-data": user_data}),
    }
    if made.binary:
        keys["guestinfo.trimaran.binary"] = made.binary
    spec = service.spec
    if spec.ports:
        keys["guestinfo.trimaran.ports"] = ",".join(f"{port}={number}" for port, number in spec.ports.items())
    if spec.metrics:
        keys["guestinfo.trimaran.metrics"] = f"{spec.ports[spec.metrics.port]}{spec.metrics.path}"
    for secret, ref in sorted(spec.secrets.items()):
        place = f"{ref.source}:{ref.path}#{ref.key}" if ref.key else f"{ref.source}:{ref.path}"
        keys[f"guestinfo.trimaran.secret.{secret}"] = place
    return keys


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def user_data(service: Service, made: Made) -> str:
    """cloud-init's user data: the files and the unit, which whatever brings the program then starts."""
    files: list[dict[str, Any]] = [
        {"path": path, "permissions": file.mode, "content": file.content or ""}
        for path, file in sorted(service.spec.files.items())
    ]
    unit = f"/etc/systemd/system/{service.name}.service"
    files.append({"path": unit, "permissions": "0644", "content": unit_text(service, made)})
    # Lists, not lines: cloud-init gives a line to a shell.
    runcmd = [["systemctl", "daemon-reload"], ["systemctl", "enable", f"{service.name}.service"]]
    body = {"write_files": files, "runcmd": runcmd}
    return "#cloud-config\n" + dump(body)
