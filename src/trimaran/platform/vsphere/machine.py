"""The specification of a machine: its size, its disks, and the guestinfo keys that cloud-init reads. Pure."""

from typing import Any

from trimaran.action import digest
from trimaran.platform.protocol import Made
from trimaran.platform.unit import unit_text
from trimaran.platform.vsphere import keys
from trimaran.platform.yamltext import dump
from trimaran.spec.fleet import VSphereTarget
from trimaran.spec.merge import setting
from trimaran.spec.service import Encrypted, Service

KIND = "VirtualMachine"

GUEST_OVERHEAD_MB = 512
"""What a machine gets beyond its service's memory, for its operating system: our choice, no fact."""

MEMORY_STEP_MB = 4
"""vSphere takes memory in multiples of 4 MB (vSphere API, VirtualMachineConfigSpec.memoryMB)."""

PLACES = ("network", "pool", "datastore")
"""Where a machine goes, by the fleet; what it does not say, the session chooses."""


def cpus(service: Service) -> int:
    """Whole processors: the limit, or else the request, rounded up; at least 1."""
    amount = service.spec.resources.limits.cpu or service.spec.resources.requests.cpu
    return max(1, -(-amount.milli // 1000)) if amount else 1


def memory_mb(service: Service) -> int:
    """The service's limit, or else its request, and the guest's own need, in steps of 4 MB."""
    amount = service.spec.resources.limits.memory or service.spec.resources.requests.memory
    wanted = -(-amount.count // 2**20) if amount else 0
    return -(-(wanted + GUEST_OVERHEAD_MB) // MEMORY_STEP_MB) * MEMORY_STEP_MB


def source(service: Service, settings: VSphereTarget) -> dict[str, str]:
    """What a machine is made from: `template`, which may be empty, or `disk`."""
    template, disk = setting(service, settings, "template"), setting(service, settings, "disk")
    return {"disk": disk} if disk and not template else {"template": template or ""}


def specification(
    service: Service, settings: VSphereTarget, made: Made, replica: int, user_data: str
) -> dict[str, Any]:
    """One machine, `SERVICE-N`."""
    name = f"{service.name}-{replica}"
    spec: dict[str, Any] = {
        **source(service, settings),
        **{place: value for place in PLACES if (value := getattr(settings, place))},
        "numCPUs": cpus(service),
        "memoryMB": memory_mb(service),
    }
    if service.spec.volumes:
        spec["disks"] = _disks(service)
        if settings.encryption_policy and _needs_encryption(service):
            spec["encryptionPolicy"] = settings.encryption_policy
    labels = dict(sorted(service.metadata.labels.items()))
    spec["extraConfig"] = _guestinfo(service, settings, made, name, user_data)
    return {
        "apiVersion": "trimaran.dev/v1alpha1",
        "kind": KIND,
        "metadata": {
            "name": name,
            "datacenter": settings.datacenter,
            "folder": settings.folder,
            "labels": {**labels, "trimaran.dev/service": service.name},
        },
        "spec": spec,
    }


def _disks(service: Service) -> list[dict[str, Any]]:
    return [
        {
            "name": volume,
            "capacityBytes": each.size.count,
            "encrypted": each.encrypted is Encrypted.REQUIRED,
        }
        for volume, each in sorted(service.spec.volumes.items())
    ]


def _needs_encryption(service: Service) -> bool:
    return any(each.encrypted is Encrypted.REQUIRED for each in service.spec.volumes.values())


def _guestinfo(
    service: Service, settings: VSphereTarget, made: Made, name: str, user_data: str
) -> dict[str, str]:
    # cloud-init runs user data again only under another instance id.
    identity = digest({"user-data": user_data, "binary": made.binary}).removeprefix("sha256:")[:16]
    meta_data = dump({"instance-id": f"{name}-{identity}", "local-hostname": name})
    found = {
        **keys.encoded("guestinfo.metadata", meta_data),
        **keys.encoded("guestinfo.userdata", user_data),
        keys.SERVICE: service.name,
        keys.MACHINE: name,
        keys.DIGEST: digest({"meta-data": meta_data, "user-data": user_data}),
        # vSphere does not remember what a machine was made from.
        **{keys.OURS + what: value for what, value in source(service, settings).items() if value},
    }
    if settings.encryption_policy and _needs_encryption(service):
        found[keys.POLICY] = settings.encryption_policy
    if service.metadata.labels:
        found[keys.LABELS] = keys.labels_text(service.metadata.labels)
    if made.binary:
        found[keys.OURS + "binary"] = made.binary
    spec = service.spec
    if spec.ports:
        found[keys.OURS + "ports"] = ",".join(f"{port}={number}" for port, number in spec.ports.items())
    if spec.metrics:
        found[keys.OURS + "metrics"] = f"{spec.ports[spec.metrics.port]}{spec.metrics.path}"
    for secret, ref in sorted(spec.secrets.items()):
        place = f"{ref.source}:{ref.path}#{ref.key}" if ref.key else f"{ref.source}:{ref.path}"
        found[f"{keys.OURS}secret.{secret}"] = place
    return found


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
