"""The OpenShift platform: the points in which it differs from Kubernetes. Pure."""

from typing import Any

from trimaran.action import Object
from trimaran.platform.kubernetes.head import head
from trimaran.platform.kubernetes.platform import KubernetesPlatform
from trimaran.platform.kubernetes.pod import Flavour
from trimaran.platform.openshift import template
from trimaran.platform.protocol import Loss
from trimaran.spec.fleet import ClusterTarget, OpenShiftTarget
from trimaran.spec.service import Route, Service, Tls


class OpenShiftPlatform(KubernetesPlatform):
    """The restricted SCC assigns the user, so the pod names none; the router serves Routes."""

    flavour = Flavour(fixed_user=False)

    def routes(self, service: Service, settings: ClusterTarget) -> list[dict[str, Any]]:
        return [
            _route(service, settings.namespace, name, route) for name, route in service.spec.routes.items()
        ]

    def route_losses(self, service: Service, target: str, settings: ClusterTarget) -> list[Loss]:
        return [
            Loss(
                target,
                f"routes.{name}.path",
                "TLS that is passed through hides the path; all paths are served",
            )
            for name, route in service.spec.routes.items()
            if route.tls is Tls.PASSTHROUGH and route.path != "/"
        ]

    def more(
        self, service: Service, target: str, settings: ClusterTarget, found: list[Object]
    ) -> list[Object]:
        assert isinstance(settings, OpenShiftTarget)  # noqa: S101 - the table's choice
        return template.written(service, target, settings, found)


def _route(service: Service, namespace: str, name: str, route: Route) -> dict[str, Any]:
    body: dict[str, Any] = {"host": route.host}
    if route.host.startswith("*."):
        # A Route's host has no asterisk: the policy says that all names of the domain are meant.
        body = {"host": f"wildcard{route.host.removeprefix('*')}", "wildcardPolicy": "Subdomain"}
    if route.path != "/" and route.tls is not Tls.PASSTHROUGH:
        body["path"] = route.path
    body["to"] = {"kind": "Service", "name": service.name, "weight": 100}
    body["port"] = {"targetPort": route.port}
    match route.tls:
        case Tls.EDGE:
            body["tls"] = {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
        case Tls.PASSTHROUGH:
            body["tls"] = {"termination": "passthrough"}
        case Tls.NONE:
            pass
    document = head(service, "route.openshift.io/v1", "Route", f"{service.name}-{name}", namespace)
    return {**document, "spec": body}
