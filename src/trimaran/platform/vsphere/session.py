"""A vCenter as a target: looking at machines, and having them changed."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

from pyVmomi import vim

from trimaran.action import (
    Action,
    Gap,
    Landed,
    Object,
    ObjectRef,
    Observation,
    Receipt,
    Scope,
    Snapshot,
    Stream,
    Verb,
)
from trimaran.errors import fail, printable
from trimaran.platform.host.dialling import TcpStream
from trimaran.platform.protocol import Access
from trimaran.platform.vsphere import keys, reading, tasks
from trimaran.platform.vsphere.changing import Changing, Machine
from trimaran.platform.vsphere.client import Client
from trimaran.platform.vsphere.difference import ON, differences, wanted_power
from trimaran.platform.vsphere.inventory import Inventory, Survey, identity
from trimaran.platform.vsphere.machine import KIND
from trimaran.platform.vsphere.platform import VSpherePlatform
from trimaran.spec.fleet import Target, VSphereTarget

DIAL_S = 5.0
EVENTS = 50
"""How many of vCenter's newest events a snapshot keeps."""

_MAKING = {"VirtualMachine.clone", "VirtualMachine.cloneVm", "Folder.createVm", "Folder.createVM"}


def open_session(target: str, settings: Target, access: Access) -> "VSphereSession":
    """A session with a vCenter, which is asked only when it is needed."""
    assert isinstance(settings, VSphereTarget)  # noqa: S101 - the table's choice
    return VSphereSession(target, settings, access)


class VSphereSession:
    """The machines of one target's folder.

    Args:
        client: the connection to vCenter; without it one is made of the settings.
    """

    def __init__(
        self, target: str, settings: VSphereTarget, access: Access, client: Client | None = None
    ) -> None:
        self.target, self.settings, self.clock = target, settings, access.clock
        self.client = client or Client(target, settings, access.resolve)
        self.inventory = Inventory(self.client)
        self.changing = Changing(self.client, self.inventory, self._look)
        self._platform = VSpherePlatform()

    # -- looking

    def observe(self, scope: Scope) -> Observation:
        """Our machines in the folder, or those that are named, in one round a folder."""
        seen: list[Object] = []
        gaps: list[Gap] = []
        named = {ref for ref in scope.refs or scope.also if ref.kind == KIND}
        folders = {ref.scope for ref in named} | (set() if scope.refs else {self.settings.folder})
        with self.client.speaking():
            for folder in sorted(folders):
                names = {ref.name for ref in named if ref.scope == folder}
                only = names.pop() if scope.refs and len(names) == 1 else None
                for ref, found in self._machines(folder, only):
                    if isinstance(found, Gap):
                        gaps.append(found)
                        continue
                    service = self._platform.service_of(found)
                    wanted = not scope.refs and service is not None and scope.service in (None, service)
                    if wanted or ref in named:
                        seen.append(found)
        if scope.refs:
            gaps = [gap for gap in gaps if gap.hides in named]
        return Observation(tuple(seen), tuple(gaps), self.clock())

    def _machines(self, folder: str, only: str | None) -> Iterator[tuple[ObjectRef, Object | Gap]]:
        survey = self.inventory.survey(folder, only)
        for name, (thing, values) in sorted(survey.machines.items()):
            ref = ObjectRef(self.target, KIND, name, folder)
            if values.get("config.template"):
                continue
            if "config.hardware" not in values:
                state = str(values.get("runtime.connectionState", "not told"))
                reason = f"vCenter does not know its configuration (connection: {state})"
                yield ref, Gap(printable(str(ref)), reason, hides=ref)
            else:
                yield ref, self._object(ref, thing, values, survey)

    def _object(self, ref: ObjectRef, thing: Any, values: dict[str, Any], survey: Survey) -> Object:
        document = reading.document(ref.name, values, survey, self.settings.datacenter, ref.scope)
        return Object(ref, document, reading.live(thing, values))

    def _look(self, action: Action) -> Machine | None:
        """The machine in the place of the action's object, as it stands now."""
        ref = action.object
        if ref.kind != KIND:
            what = f"a vCenter's folder has no objects of kind {printable(ref.kind)}"
            raise fail("TRM0758", what, "plan again for this target")
        survey = self.inventory.survey(ref.scope, ref.name)
        if ref.name not in survey.machines:
            return None
        thing, values = survey.machines[ref.name]
        if "config.hardware" not in values:
            what = f"{ref}: vCenter does not know its configuration"
            raise fail("TRM0759", what, "wait until it is made, or its host is back, and run it again")
        found = self._object(ref, thing, values, survey)
        return Machine(thing, values, found.document, self._platform.service_of(found) is not None)

    def landed(self, action: Action) -> Landed:
        """By what stands in the folder and what runs there; a task that still runs may yet end either way."""
        with self.client.speaking():
            machine = self._look(action)
            if machine is None:
                if action.verb is Verb.CREATE and self._is_being_made(action):
                    return Landed.UNKNOWN
                return Landed.YES if action.verb is Verb.DELETE else Landed.NO
            making = action.verb is Verb.CREATE and self._is_being_made(action)
            if making or tasks.running(self.client, machine.thing):
                return Landed.UNKNOWN
            if action.verb is Verb.DELETE:
                return Landed.NO
            if action.verb is Verb.RESTART:
                mark = reading.extra_config(machine.values).get(keys.RESTARTED)
                return _answer(mark == action.key and machine.document["status"]["power"] == ON)
            return self._as_wanted(action, machine)

    def _as_wanted(self, action: Action, machine: Machine) -> Landed:
        left = [each.path for each in differences(action.payload, machine.document)]
        if left != ["status.power"] or wanted_power(action.payload) != ON:
            return _answer(not left)
        # Changed and not yet switched on: the next plan sees that it is off. A start that failed is told.
        last = [task for task in tasks.recent(self.client, machine.thing) if _is(task, "poweron")][-1:]
        return _answer(not any(str(task.get("info.state")) == "error" for task in last))

    def _is_being_made(self, action: Action) -> bool:
        """Whether a machine is being made now that may become this one: vCenter does not tell its name.

        A clone's task is the template's, any other the folder's.
        """
        folder, template = self.inventory.folder(action.object.scope), action.payload["spec"].get("template")
        origins = [folder, self.inventory.template(template) if template else None]
        ids = {identity(each) for each in origins if each is not None}
        started = tasks.running(self.client, self.client.content.taskManager)
        return any(
            task.get("info.descriptionId") in _MAKING and identity(task["info.entity"]) in ids
            for task in started
            if task.get("info.entity") is not None
        )

    # -- changing

    def apply(self, action: Action, fence: int, deadline: float) -> Receipt:
        """Do `action`; doing it again changes nothing.

        vCenter keeps no fence. What protects it is that a change names the version of the machine that it was
        made for, and that vCenter refuses it under another.

        Raises TRM0740 to TRM0759.
        """
        with self.client.speaking():
            return self.changing.apply(action, deadline)

    # -- asking

    def snapshot(self, scope: Scope, deadline: float) -> Snapshot:
        """For each machine its state, and the newest events of the folder."""
        if time.monotonic() >= deadline:
            return Snapshot({}, (Gap(self.target, "no time was left to look"),), self.clock())
        seen = self.observe(scope)
        texts = {
            f"{item.ref.name} status": json.dumps(item.document["status"], indent=2, sort_keys=True)
            for item in seen.objects
        }
        with self.client.speaking():
            texts["events"] = "\n".join(self._events())
        return Snapshot(texts, seen.gaps, self.clock())

    def _events(self) -> list[str]:
        folder = self.inventory.folder(self.settings.folder)
        if folder is None:
            return []
        by = vim.event.EventFilterSpec.ByEntity(entity=folder, recursion="all")
        events = self.client.content.eventManager.QueryEvents(vim.event.EventFilterSpec(entity=by))
        newest = sorted(events, key=lambda each: each.createdTime)[-EVENTS:]
        return [
            printable(
                f"{each.createdTime.isoformat()} {each.userName or '-'} {each.fullFormattedMessage or ''}"
            )
            for each in newest
        ]

    def dial(self, ref: ObjectRef, port: int) -> Stream:
        """A TCP connection to the machine's address as its tools tell it. Raises TRM0759 when they do not."""
        seen = self.observe(Scope(self.target, refs=(ref,)))
        address = next((item.document["status"].get("ip") for item in seen.objects), None)
        if not address:
            what = f"{ref}: its address is not known"
            raise fail(
                "TRM0759", what, "install open-vm-tools in the template; they tell vCenter the address"
            )
        try:
            return TcpStream(socket.create_connection((address, port), DIAL_S))
        except OSError as broken:
            what = f"{address}:{port}: {broken.strerror or broken}"
            raise fail(
                "TRM0759", what, "look at the service on the machine, and at what is between"
            ) from None


def _answer(yes: bool) -> Landed:
    return Landed.YES if yes else Landed.NO


def _is(task: dict[str, Any], word: str) -> bool:
    return word in str(task.get("info.descriptionId", "")).lower()
