"""The vSphere platform: its pure answers."""

from collections.abc import Iterator

from trimaran.action import Change, Health, Object, ObjectRef
from trimaran.platform.protocol import Edge, Made, Rendering
from trimaran.platform.vsphere import keys
from trimaran.platform.vsphere.difference import ON, differences, placement
from trimaran.platform.vsphere.losses import losses
from trimaran.platform.vsphere.machine import KIND, specification, user_data
from trimaran.spec.fleet import Target, VSphereTarget
from trimaran.spec.service import Service


class VSpherePlatform:
    """Renders one machine a replica, and compares machines with what is wanted."""

    def render(self, service: Service, target: str, settings: Target, made: Made) -> Rendering:
        assert isinstance(settings, VSphereTarget)  # noqa: S101 - the table's choice
        text = user_data(service, made)
        found = []
        for replica in range(service.spec.workload.replicas):
            document = specification(service, settings, made, replica, text)
            ref = ObjectRef(target, KIND, document["metadata"]["name"], settings.folder)
            found.append(Object(ref, document))
        return Rendering(tuple(found), losses(service, target, settings, made))

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return tuple(differences(wanted.document, seen.document))

    def judge(self, seen: Object) -> Health:
        """Ready when it is on and its tools run; where no tools are installed, when it is on."""
        status = seen.document.get("status", {})
        if status.get("connection") != "connected" or "power" not in status:
            return Health.UNKNOWN
        if status["power"] != ON or status.get("question"):
            return Health.FAILED
        waiting = status.get("tools") == "notRunning"
        return Health.PROGRESSING if waiting else Health.READY

    def wave(self, ref: ObjectRef) -> int:
        return 0

    def service_of(self, item: Object) -> str | None:
        """By the key that we wrote; a machine that was copied or renamed by hand is nobody's."""
        told = item.document.get("spec", {}).get("extraConfig", {})
        if told.get(keys.MACHINE) != item.ref.name:
            return None
        service: str | None = told.get(keys.SERVICE)
        return service or None

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return tuple(placement(wanted.document, seen.document))

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        """What each machine stands on: its host, datastores and networks, and what it was made from."""
        return tuple(sorted({edge for item in seen for edge in _edges(item)}))


def _edges(item: Object) -> Iterator[Edge]:
    status, spec = item.document.get("status", {}), item.document.get("spec", {})
    if status.get("host"):
        yield _edge(item, "HostSystem", status["host"], "status.host")
    for kind, field in (("Datastore", "datastores"), ("Network", "networks")):
        for name in status.get(field, ()):
            yield _edge(item, kind, name, f"status.{field}")
    if spec.get("template"):
        yield _edge(item, "Template", spec["template"], "spec.template")


def _edge(item: Object, kind: str, name: str, evidence: str) -> Edge:
    return Edge(item.ref, ObjectRef(item.ref.target, kind, name), evidence)
