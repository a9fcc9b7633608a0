"""Making, changing, restarting and removing machines; each verb can be done again after it broke off."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from trimaran.action import Action, Change, Json, Receipt, Verb, seen_digest
from trimaran.errors import TrimaranError, fail, printable
from trimaran.platform.vsphere import keys, reading, specs, tasks
from trimaran.platform.vsphere.client import Client, remaining
from trimaran.platform.vsphere.difference import ON, differences, wanted_power
from trimaran.platform.vsphere.inventory import Inventory, identity
from trimaran.platform.vsphere.policies import policy_id

SHUTDOWN_S = 60.0
"""How long a guest may take to end its programs before the machine is switched off: our choice."""

OFF = "poweredOff"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as it stands now: its object and properties in vCenter, its document, whether it is ours."""

    thing: Any
    values: Mapping[str, Any]
    document: Mapping[str, Json]
    is_ours: bool


Look = Callable[[Action], Machine | None]


class Changing:
    """The four verbs on one vCenter.

    Args:
        look: the machine in the place of an action's object, read anew.
    """

    def __init__(self, client: Client, inventory: Inventory, look: Look) -> None:
        self.client, self.inventory, self.look = client, inventory, look

    def apply(self, action: Action, deadline: float) -> Receipt:
        if remaining(deadline) <= 0:
            raise fail("TRM0747", f"{action.object}: no time was left to begin", "run it again")
        machine = self.look(action)
        if machine is not None and not machine.is_ours:
            what = f"{action.object} is there already, and Trimaran has not made it"
            raise fail("TRM0748", what, "rename or remove that machine, or name another folder in the fleet")
        match action.verb:
            case Verb.DELETE:
                return self._delete(action, machine, deadline)
            case Verb.CREATE if machine is None:
                return self._create(action, deadline)
        if machine is None:
            raise fail("TRM0752", f"{action.object} is not there", "plan again: it will be made")
        if action.verb is Verb.RESTART:
            return self._restart(action, machine, deadline)
        return self._update(action, machine, deadline)

    # -- making

    def _create(self, action: Action, deadline: float) -> Receipt:
        document = action.payload
        specs.check(document)
        profile = self._profile(document)
        folder = self.inventory.make_folder(action.object.scope)
        pool = self.inventory.pool(document["spec"].get("pool"))
        datastore = self.inventory.datastore(document["spec"].get("datastore"))
        what = f"make {action.object}"
        if document["spec"].get("template"):
            start = self._cloning(document, (folder, pool, datastore), profile)
        elif document["spec"].get("disk"):
            start = self._building(document, (folder, pool, datastore), profile)
        else:
            fix = "set template or disk in the target, or in the service's overrides"
            raise fail("TRM0753", f"{action.object} has neither a template nor a disk to be made from", fix)
        tasks.started(self.client, start, what, deadline)
        return self._finish(action, deadline)

    def _finish(self, action: Action, deadline: float) -> Receipt:
        """Switch on what was made or changed, and look whether it is as wanted."""
        machine = self._seen(action)
        power = wanted_power(action.payload)
        if power == ON and machine.document["status"]["power"] != ON:
            tasks.started(self.client, machine.thing.PowerOnVM_Task, f"switch on {action.object}", deadline)
            machine = self._seen(action)
        left = [each.path for each in differences(action.payload, machine.document)]
        if left:
            what = (
                f"{action.object}: vCenter said it was done, but these differ: {printable(', '.join(left))}"
            )
            raise fail("TRM0754", what, "plan again, and look at the machine in vCenter")
        return Receipt(changed=True, facts={"moref": identity(machine.thing)})

    def _cloning(self, document: Mapping[str, Json], where: tuple[Any, Any, Any], profile: str | None) -> Any:
        folder, pool, datastore = where
        template = self.inventory.template(document["spec"]["template"])
        values = self.client.properties(template, ["config.hardware", "config.extraConfig"])
        hardware = values.get("config.hardware")
        devices = specs.Devices(hardware.device if hardware else ())
        self._devices(document, devices, profile)
        spec = vim.vm.CloneSpec(
            location=vim.vm.RelocateSpec(pool=pool, datastore=datastore),
            config=specs.config(document, devices, profile, reading.extra_config(values)),
            powerOn=wanted_power(document) == ON,
            template=False,
        )
        name = document["metadata"]["name"]
        return lambda: template.CloneVM_Task(folder=folder, name=name, spec=spec)

    def _building(
        self, document: Mapping[str, Json], where: tuple[Any, Any, Any], profile: str | None
    ) -> Any:
        folder, pool, datastore = where
        devices = specs.Devices(())
        devices.add_child_of(document["spec"]["disk"], profile)
        self._devices(document, devices, profile)
        spec = specs.config(document, devices, profile, {})
        spec.name, spec.guestId = document["metadata"]["name"], "otherLinux64Guest"
        named = self.client.properties(datastore, ["name"])["name"]
        spec.files = vim.vm.FileInfo(vmPathName=f"[{named}]")
        return lambda: folder.CreateVM_Task(config=spec, pool=pool)

    def _devices(self, document: Mapping[str, Json], devices: specs.Devices, profile: str | None) -> None:
        for disk in document["spec"].get("disks", ()):
            devices.add_volume(disk, profile if disk["encrypted"] else None)
        if document["spec"].get("network"):
            devices.connect(specs.backing(*self.inventory.network(document["spec"]["network"])))

    def _profile(self, document: Mapping[str, Json]) -> str | None:
        """The id of the policy that encrypts. Raises TRM0749 when one is needed and none is named."""
        if not any(disk["encrypted"] for disk in document["spec"].get("disks", ())):
            return None
        name = document["spec"].get("encryptionPolicy")
        if not name:
            machine = document["metadata"]["name"]
            what = f"{machine} has a volume that must be encrypted, and the target names no policy"
            raise fail(
                "TRM0749", what, "set encryptionPolicy in the target to a storage policy that encrypts"
            )
        return policy_id(self.client, name)

    # -- changing

    def _update(self, action: Action, machine: Machine, deadline: float) -> Receipt:
        found = list(differences(action.payload, machine.document))
        if not found:
            return Receipt(changed=False)
        fixed = [each.path for each in found if each.immutable]
        if fixed:
            what = f"{action.object}: {printable(', '.join(fixed))} cannot be changed in place"
            raise fail("TRM0756", what, "remove the machine and ship again, or put the declaration back")
        if any(not each.path.startswith("status.") for each in found):
            specs.check(action.payload)
            if _needs_off(found, machine.values) or wanted_power(action.payload) != ON:
                machine = self._switched_off(action, machine, deadline)
            self._reconfigure(action, machine, deadline)
        elif wanted_power(action.payload) != ON:
            self._switched_off(action, machine, deadline)
        return self._finish(action, deadline)

    def _reconfigure(self, action: Action, machine: Machine, deadline: float) -> None:
        units = keys.pairs(reading.extra_config(machine.values).get(keys.UNITS, ""))
        devices = specs.Devices(machine.values["config.hardware"].device, units)
        network = action.payload["spec"].get("network")
        if network and network != machine.document["spec"].get("network"):
            devices.connect(specs.backing(*self.inventory.network(network)))
        new = {disk["name"] for disk in action.payload["spec"].get("disks", ())} - set(
            reading.volumes(machine.values)
        )
        profile = self._profile(action.payload) if new else None
        asked = specs.reconfiguration(action.payload, machine.values, devices, profile)
        self._reconfigured(machine.thing, asked, f"change {action.object}", deadline)

    def _reconfigured(self, thing: Any, asked: Any, what: str, deadline: float) -> None:
        """One ReconfigVM_Task, which vCenter refuses when somebody else was faster."""
        try:
            task = thing.ReconfigVM_Task(spec=asked)
        except vim.fault.ConcurrentAccess:
            raise _conflict(what) from None
        try:
            tasks.wait(self.client, task, what, deadline)
        except TrimaranError as error:
            if "ConcurrentAccess" in error.problems[0].what:
                raise _conflict(what) from None
            raise

    def _switched_off(self, action: Action, machine: Machine, deadline: float) -> Machine:
        """The machine, off, read again; its guest is asked to end first.

        Raises TRM0757 when it was changed meanwhile.
        """
        if machine.document["status"]["power"] == OFF:
            return machine
        if machine.document["status"]["tools"] == "running":
            self._ask_guest(machine.thing, min(SHUTDOWN_S, remaining(deadline) / 2))
        state = self.client.properties(machine.thing, ["runtime.powerState"])["runtime.powerState"]
        if str(state) != OFF:
            tasks.started(self.client, machine.thing.PowerOffVM_Task, f"switch off {action.object}", deadline)
        again = self._seen(action)
        if seen_digest(again.document) != seen_digest(machine.document):
            raise _conflict(f"change {action.object}")
        return again

    def _ask_guest(self, thing: Any, wait_s: float) -> None:
        try:
            thing.ShutdownGuest()
        except (
            vim.fault.ToolsUnavailable,
            vim.fault.InvalidState,
            vim.fault.TaskInProgress,
            vmodl.fault.NotSupported,
        ):
            return  # it is switched off then
        end = time.monotonic() + wait_s
        while remaining(end):
            if str(self.client.properties(thing, ["runtime.powerState"])["runtime.powerState"]) == OFF:
                return
            time.sleep(min(1.0, remaining(end)))

    def _restart(self, action: Action, machine: Machine, deadline: float) -> Receipt:
        """Off, marked, on: the mark tells a later run that it has been off for this action."""
        if reading.extra_config(machine.values).get(keys.RESTARTED) != action.key:
            off = self._switched_off(action, machine, deadline)
            asked = vim.vm.ConfigSpec(changeVersion=off.values.get("config.changeVersion"))
            asked.extraConfig = specs.options({keys.RESTARTED: action.key})
            self._reconfigured(off.thing, asked, f"restart {action.object}", deadline)
        elif machine.document["status"]["power"] == ON:
            return Receipt(changed=False)
        tasks.started(self.client, machine.thing.PowerOnVM_Task, f"switch on {action.object}", deadline)
        return Receipt(changed=True, facts={"moref": identity(machine.thing)})

    # -- removing

    def _delete(self, action: Action, machine: Machine | None, deadline: float) -> Receipt:
        if machine is None:
            return Receipt(changed=False)
        self._switched_off(action, machine, deadline)
        try:
            tasks.started(self.client, machine.thing.Destroy_Task, f"remove {action.object}", deadline)
        except vmodl.fault.ManagedObjectNotFound:
            return Receipt(changed=False)
        return Receipt(changed=True, facts={"moref": identity(machine.thing)})

    def _seen(self, action: Action) -> Machine:
        machine = self.look(action)
        if machine is None:
            raise fail("TRM0752", f"{action.object} is not there any more", "plan again: it will be made")
        return machine


def _needs_off(found: list[Change], values: Mapping[str, Any]) -> bool:
    """Whether a change takes effect only when the machine starts, or vSphere refuses it while it runs."""
    hardware = values["config.hardware"]
    for change in found:
        if change.path == "spec.numCPUs":
            hot = bool(values.get("config.cpuHotAddEnabled")) and change.after > hardware.numCPU
        elif change.path == "spec.memoryMB":
            hot = bool(values.get("config.memoryHotAddEnabled")) and change.after > hardware.memoryMB
        else:
            # cloud-init reads new user data when the machine starts.
            hot = change.path != f"spec.extraConfig[{keys.DIGEST}]"
        if not hot:
            return True
    return False


def _conflict(what: str) -> TrimaranError:
    text = f"{what}: somebody else changed the machine at the same time"
    return fail("TRM0757", text, "plan again, and look at what they changed")
