"""The Kubernetes platform: its four pure answers."""

from typing import Any

from trimaran.action import Change, Health, Object, ObjectRef
from trimaran.platform.compare import changes
from trimaran.platform.kubernetes import objects, pod
from trimaran.platform.kubernetes.edges import edges
from trimaran.platform.losses import told
from trimaran.platform.protocol import Edge, Loss, Made, Rendering
from trimaran.spec.fleet import KubernetesTarget, OpenShiftTarget, Target
from trimaran.spec.service import Service


class KubernetesPlatform:
    """Renders for any conformant cluster; OpenShift overrides the two points in which it differs."""

    flavour = pod.Flavour(fixed_user=True)

    def render(self, service: Service, target: str, settings: Target, made: Made) -> Rendering:
        assert isinstance(settings, KubernetesTarget | OpenShiftTarget)  # noqa: S101 - the table's choice
        namespace = settings.namespace
        config = objects.config_map(service, namespace)
        template = pod.template(service, made, self.flavour, config["metadata"]["name"] if config else None)
        documents = [
            objects.service_account(service, namespace),
            config,
            objects.workload(service, namespace, template),
            objects.autoscaler(service, namespace),
            objects.cluster_service(service, namespace),
            *self.routes(service, namespace),
        ]
        found = tuple(_object(target, document) for document in documents if document is not None)
        losses = [
            *pod.losses(service, target, made),
            *objects.scaling_losses(service, target),
            *self.route_losses(service, target),
        ]
        return Rendering(found, told(service, losses))

    def routes(self, service: Service, namespace: str) -> list[dict[str, Any]]:
        """The objects that let clients in from outside."""
        return [
            objects.ingress(service, namespace, name, route) for name, route in service.spec.routes.items()
        ]

    def route_losses(self, service: Service, target: str) -> list[Loss]:
        """What those objects do not express."""
        return objects.ingress_losses(service, target)

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return tuple(changes(wanted.document, seen.document, exact="status" not in seen.document))

    def judge(self, seen: Object) -> Health:
        status = seen.document.get("status")
        if seen.ref.kind != "Deployment":
            return Health.READY if status is None else Health.UNKNOWN
        if status is None:
            return Health.UNKNOWN
        if status.get("observedGeneration", 0) < seen.document["metadata"].get("generation", 1):
            return Health.PROGRESSING
        conditions = {each["type"]: each for each in status.get("conditions", ())}
        if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
            return Health.FAILED
        wanted = seen.document["spec"].get("replicas", 1)
        enough = status.get("updatedReplicas", 0) >= wanted and status.get("availableReplicas", 0) >= wanted
        return Health.READY if enough else Health.PROGRESSING

    def wave(self, ref: ObjectRef) -> int:
        return 0

    def service_of(self, item: Object) -> str | None:
        labels = item.document["metadata"].get("labels", {})
        ours = labels.get("app.kubernetes.io/managed-by") == "trimaran"
        service: str | None = labels.get("app.kubernetes.io/name") if ours else None
        return service

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return ()

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        return edges(seen)


def _object(target: str, document: dict[str, Any]) -> Object:
    metadata = document["metadata"]
    return Object(ObjectRef(target, document["kind"], metadata["name"], metadata["namespace"]), document)
