"""In what a machine differs from what is wanted, and what is left to vSphere. Pure."""

from collections.abc import Iterator, Mapping

from trimaran.action import Change, Json
from trimaran.platform.compare import changes
from trimaran.platform.vsphere import keys

ON = "poweredOn"
DISK_STEP_BYTES = 2**20
"""Disks are made in whole MiB: our choice; vSphere rounds to its own blocks below that."""

_SOURCES = ("template", "disk")
_SIZES = ("numCPUs", "memoryMB", "network")
_PLACEMENT = ("pool", "datastore")


def differences(wanted: Mapping[str, Json], seen: Mapping[str, Json]) -> Iterator[Change]:
    """Every field that an update must change, or (immutable) cannot."""
    want, have = wanted["spec"], seen["spec"]
    labels = wanted["metadata"].get("labels", {}), seen["metadata"].get("labels", {})
    yield from changes(*labels, "metadata.labels")
    for name in _SOURCES:
        if want.get(name, "") != have.get(name, ""):
            yield Change(f"spec.{name}", have.get(name), want.get(name), immutable=True)
    for name in _SIZES:
        if name in want and want[name] != have.get(name):
            yield Change(f"spec.{name}", have.get(name), want[name])
    yield from _disks(want.get("disks", ()), have.get("disks", ()))
    yield from _keys(want.get("extraConfig", {}), have.get("extraConfig", {}))
    power = wanted_power(wanted)
    if seen.get("status", {}).get("power", power) != power:
        yield Change("status.power", seen["status"]["power"], power)


def wanted_power(wanted: Mapping[str, Json]) -> str:
    """On, unless the document is one that was seen of a machine that was not."""
    power: str = wanted.get("status", {}).get("power", ON)
    return power


def placement(wanted: Mapping[str, Json], seen: Mapping[str, Json]) -> Iterator[Change]:
    """Where the machine has moved since it was made: vSphere's own business."""
    for name in _PLACEMENT:
        before = seen["spec"].get(name)
        if name in wanted["spec"] and before is not None and wanted["spec"][name] != before:
            yield Change(f"spec.{name}", before, None, owner="vSphere")


def whole(size_bytes: int) -> int:
    """The size of a disk in bytes as it is made: in whole steps."""
    return -(-size_bytes // DISK_STEP_BYTES) * DISK_STEP_BYTES


def _disks(wanted: Json, seen: Json) -> Iterator[Change]:
    have = {disk["name"]: disk for disk in seen}
    for disk in wanted:
        path = f"spec.disks[name={disk['name']}]"
        before = have.pop(disk["name"], None)
        if before is None:
            yield Change(path, None, disk)
            continue
        size, now = whole(disk["capacityBytes"]), whole(before["capacityBytes"])
        if size != now:
            # Cutting a disk short would cut off what is on it; vSphere refuses it too.
            yield Change(f"{path}.capacityBytes", now, size, immutable=size < now)
        if disk["encrypted"] != before["encrypted"]:
            yield Change(f"{path}.encrypted", before["encrypted"], disk["encrypted"], immutable=True)
    for name, disk in have.items():
        # What is on it would be lost: a person detaches it.
        yield Change(f"spec.disks[name={name}]", disk, None, immutable=True)


def _keys(wanted: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[Change]:
    settled = wanted.get(keys.DIGEST) == seen.get(keys.DIGEST)
    for name in sorted({*wanted, *seen}):
        before, after = seen.get(name), wanted.get(name)
        if before == after or (settled and _is_the_guests(name, wanted, seen)):
            continue
        yield Change(f"spec.extraConfig[{name}]", _shown(seen, name), _shown(wanted, name))


def _shown(told: Mapping[str, str], name: str) -> str | None:
    """A value as a person reads it."""
    if name not in told:
        return None
    return keys.decoded(told, name) if name in keys.CLOUD_INIT else told[name]


def _is_the_guests(name: str, wanted: Mapping[str, str], seen: Mapping[str, str]) -> bool:
    """Whether a difference in a key of cloud-init's is its own doing, while our digest is as it was.

    It writes what it knows of the machine into the metadata, and strikes out user data that it has read.
    """
    key = name.removesuffix(".encoding")
    if key not in keys.CLOUD_INIT:
        return False
    if key == "guestinfo.metadata" or seen.get(key, "") in keys.REDACTED:
        return key in wanted
    return keys.decoded(wanted, key) == keys.decoded(seen, key)
