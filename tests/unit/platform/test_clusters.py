"""What is decided when a service becomes objects of a cluster."""

from typing import Any

import pytest

from trimaran.errors import TrimaranError
from trimaran.platform import Made, Rendering, platform
from trimaran.spec.fleet import KubernetesTarget, OpenShiftTarget
from trimaran.spec.service import Service

MADE = Made("", "shop", "registry.example.com/shop@sha256:" + "c" * 64, image_is_pinned=True)


def service(**spec: Any) -> Service:
    head = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "PlatformAgnosticSpec"}
    whole = {**head, "metadata": {"name": "shop"}, "spec": {"image": "i", "ports": {"http": 8080}, **spec}}
    return Service.model_validate(whole)


def rendered(declared: Service, **settings: Any) -> Rendering:
    target = KubernetesTarget.model_validate({"platform": "kubernetes", "namespace": "web", **settings})
    return platform("kubernetes").render(declared, "east", target, MADE)


def only(rendering: Rendering, kind: str) -> Any:
    """The document of the one object of a kind."""
    (found,) = [each.document for each in rendering.objects if each.ref.kind == kind]
    return found


def kinds(rendering: Rendering) -> list[str]:
    return [each.ref.kind for each in rendering.objects]


def told(rendering: Rendering) -> dict[str, str]:
    return {loss.field: loss.reason for loss in rendering.losses}


VOLUME = {"mount": "/srv/v", "size": "1Gi"}


def volumes(**fields: Any) -> dict[str, Any]:
    return {"volumes": {"v": {**VOLUME, **fields}}}


# -- volumes


@pytest.mark.parametrize("kind", ["service", "worker", "stateful", "daemon", "job"])
@pytest.mark.parametrize("per", ["replica", "service"])
def test_no_volume_is_made_unencrypted_where_encryption_is_required(kind: str, per: str) -> None:
    declared = service(workload={"type": kind}, **volumes(encrypted="required", per=per))
    with pytest.raises(TrimaranError) as raised:
        rendered(declared, storage={"class": "plain"})
    (problem,) = raised.value.problems
    assert problem.code == "TRM0119"
    assert "spec.targets.east.storage.encrypted" in problem.fix
    with pytest.raises(TrimaranError):
        platform("openshift").render(declared, "ocp", OpenShiftTarget(platform="openshift"), MADE)


@pytest.mark.parametrize(
    ("encrypted", "storage", "chosen", "lost"),
    [
        ("required", {"class": "plain", "encrypted": "locked"}, "locked", False),
        ("preferred", {"class": "plain", "encrypted": "locked"}, "locked", False),
        ("preferred", {"class": "plain"}, "plain", True),
        ("preferred", {}, None, True),
        ("no", {"class": "plain", "encrypted": "locked"}, "plain", False),
        ("no", {"encrypted": "locked"}, None, False),
    ],
)
def test_the_class_follows_what_is_asked_of_the_volume(
    encrypted: str, storage: dict[str, str], chosen: str | None, lost: bool
) -> None:
    declared = service(**volumes(encrypted=encrypted, per="service"))
    rendering = rendered(declared, storage=storage)
    assert only(rendering, "PersistentVolumeClaim")["spec"].get("storageClassName") == chosen
    assert ("volumes.v.encrypted" in told(rendering)) is lost


def test_a_replica_of_a_stateful_workload_keeps_its_claim() -> None:
    rendering = rendered(service(workload={"type": "stateful", "replicas": 2}, **volumes(per="replica")))
    spec = only(rendering, "StatefulSet")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    (mount,) = spec["template"]["spec"]["containers"][0]["volumeMounts"]
    assert claim["metadata"]["name"] == mount["name"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert "volumes" not in spec["template"]["spec"]
    assert told(rendering) == {}


@pytest.mark.parametrize("kind", ["service", "worker", "daemon", "job"])
def test_a_claim_of_another_replica_goes_with_its_pod_and_that_is_told(kind: str) -> None:
    rendering = rendered(service(workload={"type": kind}, **volumes(per="replica")))
    (found,) = [
        each.document for each in rendering.objects if each.ref.kind in ("Deployment", "DaemonSet", "Job")
    ]
    (volume,) = found["spec"]["template"]["spec"]["volumes"]
    assert volume["ephemeral"]["volumeClaimTemplate"]["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert "goes with its pod" in told(rendering)["volumes.v.per"]


def test_the_same_is_told_of_a_volume_that_does_not_say_whose_it_is() -> None:
    assert "goes with its pod" in told(rendered(service(**volumes())))["volumes.v"]


@pytest.mark.parametrize(
    ("spec", "mode", "recreates"),
    [
        ({"workload": {"replicas": 1}}, "ReadWriteOnce", True),
        ({"workload": {"replicas": 2}}, "ReadWriteMany", False),
        (
            {
                "scaling": {"min": 1, "max": 3, "cpu": "70%"},
                "resources": {"requests": {"cpu": "1"}},
            },
            "ReadWriteMany",
            False,
        ),
    ],
)
def test_a_shared_claim_can_be_mounted_by_all_pods_that_there_may_be(
    spec: dict[str, Any], mode: str, recreates: bool
) -> None:
    rendering = rendered(service(**spec, **volumes(per="service")))
    assert only(rendering, "PersistentVolumeClaim")["spec"]["accessModes"] == [mode]
    strategy = only(rendering, "Deployment")["spec"].get("strategy")
    assert strategy == ({"type": "Recreate"} if recreates else None)


def test_claims_of_two_services_never_have_one_name() -> None:
    names = set()
    for name, volume in (("a", "b-c"), ("a-b", "c")):
        declared = service(volumes={volume: {**VOLUME, "per": "service"}})
        renamed = declared.model_copy(
            update={"metadata": declared.metadata.model_copy(update={"name": name})}
        )
        names.add(only(rendered(renamed), "PersistentVolumeClaim")["metadata"]["name"])
    assert len(names) == 2


# -- secrets

SECRETS = {
    "PASSPHRASE": {"from": "vault", "path": "kv/web/shop", "key": "passphrase"},
    "WHOLE": {"from": "vault", "path": "kv/web/whole"},
    "TOKEN": {"from": "env", "path": "SHOP_TOKEN"},
}


def test_a_store_gives_what_comes_from_a_vault_and_nothing_else() -> None:
    rendering = rendered(service(secrets=SECRETS), secretStore={"kind": "ClusterSecretStore", "name": "v"})
    spec = only(rendering, "ExternalSecret")["spec"]
    assert spec["data"] == [
        {"secretKey": "PASSPHRASE", "remoteRef": {"key": "kv/web/shop", "property": "passphrase"}},
        {"secretKey": "WHOLE", "remoteRef": {"key": "kv/web/whole"}},
    ]
    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "v"}
    (container,) = only(rendering, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"]} == {
        spec["target"]["name"]
    }
    assert told(rendering).keys() == {"secrets.TOKEN"}


def test_without_a_store_every_secret_is_told_of() -> None:
    rendering = rendered(service(secrets=SECRETS))
    assert "ExternalSecret" not in kinds(rendering)
    assert told(rendering).keys() == {f"secrets.{name}" for name in SECRETS}


def test_a_store_without_references_to_it_makes_nothing() -> None:
    declared = service(secrets={"TOKEN": SECRETS["TOKEN"]})
    assert "ExternalSecret" not in kinds(rendered(declared, secretStore={"name": "v"}))


# -- disruption and traffic


@pytest.mark.parametrize(
    ("spec", "has"),
    [
        ({"workload": {"replicas": 1}}, False),
        ({"workload": {"replicas": 2}}, True),
        ({"workload": {"type": "worker", "replicas": 2}}, True),
        ({"workload": {"type": "stateful", "replicas": 2}}, True),
        ({"workload": {"type": "daemon", "replicas": 2}}, False),
        ({"workload": {"type": "job", "replicas": 2}}, False),
        ({"workload": {"replicas": 5}, "scaling": {"min": 1, "max": 9, "cpu": "70%"}}, False),
        ({"workload": {"replicas": 1}, "scaling": {"min": 2, "max": 9, "cpu": "70%"}}, True),
    ],
)
def test_one_pod_may_be_missing_where_there_are_several(spec: dict[str, Any], has: bool) -> None:
    rendering = rendered(service(**spec))
    assert ("PodDisruptionBudget" in kinds(rendering)) is has
    if has:
        assert only(rendering, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_traffic_comes_in_at_declared_ports_alone() -> None:
    spec = only(rendered(service(ports={"http": 8080, "admin": 9090})), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert [each["port"] for rule in spec["ingress"] for each in rule["ports"]] == [8080, 9090]


def test_nothing_comes_in_where_no_port_is_declared() -> None:
    spec = only(rendered(service(ports={})), "NetworkPolicy")["spec"]
    # A policy for incoming traffic without a rule lets none in (Kubernetes, Network Policies).
    assert spec["policyTypes"] == ["Ingress"]
    assert "ingress" not in spec


def test_a_gateway_takes_the_place_of_ingresses() -> None:
    declared = service(routes={"public": {"host": "shop.example.com", "port": "http", "tls": "none"}})
    rendering = rendered(declared, gateway={"name": "g", "namespace": "edge", "listener": "https"})
    assert "Ingress" not in kinds(rendering)
    spec = only(rendering, "HTTPRoute")["spec"]
    assert spec["parentRefs"] == [{"name": "g", "namespace": "edge", "sectionName": "https"}]
    assert spec["rules"][0]["backendRefs"] == [{"name": "shop", "port": 8080}]


# -- monitoring

WATCHED: dict[str, Any] = {
    "metrics": {"port": "http"},
    "objectives": {"good": {"good": "a", "total": "b", "target": "99.9%", "window": "30d"}},
}


def annotations(rendering: Rendering) -> dict[str, str]:
    found: dict[str, str] = only(rendering, "Deployment")["spec"]["template"]["metadata"].get(
        "annotations", {}
    )
    return found


def test_the_operator_and_the_annotations_never_scrape_both() -> None:
    plain, watched = (
        rendered(service(**WATCHED), monitoring=each) for each in ("none", "prometheus-operator")
    )
    assert annotations(plain)["prometheus.io/scrape"] == "true"
    assert "ServiceMonitor" not in kinds(plain)
    assert not any(each.startswith("prometheus.io/") for each in annotations(watched))
    endpoints = only(watched, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoints == [{"port": "http", "path": "/metrics"}]
    ports = {each["name"] for each in only(watched, "Service")["spec"]["ports"]}
    assert {each["port"] for each in endpoints} <= ports


def test_a_window_that_is_too_short_for_any_alert_is_told_of() -> None:
    objective = {**WATCHED["objectives"]["good"], "window": "30m"}
    declared = service(**{**WATCHED, "objectives": {"good": objective}})
    rendering = rendered(declared, monitoring="prometheus-operator")
    (group,) = only(rendering, "PrometheusRule")["spec"]["groups"]
    assert not [rule for rule in group["rules"] if "alert" in rule]
    assert "objectives.good.window" in told(rendering)


def test_a_selector_that_cannot_be_read_is_refused_as_elsewhere() -> None:
    objective = {**WATCHED["objectives"]["good"], "good": "sum(a)"}
    with pytest.raises(TrimaranError) as raised:
        rendered(service(**{**WATCHED, "objectives": {"good": objective}}), monitoring="prometheus-operator")
    assert raised.value.problems[0].code == "TRM0705"


# -- order and edges


def test_what_is_needed_comes_before_what_needs_it() -> None:
    declared = service(
        workload={"replicas": 2},
        files={"/etc/a": {"content": "a"}},
        secrets=SECRETS,
        routes={"r": {"host": "a.example.com", "port": "http"}},
        **volumes(per="service"),
        **WATCHED,
    )
    equipped = {"secretStore": {"name": "v"}, "monitoring": "prometheus-operator"}
    rendering = rendered(declared, gateway={"name": "g"}, **equipped)
    places = {item.ref: at for at, item in enumerate(rendering.objects)}
    edges = platform("kubernetes").edges(rendering.objects)
    needed = {each.b.kind for each in edges if each.a.kind == "Deployment"}
    assert needed == {"ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "ExternalSecret"}
    for edge in edges:
        if edge.a.kind != "Service":  # a Service waits for its pods without being refused
            assert places[edge.b] < places[edge.a], edge
