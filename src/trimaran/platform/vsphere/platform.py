"""The vSphere platform: its four pure answers."""

from trimaran.action import Change, Health, Object, ObjectRef
from trimaran.platform.compare import changes
from trimaran.platform.losses import told
from trimaran.platform.protocol import Edge, Loss, Made, Rendering
from trimaran.platform.unit import unit_losses
from trimaran.platform.vsphere.machine import (
    GUEST_OVERHEAD_MB,
    MEMORY_STEP_MB,
    cpus,
    memory_mb,
    specification,
    user_data,
)
from trimaran.spec.fleet import Target, VSphereTarget
from trimaran.spec.merge import setting
from trimaran.spec.service import Encrypted, Service, WorkloadType


class VSpherePlatform:
    """Renders machine specifications; their delivery is not part of this release."""

    def render(self, service: Service, target: str, settings: Target, made: Made) -> Rendering:
        assert isinstance(settings, VSphereTarget)  # noqa: S101 - the table's choice
        data = user_data(service, made)
        found = []
        for replica in range(service.spec.workload.replicas):
            document = specification(service, settings, made, replica, data)
            ref = ObjectRef(target, "VirtualMachine", document["metadata"]["name"], settings.folder)
            found.append(Object(ref, document))
        return Rendering(tuple(found), _told(service, target, settings, made))

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return tuple(changes(wanted.document, seen.document))

    def judge(self, seen: Object) -> Health:
        return Health.UNKNOWN

    def wave(self, ref: ObjectRef) -> int:
        return 0

    def service_of(self, item: Object) -> str | None:
        labels = item.document["metadata"].get("labels", {})
        service: str | None = labels.get("trimaran.dev/service")
        return service

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return ()

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        return ()


def _told(service: Service, target: str, settings: VSphereTarget, made: Made) -> tuple[Loss, ...]:
    found = told(service, _losses(service, target, made))
    if setting(service, settings, "template"):
        return found
    # Told though it is not declared: without one there is no machine at all.
    return (*found, Loss(target, "overrides.vsphere.template", "none is named; a machine needs one"))


def _losses(service: Service, target: str, made: Made) -> list[Loss]:
    spec = service.spec
    found = list(unit_losses(service, target))
    if spec.image:
        found.append(Loss(target, "image", "a machine runs a program, not an image; its unit has no program"))
    else:
        source = "build" if spec.build else "binary"
        found.append(Loss(target, source, f"nothing here brings {made.program} onto the machine"))
    found += [
        Loss(target, f"routes.{name}", "a machine has no ingress; point a load balancer at it")
        for name in spec.routes
    ]
    if spec.scaling:
        reason = f"the number of machines stays {spec.workload.replicas}"
        found.append(Loss(target, "scaling", reason))
    if spec.workload.type not in (WorkloadType.SERVICE, WorkloadType.WORKER):
        found.append(Loss(target, "workload.type", f"a {spec.workload.type} runs as a service"))
    if spec.workload.cron:
        found.append(Loss(target, "workload.cron", "the schedule is not rendered"))
    return [*found, *_volume_losses(service, target), *_size_losses(service, target)]


def _volume_losses(service: Service, target: str) -> list[Loss]:
    found = []
    for name, volume in service.spec.volumes.items():
        found.append(Loss(target, f"volumes.{name}.mount", "the disk is attached, not formatted or mounted"))
        if volume.per == "service":
            found.append(Loss(target, f"volumes.{name}.per", "every machine has a disk of its own"))
        if volume.encrypted is Encrypted.PREFERRED:
            found.append(Loss(target, f"volumes.{name}.encrypted", "preferred is taken as no"))
    return found


def _size_losses(service: Service, target: str) -> list[Loss]:
    """The unit keeps limits to the byte; what is requested only sizes the machine, in its steps."""
    requests, limits = service.spec.resources.requests, service.spec.resources.limits
    found = []
    for name in ("cpu", "memory"):
        if getattr(requests, name) and getattr(limits, name):
            reason = "the machine is sized by the limit, and nothing is reserved"
            found.append(Loss(target, f"resources.requests.{name}", reason))
    if requests.cpu and not limits.cpu and requests.cpu.milli % 1000:
        reason = f"the machine has whole processors: {cpus(service)}"
        found.append(Loss(target, "resources.requests.cpu", reason))
    if requests.memory and not limits.memory and requests.memory.count % (MEMORY_STEP_MB * 2**20):
        reason = f"rounded up to {memory_mb(service)} MB with {GUEST_OVERHEAD_MB} MB for the machine's system"
        found.append(Loss(target, "resources.requests.memory", reason))
    return found
