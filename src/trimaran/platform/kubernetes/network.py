"""How clients reach the pods, and who may: Service, NetworkPolicy, Ingress, HTTPRoute. Pure."""

from typing import Any

from trimaran.platform.kubernetes.head import head, selector
from trimaran.platform.protocol import Loss
from trimaran.spec.fleet import Gateway
from trimaran.spec.service import Route, Service, Tls, WorkloadType


def cluster_service(service: Service, namespace: str) -> dict[str, Any] | None:
    """The Service in front of the pods; None when no port is declared."""
    if not service.spec.ports:
        return None
    ports = [
        {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
        for name, port in service.spec.ports.items()
    ]
    document = head(service, "v1", "Service", service.name, namespace)
    body: dict[str, Any] = {"selector": selector(service), "ports": ports}
    if service.spec.workload.type is WorkloadType.STATEFUL:
        body = {"clusterIP": "None", **body}
    return {**document, "spec": body}


def network_policy(service: Service, namespace: str) -> dict[str, Any]:
    """Traffic comes in at the declared ports alone; what goes out is open.

    A declaration says which ports a service has, and nothing of whom it calls: a rule for that would be a
    guess that breaks the service.
    """
    body: dict[str, Any] = {"podSelector": {"matchLabels": selector(service)}, "policyTypes": ["Ingress"]}
    if service.spec.ports:
        ports = [{"port": port, "protocol": "TCP"} for port in service.spec.ports.values()]
        body["ingress"] = [{"ports": ports}]
    document = head(service, "networking.k8s.io/v1", "NetworkPolicy", service.name, namespace)
    return {**document, "spec": body}


def ingress(service: Service, namespace: str, name: str, route: Route) -> dict[str, Any]:
    """An Ingress for one route; TLS at the edge with the Secret `SERVICE-ROUTE-tls`."""
    full = f"{service.name}-{name}"
    backend = {"service": {"name": service.name, "port": {"name": route.port}}}
    rule = {
        "host": route.host,
        "http": {"paths": [{"path": route.path, "pathType": "Prefix", "backend": backend}]},
    }
    body: dict[str, Any] = {"rules": [rule]}
    if route.tls is Tls.EDGE:
        body = {"tls": [{"hosts": [route.host], "secretName": f"{full}-tls"}], **body}
    return {**head(service, "networking.k8s.io/v1", "Ingress", full, namespace), "spec": body}


def ingress_losses(service: Service, target: str) -> list[Loss]:
    """What an Ingress does not express of the routes."""
    found = []
    for name, route in service.spec.routes.items():
        if route.tls is Tls.EDGE:
            reason = f"nothing here makes the Secret {service.name}-{name}-tls that the Ingress names"
            found.append(Loss(target, _tls(name, route), reason))
        elif route.tls is Tls.PASSTHROUGH:
            found.append(
                Loss(target, f"routes.{name}.tls", "an Ingress cannot pass TLS through; served as plain HTTP")
            )
    return found


def _tls(name: str, route: Route) -> str:
    # It is the default, too: then the route as a whole was declared without what it needs.
    return f"routes.{name}.tls" if "tls" in route.model_fields_set else f"routes.{name}"


def http_route(service: Service, namespace: str, name: str, gateway: Gateway) -> dict[str, Any]:
    """An HTTPRoute for one route, attached to the target's Gateway."""
    route = service.spec.routes[name]
    parent = {"name": gateway.name}
    if gateway.namespace is not None:
        parent["namespace"] = gateway.namespace
    if gateway.listener is not None:
        parent["sectionName"] = gateway.listener
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": route.path}}],
        "backendRefs": [{"name": service.name, "port": service.spec.ports[route.port]}],
    }
    body = {"parentRefs": [parent], "hostnames": [route.host], "rules": [rule]}
    full = f"{service.name}-{name}"
    return {**head(service, "gateway.networking.k8s.io/v1", "HTTPRoute", full, namespace), "spec": body}


def http_route_losses(service: Service, target: str, gateway: Gateway) -> list[Loss]:
    """What an HTTPRoute does not express of the routes."""
    found = []
    for name, route in service.spec.routes.items():
        if route.tls is Tls.EDGE:
            reason = f"TLS ends at the Gateway {gateway.name}: its listener has to have the certificate"
            found.append(Loss(target, _tls(name, route), reason))
        elif route.tls is Tls.PASSTHROUGH:
            reason = "an HTTPRoute cannot pass TLS through; served as plain HTTP"
            found.append(Loss(target, f"routes.{name}.tls", reason))
    return found
