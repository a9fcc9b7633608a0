"""From what the property collector returns to a document in the form that is rendered."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyVmomi import vim

from trimaran.action import Json
from trimaran.platform.vsphere import keys
from trimaran.platform.vsphere.inventory import Survey, identity, plain
from trimaran.platform.vsphere.machine import KIND

_TOOLS = {
    "guestToolsRunning": "running",
    "guestToolsExecutingScripts": "running",
    "guestToolsNotRunning": "notRunning",
}
_NO_TOOLS = {"guestToolsNotInstalled", "toolsNotInstalled"}


def document(
    name: str, values: Mapping[str, Any], survey: Survey, datacenter: str, folder: str
) -> dict[str, Json]:
    """A machine as it would have been rendered, and its `status`."""
    told = extra_config(values)
    hardware = values["config.hardware"]
    labels = keys.pairs(told.get(keys.LABELS, ""))
    if told.get(keys.SERVICE):
        labels["trimaran.dev/service"] = told[keys.SERVICE]
    made_from = {"disk": told[keys.DISK]} if keys.DISK in told else {"template": told.get(keys.TEMPLATE, "")}
    spec: dict[str, Json] = {
        **made_from,
        **_places(values, survey),
        "numCPUs": int(hardware.numCPU),
        "memoryMB": int(hardware.memoryMB),
    }
    disks = [_disk(volume, disk) for volume, disk in volumes(values).items()]
    if disks:
        spec["disks"] = disks
        if told.get(keys.POLICY):
            spec["encryptionPolicy"] = told[keys.POLICY]
    spec["extraConfig"] = keys.owned(told)
    return {
        "apiVersion": "trimaran.dev/v1alpha1",
        "kind": KIND,
        "metadata": {"name": name, "datacenter": datacenter, "folder": folder, "labels": labels},
        "spec": spec,
        "status": status(values, survey),
    }


def live(thing: Any, values: Mapping[str, Any]) -> dict[str, Json]:
    """What vSphere changes by itself, or that only it decides."""
    return {
        "changeVersion": values.get("config.changeVersion", ""),
        "moref": identity(thing),
        "instanceUuid": values.get("config.instanceUuid", ""),
    }


def status(values: Mapping[str, Any], survey: Survey) -> dict[str, Json]:
    """What lives in a machine's place now, for judging and for people."""
    found: dict[str, Json] = {
        "power": str(values["runtime.powerState"]),
        "connection": str(values["runtime.connectionState"]),
        "tools": tools(values),
        "datastores": sorted(survey.names.get(identity(each), "") for each in values.get("datastore", ())),
        "networks": sorted(survey.names.get(identity(each), "") for each in values.get("network", ())),
    }
    if values.get("runtime.host") is not None:
        found["host"] = survey.names.get(identity(values["runtime.host"]), "")
    if values.get("guest.ipAddress"):
        found["ip"] = str(values["guest.ipAddress"])
    if values.get("runtime.bootTime") is not None:
        found["booted"] = values["runtime.bootTime"].isoformat()
    if values.get("runtime.question") is not None:
        found["question"] = str(values["runtime.question"].text)
    return found


def tools(values: Mapping[str, Any]) -> str:
    """`running`, `notRunning`, or `notInstalled`."""
    told = {str(values.get(f"guest.{name}")) for name in ("toolsVersionStatus2", "toolsStatus")}
    running = _TOOLS.get(str(values.get("guest.toolsRunningStatus")), "notInstalled")
    return "notInstalled" if running != "running" and told & _NO_TOOLS else running


def extra_config(values: Mapping[str, Any]) -> dict[str, str]:
    """Every key of the machine's extraConfig that holds text and is not empty."""
    options = values.get("config.extraConfig", ())
    return {
        str(option.key): option.value for option in options if isinstance(option.value, str) and option.value
    }


def volumes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The disks that stand for volumes, by the volumes' names; one that was taken away is not among them."""
    at = dict(disks(values))
    wanted = keys.pairs(extra_config(values).get(keys.UNITS, ""))
    return {volume: at[place] for volume, place in sorted(wanted.items()) if place in at}


def disks(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every disk, with where it is attached as `BUS:UNIT`."""
    devices = values["config.hardware"].device
    controllers = {
        each.key: each for each in devices if isinstance(each, vim.vm.device.VirtualSCSIController)
    }
    for device in devices:
        if isinstance(device, vim.vm.device.VirtualDisk) and device.controllerKey in controllers:
            yield f"{controllers[device.controllerKey].busNumber}:{device.unitNumber}", device


def cards(values: Mapping[str, Any]) -> list[Any]:
    """The network cards, in their order."""
    devices = values["config.hardware"].device
    return [each for each in devices if isinstance(each, vim.vm.device.VirtualEthernetCard)]


def size_bytes(disk: Any) -> int:
    """The size of a disk; old vCenters say it in KiB only."""
    return int(disk.capacityInBytes or disk.capacityInKB * 1024)


def is_encrypted(disk: Any) -> bool:
    """By the key that the disk is written with, whatever its policy says."""
    return getattr(disk.backing, "keyId", None) is not None


def _disk(volume: str, disk: Any) -> dict[str, Json]:
    return {"name": volume, "capacityBytes": size_bytes(disk), "encrypted": is_encrypted(disk)}


def _places(values: Mapping[str, Any], survey: Survey) -> dict[str, str]:
    found = {}
    for card in cards(values)[:1]:
        name = _network(card.backing, survey)
        if name:
            found["network"] = name
    pool = values.get("resourcePool")
    if pool is not None and identity(pool) in survey.names:
        found["pool"] = survey.names[identity(pool)]
    home = values.get("config.files.vmPathName", "")
    if home.startswith("["):
        found["datastore"] = plain(home[1:].partition("]")[0])
    return found


def _network(backing: Any, survey: Survey) -> str:
    match backing:
        case vim.vm.device.VirtualEthernetCard.DistributedVirtualPortBackingInfo():
            return survey.names.get(backing.port.portgroupKey or "", "")
        case vim.vm.device.VirtualEthernetCard.NetworkBackingInfo():
            known = backing.network is not None and identity(backing.network) in survey.names
            return survey.names[identity(backing.network)] if known else str(backing.deviceName)
    return ""
