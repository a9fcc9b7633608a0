"""The Kubernetes platform: its four pure answers."""

from typing import Any

from trimaran.action import Change, Health, Object, ObjectRef
from trimaran.facts import cluster_kinds
from trimaran.platform.kubernetes import monitoring, network, objects, pod, replicas, secrets, storage
from trimaran.platform.kubernetes.diff import diff
from trimaran.platform.kubernetes.edges import edges
from trimaran.platform.kubernetes.judge import judge
from trimaran.platform.kubernetes.untouched import left_alone
from trimaran.platform.losses import told
from trimaran.platform.protocol import Edge, Loss, Made, Rendering
from trimaran.spec.fleet import ClusterTarget, KubernetesTarget, OpenShiftTarget, Target
from trimaran.spec.service import Service


class KubernetesPlatform:
    """Renders for any conformant cluster; OpenShift overrides the points in which it differs."""

    flavour = pod.Flavour(fixed_user=True)

    def render(self, service: Service, target: str, settings: Target, made: Made) -> Rendering:
        assert isinstance(settings, KubernetesTarget | OpenShiftTarget)  # noqa: S101 - the table's choice
        storage.check(service, target, settings)
        namespace = settings.namespace
        config = objects.config_map(service, namespace)
        name = config["metadata"]["name"] if config else None
        template = pod.template(service, made, self.flavour, settings, name)
        documents = [
            objects.service_account(service, namespace),
            config,
            *objects.claims(service, settings),
            objects.external_secret(service, settings),
            network.cluster_service(service, namespace),
            objects.workload(service, settings, template),
            replicas.autoscaler(service, namespace),
            replicas.disruption_budget(service, namespace),
            network.network_policy(service, namespace),
            *self.routes(service, settings),
            *monitoring.documents(service, settings),
        ]
        found = [_object(target, document) for document in documents if document is not None]
        losses = [
            *pod.losses(service, target, made),
            *secrets.losses(service, target, settings),
            *storage.losses(service, target, settings),
            *replicas.losses(service, target),
            *monitoring.losses(service, target, settings),
            *self.route_losses(service, target, settings),
        ]
        return Rendering((*found, *self.more(service, target, settings, found)), told(service, losses))

    def routes(self, service: Service, settings: ClusterTarget) -> list[dict[str, Any]]:
        """The objects that let clients in from outside."""
        gateway = getattr(settings, "gateway", None)
        if gateway is not None:
            return [
                network.http_route(service, settings.namespace, name, gateway) for name in service.spec.routes
            ]
        return [
            network.ingress(service, settings.namespace, name, route)
            for name, route in service.spec.routes.items()
        ]

    def route_losses(self, service: Service, target: str, settings: ClusterTarget) -> list[Loss]:
        """What those objects do not express."""
        gateway = getattr(settings, "gateway", None)
        if gateway is not None:
            return network.http_route_losses(service, target, gateway)
        return network.ingress_losses(service, target)

    def more(
        self, service: Service, target: str, settings: ClusterTarget, found: list[Object]
    ) -> list[Object]:
        """What is written to files beside the objects that are `found`, and never applied."""
        return []

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return diff(wanted, seen)

    def judge(self, seen: Object) -> Health:
        return judge(seen)

    def wave(self, ref: ObjectRef) -> int:
        kind = cluster_kinds().get(ref.kind)
        return kind.wave if kind else 0

    def service_of(self, item: Object) -> str | None:
        labels = item.document["metadata"].get("labels", {})
        ours = labels.get("app.kubernetes.io/managed-by") == "trimaran"
        service: str | None = labels.get("app.kubernetes.io/name") if ours else None
        return service

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return left_alone(wanted, seen)

    def edges(self, seen: tuple[Object, ...]) -> tuple[Edge, ...]:
        return edges(seen)


def _object(target: str, document: dict[str, Any]) -> Object:
    metadata = document["metadata"]
    return Object(ObjectRef(target, document["kind"], metadata["name"], metadata["namespace"]), document)
