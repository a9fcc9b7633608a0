"""What a machine does not express of a declaration. Pure."""

from trimaran.platform.losses import told
from trimaran.platform.protocol import Loss, Made
from trimaran.platform.unit import unit_losses
from trimaran.platform.vsphere.machine import GUEST_OVERHEAD_MB, MEMORY_STEP_MB, cpus, memory_mb, source
from trimaran.spec.fleet import VSphereTarget
from trimaran.spec.service import Encrypted, Service, WorkloadType


def losses(service: Service, target: str, settings: VSphereTarget, made: Made) -> tuple[Loss, ...]:
    """Everything that is lost of `service` on a vSphere target, sorted."""
    found = told(service, _of_service(service, target, settings, made))
    if any(source(service, settings).values()):
        return found
    # Told though it is not declared: without one there is no machine at all.
    return (
        *found,
        Loss(target, "overrides.vsphere.template", "neither it nor a disk is named; a machine needs one"),
    )


def _of_service(service: Service, target: str, settings: VSphereTarget, made: Made) -> list[Loss]:
    spec = service.spec
    found = list(unit_losses(service, target))
    if spec.image:
        found.append(Loss(target, "image", "a machine runs a program, not an image; its unit has no program"))
    else:
        field = "build" if spec.build else "binary"
        found.append(Loss(target, field, f"nothing here brings {made.program} onto the machine"))
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
    return [*found, *_of_volumes(service, target, settings), *_of_size(service, target)]


def _of_volumes(service: Service, target: str, settings: VSphereTarget) -> list[Loss]:
    found = []
    for name, volume in service.spec.volumes.items():
        found.append(Loss(target, f"volumes.{name}.mount", "the disk is attached, not formatted or mounted"))
        if volume.per == "service":
            found.append(Loss(target, f"volumes.{name}.per", "every machine has a disk of its own"))
        if volume.encrypted is Encrypted.PREFERRED:
            found.append(Loss(target, f"volumes.{name}.encrypted", "preferred is taken as no"))
        if volume.encrypted is Encrypted.REQUIRED and not settings.encryption_policy:
            reason = "the target names no encryptionPolicy; the machine is not made"
            found.append(Loss(target, f"volumes.{name}.encrypted", reason))
    return found


def _of_size(service: Service, target: str) -> list[Loss]:
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
