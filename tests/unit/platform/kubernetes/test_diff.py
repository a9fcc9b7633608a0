"""What is a difference to a cluster, and what is not. The documents are as kube-apiserver 1.35 answers."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.action import Object, ObjectRef
from trimaran.platform.kubernetes import KubernetesPlatform, owners
from trimaran.platform.kubernetes.amounts import duration, quantity

PLATFORM = KubernetesPlatform()
LABELS = {"app.kubernetes.io/name": "web"}
OURS: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}},
            "f:spec": {
                "f:automountServiceAccountToken": {},
                "f:containers": {
                    'k:{"name":"web"}': {
                        ".": {},
                        "f:args": {},
                        "f:env": {
                            'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}},
                            'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}},
                        },
                        "f:image": {},
                        "f:name": {},
                        "f:ports": {
                            'k:{"containerPort":8080,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                                "f:name": {},
                            }
                        },
                        "f:resources": {"f:limits": {"f:cpu": {}, "f:memory": {}}},
                    }
                },
                "f:hostNetwork": {},
            },
        },
    },
}
CONTAINER: dict[str, Any] = {
    "name": "web",
    "image": "web:1",
    "args": ["-a"],
    "env": [{"name": "A", "value": ""}, {"name": "B", "value": "1"}],
    "ports": [{"name": "http", "containerPort": 8080}],
    "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}},
}


def ref(kind: str = "Deployment") -> ObjectRef:
    return ObjectRef("east", kind, "web", "web")


def wanted() -> dict[str, Any]:
    pod = {"automountServiceAccountToken": False, "hostNetwork": False, "containers": [CONTAINER]}
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
    }
    metadata = {"name": "web", "namespace": "web", "labels": LABELS}
    found = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    return copy.deepcopy(found)


def as_kept() -> dict[str, Any]:
    """What the server makes of it: defaults, round amounts, and nothing that is empty."""
    found = wanted()
    pod = found["spec"]["template"]["spec"]
    del pod["hostNetwork"]
    pod |= {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "securityContext": {}}
    container = pod["containers"][0]
    container["env"][0] = {"name": "A"}
    container["ports"][0]["protocol"] = "TCP"
    container["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    container["imagePullPolicy"] = "IfNotPresent"
    found["spec"] |= {"progressDeadlineSeconds": 600, "strategy": {"type": "RollingUpdate"}}
    found["status"] = {"replicas": 2}
    return found


def entry(manager: str, fields: Any, operation: str = "Update", subresource: str = "") -> dict[str, Any]:
    found = {"manager": manager, "operation": operation, "fieldsV1": fields}
    return found | ({"subresource": subresource} if subresource else {})


def seen(document: dict[str, Any], *more: dict[str, Any], ours: Any = OURS) -> Object:
    managed = json.dumps([entry("trimaran", ours, "Apply"), *more])
    return Object(ref(document["kind"]), document, {"managedFields": managed})


def diff(document: dict[str, Any], other: Object) -> dict[str, tuple[Any, Any]]:
    changes = PLATFORM.diff(Object(other.ref, document), other)
    return {change.path: (change.before, change.after) for change in changes}


def container_of(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["spec"]["template"]["spec"]["containers"][0]
    return found


IMAGE = "spec.template.spec.containers[name=web].image"


def test_defaults_and_rounding_are_no_difference() -> None:
    assert diff(wanted(), seen(as_kept())) == {}


def test_a_field_that_we_want_otherwise_is_one() -> None:
    document = wanted()
    container_of(document)["image"] = "web:2"
    assert diff(document, seen(as_kept())) == {IMAGE: ("web:1", "web:2")}


def test_what_we_own_and_no_longer_want_goes() -> None:
    document = wanted()
    del container_of(document)["env"][1]
    del container_of(document)["args"]
    assert diff(document, seen(as_kept())) == {
        "spec.template.spec.containers[name=web].env[name=B]": ({"name": "B", "value": "1"}, None),
        "spec.template.spec.containers[name=web].args": (["-a"], None),
    }


def test_what_others_added_is_left_and_told() -> None:
    live = as_kept()
    live["metadata"]["labels"] = {**LABELS, "team": "x"}
    live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "proxy", "image": "p"})
    added = {
        "f:metadata": {"f:labels": {"f:team": {}}},
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"proxy"}': {".": {}}}}}},
    }
    other = seen(live, entry("mesh", added))
    assert diff(wanted(), other) == {}
    left = PLATFORM.left_alone(Object(other.ref, wanted()), other)
    assert [(change.path, change.owner) for change in left] == [
        ("spec.template.spec.containers[name=proxy]", "mesh")
    ]


def test_replicas_that_an_autoscaler_decides_are_left_alone_and_told() -> None:
    document = wanted()
    del document["spec"]["replicas"]
    ours = copy.deepcopy(OURS)
    del ours["f:spec"]["f:replicas"]
    live = as_kept()
    live["spec"]["replicas"] = 7
    scale = entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    status = entry("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status")
    other = seen(live, scale, status, ours=ours)
    assert diff(document, other) == {}
    (left,) = PLATFORM.left_alone(Object(other.ref, document), other)
    assert (left.path, left.before, left.owner) == ("spec.replicas", 7, "kube-controller-manager (scale)")


def test_a_change_names_who_made_it() -> None:
    live = as_kept()
    container_of(live)["image"] = "web:hacked"
    tree: Any = {
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}}
    }
    (change,) = PLATFORM.diff(Object(ref(), wanted()), seen(live, entry("kubectl-edit", tree)))
    assert (change.path, change.owner) == (IMAGE, "kubectl-edit")


def test_an_empty_value_that_somebody_took_away_is_missed_where_it_means_something() -> None:
    live = as_kept()
    del live["spec"]["template"]["spec"]["automountServiceAccountToken"]
    ours = copy.deepcopy(OURS)
    del ours["f:spec"]["f:template"]["f:spec"]["f:automountServiceAccountToken"]
    path = "spec.template.spec.automountServiceAccountToken"
    assert diff(wanted(), seen(live, ours=ours)) == {path: (None, False)}


def test_a_list_that_is_one_value_is_compared_whole_when_another_set_it() -> None:
    document: dict[str, Any] = {"kind": "NetworkPolicy", "spec": {"ingress": [{"ports": [{"port": 80}]}]}}
    live = copy.deepcopy(document)
    live["spec"]["ingress"][0]["ports"][0]["protocol"] = "TCP"
    owned = seen(live, ours={"f:spec": {"f:ingress": {}}})
    assert diff(document, owned) == {}
    live["spec"]["ingress"][0]["from"] = [{}]
    taken = seen(live, entry("kubectl-edit", {"f:spec": {"f:ingress": {}}}), ours={})
    assert "spec.ingress[0].from" in diff(document, taken)


def test_an_environment_variable_is_never_read_as_an_amount() -> None:
    live = as_kept()
    container_of(live)["env"][1]["value"] = "1000m"
    assert len(diff(wanted(), seen(live))) == 1


def test_recorded_documents_are_compared_exactly() -> None:
    document = wanted()
    other = Object(ref(), {**wanted(), "extra": 1})
    assert diff(document, other) == {"extra": (1, None)}
    assert diff(document, Object(ref(), wanted())) == {}


@pytest.mark.parametrize(
    ("kind", "path", "before", "after", "immutable"),
    [
        ("Deployment", ("spec", "selector"), {"a": "b"}, {"a": "c"}, True),
        ("Deployment", ("spec", "paused"), True, False, False),
        ("StatefulSet", ("spec", "serviceName"), "a", "b", True),
        ("StatefulSet", ("spec", "podManagementPolicy"), "OrderedReady", "Parallel", True),
        ("StatefulSet", ("spec", "replicas"), 1, 2, False),
        ("Job", ("spec", "completions"), 1, 2, True),
        ("Job", ("spec", "parallelism"), 1, 2, False),
        ("PersistentVolumeClaim", ("spec", "storageClassName"), "a", "b", True),
        ("PersistentVolumeClaim", ("spec", "resources", "requests", "storage"), "1Gi", "2Gi", False),
        ("PersistentVolumeClaim", ("spec", "resources", "requests", "storage"), "2Gi", "1Gi", True),
        ("Service", ("spec", "clusterIP"), "10.0.0.1", "None", True),
        ("ConfigMap", ("data", "k"), "a", "b", False),
    ],
)
def test_a_change_says_whether_only_a_new_object_can_have_it(
    kind: str, path: tuple[str, ...], before: Any, after: Any, immutable: bool
) -> None:
    def document(value: Any) -> dict[str, Any]:
        for key in reversed(path):
            value = {key: value}
        found: dict[str, Any] = {"kind": kind, **value}
        return found

    changes = PLATFORM.diff(Object(ref(kind), document(after)), seen(document(before), ours={}))
    assert changes
    assert {change.immutable for change in changes} == {immutable}


def test_the_content_of_an_immutable_config_map_is_immutable() -> None:
    live = {"kind": "ConfigMap", "immutable": True, "data": {"k": "a"}}
    (change,) = PLATFORM.diff(Object(ref("ConfigMap"), {**live, "data": {"k": "b"}}), seen(live, ours={}))
    assert change.immutable


@pytest.mark.parametrize(
    ("one", "other"),
    [("1000m", "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("1e3", "1k"), (".5", "500m"), ("0.1n", "1n")],
)
def test_amounts_that_are_one_value(one: str, other: str) -> None:
    assert quantity(one) == quantity(other) is not None


@pytest.mark.parametrize("text", ["", "x", "1x", "1.2.3", "Mi", "1 Gi", "\u0661"])
def test_what_is_no_amount(text: str) -> None:
    assert quantity(text) is None


def test_durations() -> None:
    assert duration("1h") == duration("60m") == duration("1h0m0s") == 3600
    assert duration("") is None
    assert duration("1d") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "env", "name", "ports", "requests", "a.b"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.just({}),
    lambda inner: st.dictionaries(
        st.sampled_from([".", "f:spec", "f:env", "f:ports", 'k:{"name":"x"}', "v:1", "i:0"]),
        inner,
        max_size=3,
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), TREES)
def test_equal_documents_differ_in_nothing_whoever_owns_them(document: dict[str, Any], tree: Any) -> None:
    other = Object(ref(), document, {"managedFields": json.dumps([entry("trimaran", tree, "Apply")])})
    assert PLATFORM.diff(Object(ref(), copy.deepcopy(document)), other) == ()


@given(JSON, JSON, TREES, TREES)
def test_any_two_documents_can_be_compared(one: Any, two: Any, tree: Any, other: Any) -> None:
    managed = json.dumps([entry("trimaran", tree, "Apply"), entry("x", other)])
    live = Object(ref(), {"spec": two}, {"managedFields": managed})
    PLATFORM.diff(Object(ref(), {"spec": one}), live)
    PLATFORM.left_alone(Object(ref(), {"spec": one}), live)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        '[{"manager": "trimaran", "operation": "Apply", "fieldsV1": {"f:spec": 3}}]',
        '[{"fieldsV1": 3}]',
        "null",
        '[{"manager": 1}]',
    ],
)
def test_fields_of_managers_that_make_no_sense_are_not_known(text: str) -> None:
    live = Object(ref(), as_kept(), {"managedFields": text})
    assert owners.entries(live.live) is None or PLATFORM.diff(Object(ref(), wanted()), live) is not None
