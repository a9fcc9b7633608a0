"""Where things are in a vCenter: from names to objects, or a clear error that lists the near names."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim, vmodl

from trimaran.errors import TrimaranError, fail, printable
from trimaran.platform.vsphere.client import Client, filter_spec, object_spec, step

_ESCAPED = {"%": "%25", "/": "%2f", "\\": "%5c"}
"""How vCenter writes these characters in names (vSphere API, ManagedEntity.name)."""

MACHINE = (
    "name",
    "config.changeVersion",
    "config.extraConfig",
    "config.hardware",
    "config.instanceUuid",
    "config.files.vmPathName",
    "config.template",
    "config.cpuHotAddEnabled",
    "config.memoryHotAddEnabled",
    "runtime.powerState",
    "runtime.connectionState",
    "runtime.bootTime",
    "runtime.host",
    "runtime.question",
    "guest.toolsRunningStatus",
    "guest.toolsVersionStatus2",
    "guest.toolsStatus",
    "guest.ipAddress",
    "datastore",
    "network",
    "resourcePool",
    "recentTask",
)
"""What is read of every machine, all in one round."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look at a folder has shown.

    Args:
        folder: None when it does not exist.
        machines: name → the machine and its properties.
        names: the names of hosts, datastores and networks, by their ids; of resource pools their paths.
    """

    folder: Any
    machines: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def escaped(name: str) -> str:
    """A name as vCenter keeps it."""
    return "".join(_ESCAPED.get(letter, letter) for letter in name)


def plain(name: str) -> str:
    """A name as people write it."""
    for letter, code in reversed(_ESCAPED.items()):
        name = name.replace(code, letter).replace(code.upper(), letter)
    return name


def identity(thing: Any) -> str:
    """The id that vCenter gave an object, such as vm-42."""
    found: str = thing._moId  # noqa: SLF001 - pyVmomi has no other name for it
    return found


class Inventory:
    """The objects of one datacenter by their names."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._datacenter: Any = None

    def by_path(self, *parts: str) -> Any:
        """The object at a path from the root; None when there is none."""
        return self.client.content.searchIndex.FindByInventoryPath("/".join(escaped(part) for part in parts))

    @property
    def datacenter(self) -> Any:
        """Raises TRM0745 with near names when it does not exist."""
        if self._datacenter is None:
            name = self.client.settings.datacenter
            found = self.by_path(*_parts(name))
            if not isinstance(found, vim.Datacenter):
                raise self._missing("datacenter", name, self._names(vim.Datacenter))
            self._datacenter = found
        return self._datacenter

    def folder(self, path: str) -> Any:
        """The folder below the datacenter's own folder of machines; None when it does not exist."""
        _ = self.datacenter
        found = self.by_path(*_parts(self.client.settings.datacenter), "vm", *_parts(path))
        return found if isinstance(found, vim.Folder) else None

    def make_folder(self, path: str) -> Any:
        """The folder, made with those above it when they are missing; another run may make it meanwhile."""
        here = self.client.properties(self.datacenter, ["vmFolder"])["vmFolder"]
        done: list[str] = []
        for part in _parts(path):
            done.append(part)
            found = self.folder("/".join(done))
            if found is None:
                try:
                    found = here.CreateFolder(part)  # vCenter escapes it
                except vim.fault.DuplicateName as other:
                    found = other.object
            here = found
        return here

    def survey(self, path: str, only: str | None = None) -> Survey:
        """The machines of a folder in one round of the property collector, however many there are.

        Args:
            only: the name of the one machine to look at; without it all.
        """
        folder = self.folder(path)
        if folder is None:
            return Survey(None)
        if only is None:
            return self._survey(folder, object_spec(folder, step(vim.Folder, "childEntity")))
        machine = self.by_path(*_parts(self.client.settings.datacenter), "vm", *_parts(path), only)
        if not isinstance(machine, vim.VirtualMachine):
            return Survey(folder)
        try:
            return self._survey(folder, object_spec(machine, skip=False))
        except vmodl.fault.ManagedObjectNotFound:
            return Survey(folder)  # removed between the two questions

    def _survey(self, folder: Any, start: Any) -> Survey:
        kinds: list[tuple[Any, tuple[str, ...]]] = [(vim.VirtualMachine, MACHINE)]
        kinds += [(kind, ("name",)) for kind in (vim.Network, vim.Datastore, vim.HostSystem)]
        kinds += [(vim.ComputeResource, ("name",)), (vim.ResourcePool, ("name", "parent"))]
        found = Survey(folder)
        parents: dict[str, str] = {}
        for thing, values in self.client.retrieve([filter_spec(kinds, [start, self._surroundings()])]):
            name = plain(values.get("name", ""))
            if isinstance(thing, vim.VirtualMachine):
                found.machines[name] = (thing, values)
                continue
            found.names[identity(thing)] = name
            if isinstance(thing, vim.ResourcePool) and "parent" in values:
                parents[identity(thing)] = identity(values["parent"])
        plain_names = dict(found.names)
        found.names.update({pool: _pool_path(pool, parents, plain_names) for pool in parents})
        return found

    def _surroundings(self) -> Any:
        steps = [step(vim.Datacenter, path) for path in ("network", "datastore")]
        hosts = step(vim.ComputeResource, "host")
        deeper = step(vim.ResourcePool, "resourcePool", "pools below", name="pools below")
        pools = step(vim.ComputeResource, "resourcePool", deeper)
        within = step(vim.Folder, "childEntity", "hosts below", hosts, pools, name="hosts below")
        return object_spec(self.datacenter, *steps, step(vim.Datacenter, "hostFolder", within))

    def template(self, name: str) -> Any:
        """A template or machine by its path below the datacenter's machines, or by its name anywhere there.

        Raises TRM0745 with near names when there is none.
        """
        dc = _parts(self.client.settings.datacenter)
        found = self.by_path(*dc, "vm", *_parts(name))
        if isinstance(found, vim.VirtualMachine):
            return found
        all_of_them = dict(self._machines())
        if name not in all_of_them:
            raise self._missing("template", name, all_of_them)
        return all_of_them[name]

    def _machines(self) -> Iterator[tuple[str, Any]]:
        within = step(vim.Folder, "childEntity", "below", name="below")
        start = object_spec(self.datacenter, step(vim.Datacenter, "vmFolder", within))
        for thing, values in self.client.retrieve([filter_spec([(vim.VirtualMachine, ("name",))], [start])]):
            yield plain(values.get("name", "")), thing

    def pool(self, name: str | None) -> Any:
        """The resource pool, or the root pool of the first host or cluster by name."""
        dc = _parts(self.client.settings.datacenter)
        if name:
            found = self.by_path(*dc, "host", *_parts(name))
            if not isinstance(found, vim.ResourcePool):
                raise self._missing("resource pool", name, self._pools())
            return found
        pools = self._pools()
        if not pools:
            raise self._missing("resource pool", "any", ())
        return pools[min(pools)]

    def _pools(self) -> dict[str, Any]:
        within = step(vim.Folder, "childEntity", "below", name="below")
        start = object_spec(self.datacenter, step(vim.Datacenter, "hostFolder", within))
        kinds = [(vim.ComputeResource, ("name", "resourcePool"))]
        return {
            f"{plain(values['name'])}/Resources": values["resourcePool"]
            for _, values in self.client.retrieve([filter_spec(kinds, [start])])
            if "resourcePool" in values
        }

    def datastore(self, name: str | None) -> Any:
        """The datastore, or the first one by name that can be written to."""
        found = self._of(
            vim.Datastore, "datastore", ("name", "summary.accessible", "summary.maintenanceMode")
        )
        if name:
            if name not in found:
                raise self._missing("datastore", name, found)
            return found[name][0]
        usable = [
            each
            for each, (_, values) in found.items()
            if values.get("summary.accessible")
            and values.get("summary.maintenanceMode", "normal") == "normal"
        ]
        if not usable:
            raise self._missing("datastore", "any that can be written to", found)
        return found[min(usable)][0]

    def network(self, name: str) -> tuple[Any, dict[str, Any]]:
        """The network and what a card needs to know of it."""
        found = self._of(vim.Network, "network", ("name",))
        if name not in found:
            raise self._missing("network", name, found)
        thing, values = found[name]
        if isinstance(thing, vim.dvs.DistributedVirtualPortgroup):
            values = values | self.client.properties(thing, ["key", "config.distributedVirtualSwitch"])
            switch = values["config.distributedVirtualSwitch"]
            values["uuid"] = self.client.properties(switch, ["uuid"])["uuid"]
        elif isinstance(thing, vim.OpaqueNetwork):
            values = values | self.client.properties(thing, ["summary"])
        return thing, values

    def _of(self, kind: Any, path: str, names: Iterable[str]) -> dict[str, tuple[Any, dict[str, Any]]]:
        start = object_spec(self.datacenter, step(vim.Datacenter, path))
        found = self.client.retrieve([filter_spec([(kind, tuple(names))], [start])])
        return {plain(values.get("name", "")): (thing, values) for thing, values in found}

    def _names(self, kind: Any) -> list[str]:
        root = self.client.content.rootFolder
        start = object_spec(root, step(vim.Folder, "childEntity", "below", name="below"))
        found = self.client.retrieve([filter_spec([(kind, ("name",))], [start])])
        return [plain(values.get("name", "")) for _, values in found]

    def _missing(self, what: str, name: str, there: Iterable[str]) -> TrimaranError:
        return missing(self.client.target, what, name, there)


def missing(target: str, what: str, name: str, there: Iterable[str]) -> TrimaranError:
    """The error for a name of the fleet's that vCenter does not know."""
    names = sorted(there)
    near = difflib.get_close_matches(name, names, 3, 0.5) or names[:5]
    known = ", ".join(printable(each) for each in near) or "none that this user may see"
    text = f"the target {target} names the {what} {printable(name)!r}, and vCenter has none of that name"
    return fail("TRM0745", text, f"mend the fleet; there are: {known}")


def _pool_path(pool: str, parents: dict[str, str], names: dict[str, str]) -> str:
    path = [names[pool]]
    while (pool := parents.get(pool, "")) in names and len(path) < 16:
        path.append(names[pool])
    return "/".join(reversed(path))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
