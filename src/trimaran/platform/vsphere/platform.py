"""The vSphere platform: its four pure answers."""

from trimaran.action import Change, Health, Object, ObjectRef
from trimaran.platform.compare import changes
from trimaran.platform.protocol import Edge, Loss, Made, Rendering
from trimaran.platform.unit import unit_losses
from trimaran.platform.vsphere.machine import (
    GUEST_OVERHEAD_MB,
    cpus,
    memory_mb,
    specification,
    user_data,
)
from trimaran.spec.fleet import Target, VSphereTarget
from trimaran.spec.merge import setting
from trimaran.spec.service import Service, WorkloadType


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
        return Rendering(tuple(found), tuple(sorted(_losses(service, target, settings, made))))

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return tuple(changes(wanted.document, seen.document))

    def judge(self, seen: Object) -> Health:
        return Health.UNKNOWN

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        return ()


def _losses(service: Service, target: str, settings: VSphereTarget, made: Made) -> list[Loss]:
    spec = service.spec
    found = list(unit_losses(service, target))
    if not setting(service, settings, "template"):
        found.append(Loss(target, "overrides.vsphere.template", "none is named; a machine needs one"))
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
    for name in spec.volumes:
        found.append(Loss(target, f"volumes.{name}.mount", "the disk is attached, not formatted or mounted"))
        found.append(Loss(target, f"volumes.{name}.per", "every machine has a disk of its own"))
        found.append(Loss(target, f"volumes.{name}.encrypted", "preferred is taken as no"))
    found += _size_losses(service, target)
    return found


def _size_losses(service: Service, target: str) -> list[Loss]:
    resources = service.spec.resources
    found = []
    if resources.limits.memory or resources.requests.memory:
        reason = f"the machine has {memory_mb(service)} MB: {GUEST_OVERHEAD_MB} MB for its system, steps of 4"
        found.append(Loss(target, "resources.limits.memory", reason))
        found.append(Loss(target, "resources.requests.memory", reason))
    if resources.limits.cpu or resources.requests.cpu:
        reason = f"the machine has {cpus(service)} whole processors"
        found.append(Loss(target, "resources.limits.cpu", reason))
        found.append(Loss(target, "resources.requests.cpu", reason))
    return found
