"""From documents to what vSphere is asked for: configuration specs, devices, places."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyVmomi import vim

from trimaran.action import Json
from trimaran.errors import fail
from trimaran.platform.vsphere import keys, reading
from trimaran.platform.vsphere.difference import whole

_UNITS = [unit for unit in range(16) if unit != 7]  # 7 is the SCSI controller's own
_NEW_CONTROLLER = -101
_FIRST_NEW_DISK = -201
_NEW_CARD = -301


def options(changed: Mapping[str, str | None]) -> list[Any]:
    """Keys for extraConfig; one without a value is taken away (vSphere: an empty value removes)."""
    return [vim.option.OptionValue(key=key, value=value or "") for key, value in sorted(changed.items())]


class Devices:
    """The changes to a machine's devices, and where its volumes are attached after them."""

    def __init__(self, present: Iterable[Any], units: Mapping[str, str] | None = None) -> None:
        """Begin.

        Args:
            present: the devices that the machine or its template has now.
            units: volume → `BUS:UNIT`, as the machine remembers it.
        """
        self.present = list(present)
        self.units = dict(units or {})
        self.changes: list[Any] = []
        self._new_disks = 0

    def add_volume(self, disk: Mapping[str, Json], profile: str | None) -> None:
        """A new, thin disk for a volume, encrypted when it says so, by the policy with that id."""
        device = self._add_disk(vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=""), profile)
        device.capacityInBytes = whole(disk["capacityBytes"])
        device.capacityInKB = device.capacityInBytes // 1024
        self.units[disk["name"]] = f"{self._bus(device.controllerKey)}:{device.unitNumber}"

    def add_child_of(self, path: str, profile: str | None) -> None:
        """A disk that begins as what is in `path`, which stays as it is: what is written goes to a delta."""
        parent = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=path, diskMode="persistent")
        datastore = path.partition("]")[0] + "]"
        self._add_disk(
            vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=datastore, parent=parent), profile
        )

    def _add_disk(self, backing: Any, profile: str | None) -> Any:
        controller = self._controller()
        taken = {each.unitNumber for each in self.present if each.controllerKey == controller.key}
        unit = next((each for each in _UNITS if each not in taken), None)
        if unit is None:
            raise fail(
                "TRM0755",
                "the machine's disk controller has no free place",
                "declare fewer volumes, or split it",
            )
        backing.diskMode, backing.thinProvisioned = "persistent", True
        key = _FIRST_NEW_DISK - self._new_disks
        self._new_disks += 1
        device = vim.vm.device.VirtualDisk(key=key, backing=backing)
        device.controllerKey, device.unitNumber = controller.key, unit
        self.present.append(device)
        self._change("add", device, "create", profile)
        return device

    def _controller(self) -> Any:
        for each in self.present:
            if isinstance(each, vim.vm.device.VirtualSCSIController):
                return each
        sharing = vim.vm.device.VirtualSCSIController.Sharing.noSharing
        made = vim.vm.device.ParaVirtualSCSIController(key=_NEW_CONTROLLER, busNumber=0, sharedBus=sharing)
        self.present.append(made)
        self._change("add", made)
        return made

    def _bus(self, controller: int) -> int:
        return next(int(each.busNumber) for each in self.present if each.key == controller)

    def grow(self, device: Any, size: int) -> None:
        """Make a disk that is there larger."""
        device.capacityInBytes = whole(size)
        device.capacityInKB = device.capacityInBytes // 1024
        self._change("edit", device)

    def connect(self, backing: Any) -> None:
        """Put the first network card on a network, or add one."""
        for each in self.present:
            if isinstance(each, vim.vm.device.VirtualEthernetCard):
                each.backing = backing
                self._change("edit", each)
                return
        plugged = vim.vm.device.VirtualDevice.ConnectInfo(
            startConnected=True, allowGuestControl=True, connected=True
        )
        self._change("add", vim.vm.device.VirtualVmxnet3(key=_NEW_CARD, backing=backing, connectable=plugged))

    def _change(
        self, operation: str, device: Any, file: str | None = None, profile: str | None = None
    ) -> None:
        change: Any = vim.vm.device.VirtualDeviceSpec(operation=operation, device=device)
        if file:
            change.fileOperation = file
        if profile:
            change.profile = [vim.vm.DefinedProfileSpec(profileId=profile)]
        self.changes.append(change)


def config(
    document: Mapping[str, Json], devices: Devices, profile: str | None, inherited: Mapping[str, str]
) -> Any:
    """The configuration of a machine that is made.

    Args:
        inherited: the keys of its template. Ours and cloud-init's among them go: they are another machine's.
    """
    spec, metadata = document["spec"], document["metadata"]
    told: dict[str, str | None] = dict.fromkeys(keys.owned(inherited))
    told |= dict.fromkeys(keys.KEPT_BY_SESSION & inherited.keys())
    told |= keys.owned(spec["extraConfig"])
    if devices.units:
        told[keys.UNITS] = keys.labels_text(devices.units)
    wanted = vim.vm.ConfigSpec(
        numCPUs=spec["numCPUs"],
        memoryMB=spec["memoryMB"],
        annotation=f"{metadata['name']}: made by Trimaran for {spec['extraConfig'].get(keys.SERVICE, '')}",
        extraConfig=options(told),
        deviceChange=devices.changes,
    )
    if profile:
        # A disk can be encrypted only where the machine's home is (vSphere Security, encryption).
        wanted.vmProfile = [vim.vm.DefinedProfileSpec(profileId=profile)]
    return wanted


def reconfiguration(
    wanted: Mapping[str, Json], values: Mapping[str, Any], devices: Devices, profile: str | None
) -> Any:
    """What one ReconfigVM must change so that the machine becomes as `wanted`; empty where it is."""
    spec, hardware = wanted["spec"], values["config.hardware"]
    asked = vim.vm.ConfigSpec(changeVersion=values.get("config.changeVersion"))
    if spec["numCPUs"] != hardware.numCPU:
        asked.numCPUs = spec["numCPUs"]
    if spec["memoryMB"] != hardware.memoryMB:
        asked.memoryMB = spec["memoryMB"]
    have = reading.volumes(values)
    for disk in spec.get("disks", ()):
        if disk["name"] not in have:
            devices.add_volume(disk, profile if disk["encrypted"] else None)
        elif whole(disk["capacityBytes"]) > whole(reading.size_bytes(have[disk["name"]])):
            devices.grow(have[disk["name"]], disk["capacityBytes"])
    asked.deviceChange = devices.changes
    before = reading.extra_config(values)
    after: dict[str, str | None] = dict(_told(wanted, before))
    gone = {name: None for name in keys.owned(before) if name not in after}
    units = {keys.UNITS: keys.labels_text(devices.units)} if devices.units else {}
    changed = {name: value for name, value in {**after, **gone, **units}.items() if before.get(name) != value}
    asked.extraConfig = options(changed)
    return asked


def _told(wanted: Mapping[str, Json], before: Mapping[str, str]) -> dict[str, str]:
    """The wanted keys; while our digest stays, cloud-init's keys are left as the guest has them now."""
    told = keys.owned(wanted["spec"]["extraConfig"])
    if told.get(keys.DIGEST) != before.get(keys.DIGEST):
        return told
    name = "guestinfo.metadata"
    theirs = {key: before[key] for key in (name, f"{name}.encoding") if key in before}
    if before.get("guestinfo.userdata", "") in keys.REDACTED:
        name = "guestinfo.userdata"
        theirs |= {key: before.get(key, "") for key in (name, f"{name}.encoding")}
    return {**told, **theirs}


def check(document: Mapping[str, Json]) -> None:
    """Refuse what a guest could not read, or nobody knows any more. Raises TRM0750 and TRM0751."""
    name, told = document["metadata"]["name"], document["spec"]["extraConfig"]
    for key, value in told.items():
        if len(value) > keys.MOST_BYTES:
            what = f"{name}: {key} is {len(value)} bytes long, and a guest can read {keys.MOST_BYTES}"
            raise fail(
                "TRM0750", what, "declare less in files and env; fetch large files when the service starts"
            )
    if told.get("guestinfo.userdata", "") in keys.REDACTED and keys.SERVICE in told:
        what = f"{name}: its user data was struck out by its guest, so that it cannot be put back"
        raise fail("TRM0751", what, "ship the version that is wanted from its declaration")


def backing(thing: Any, values: Mapping[str, Any]) -> Any:
    """How a network card is attached to a network, by the kind of network."""
    card = vim.vm.device.VirtualEthernetCard
    if isinstance(thing, vim.dvs.DistributedVirtualPortgroup):
        port = vim.dvs.PortConnection(portgroupKey=values["key"], switchUuid=values["uuid"])
        return card.DistributedVirtualPortBackingInfo(port=port)
    if isinstance(thing, vim.OpaqueNetwork):
        told = values["summary"]
        return card.OpaqueNetworkBackingInfo(
            opaqueNetworkId=told.opaqueNetworkId, opaqueNetworkType=told.opaqueNetworkType
        )
    return card.NetworkBackingInfo(deviceName=values["name"], network=thing)
