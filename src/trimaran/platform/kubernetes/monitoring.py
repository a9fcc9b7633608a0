"""What the Prometheus operator gets of a service: where to scrape it, and its objectives as rules. Pure."""

from typing import Any

from trimaran.errors import fail
from trimaran.platform.kubernetes.head import head, selector
from trimaran.platform.protocol import Loss
from trimaran.slo import named
from trimaran.slo.objective import Objective
from trimaran.slo.rules import PACES, Scrape, group, paces
from trimaran.spec.fleet import ClusterTarget
from trimaran.spec.service import Objective as Declared
from trimaran.spec.service import Service

_ADDED = frozenset({"namespace", "service", "job", "instance", "endpoint", "pod", "container"})
"""Labels that the operator's scrape configuration sets on every series; a series' own of that name becomes
`exported_NAME` (Prometheus, scrape_config, honor_labels)."""


def is_watched(settings: ClusterTarget) -> bool:
    """Whether the Prometheus operator is there."""
    return settings.monitoring == "prometheus-operator"


def documents(service: Service, settings: ClusterTarget) -> list[dict[str, Any]]:
    """The ServiceMonitor and the PrometheusRule, as far as there is something to say in them."""
    spec, namespace = service.spec, settings.namespace
    if not is_watched(settings) or spec.metrics is None:
        return []
    version = "monitoring.coreos.com/v1"
    endpoint = {"port": spec.metrics.port, "path": spec.metrics.path}
    body = {"selector": {"matchLabels": selector(service)}, "endpoints": [endpoint]}
    found = [{**head(service, version, "ServiceMonitor", service.name, namespace), "spec": body}]
    if spec.objectives:
        document = head(service, version, "PrometheusRule", service.name, namespace)
        found.append({**document, "spec": rule(service, namespace)})
    return found


def rule(service: Service, namespace: str) -> dict[str, Any]:
    """The body of the PrometheusRule: a group for each objective."""
    labels = {"namespace": namespace, "service": service.name}
    return {"groups": [group(each, labels, Scrape(labels, _ADDED)) for each in _objectives(service)]}


def _objectives(service: Service) -> list[Objective]:
    return [each for name, given in service.spec.objectives.items() for each in _read(name, given)]


def _read(name: str, declared: Declared) -> tuple[Objective, ...]:
    try:
        return named.objectives(name, {key: getattr(declared, key) for key in type(declared).model_fields})
    except ValueError as error:
        fix = "counters are chosen by name and labels; they are summed for you"
        raise fail("TRM0705", f"{name}: {error}", fix) from None


def losses(service: Service, target: str, settings: ClusterTarget) -> list[Loss]:
    """What the rules do not express of the objectives; without the operator there are none."""
    declared = service.spec.objectives
    if not is_watched(settings):
        reason = "counted by trimaran ship; no Prometheus rules are rendered"
        return [Loss(target, f"objectives.{name}", reason) for name in declared]
    least = min(pace.long for pace in PACES)
    return [
        Loss(target, f"objectives.{name}.window", f"no alert looks back less than {least}: none is rendered")
        for name, given in declared.items()
        for each in _read(name, given)
        if not paces(each)
    ]
