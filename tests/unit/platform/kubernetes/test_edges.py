"""What needs what on a cluster, from the objects' own fields."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden import cases

from trimaran.action import Object, ObjectRef
from trimaran.facts import cluster_kinds
from trimaran.platform.kubernetes.edges import edges


def found(case: str, target: str) -> set[tuple[str, str]]:
    rendering = next(each for each in cases.renderings(case) if each.target == target)
    return {(edge.a.kind, edge.b.kind) for edge in edges(tuple(rendering.rendering.objects))}


def test_everything_that_we_render_is_tied_together() -> None:
    assert found("everything", "east") == {
        ("Deployment", "ConfigMap"),
        ("Deployment", "ExternalSecret"),
        ("Deployment", "PersistentVolumeClaim"),
        ("Deployment", "ServiceAccount"),
        ("HTTPRoute", "Service"),
        ("HorizontalPodAutoscaler", "Deployment"),
        ("NetworkPolicy", "Deployment"),
        ("PodDisruptionBudget", "Deployment"),
        ("Service", "Deployment"),
        ("ServiceMonitor", "Service"),
    }
    assert ("Route", "Service") in found("everything", "ocp")
    assert ("Ingress", "Service") in found("documented", "east")
    assert ("Service", "StatefulSet") in found("stateful", "kubernetes")
    assert ("CronJob", "ServiceAccount") in found("cron", "kubernetes")


def test_evidence_names_the_field() -> None:
    rendering = next(each for each in cases.renderings("everything") if each.target == "east")
    told = {(edge.b.kind, edge.evidence) for edge in edges(tuple(rendering.rendering.objects))}
    assert {
        ("ServiceAccount", "spec.template.spec.serviceAccountName"),
        ("ExternalSecret", "spec.template.spec.containers[].env[].valueFrom.secretKeyRef.name"),
        ("ExternalSecret", "spec.template.spec.volumes[].secret.secretName"),
    } <= told


def test_an_empty_selector_and_another_namespace_tie_nothing() -> None:
    def item(kind: str, scope: str, spec: Any) -> Object:
        return Object(ObjectRef("east", kind, "web", scope), {"kind": kind, "spec": spec})

    pods = item("Deployment", "web", {"template": {"metadata": {"labels": {"a": "b"}}}})
    assert edges((pods, item("Service", "web", {"selector": {}}))) == ()
    assert edges((pods, item("Service", "other", {"selector": {"a": "b"}}))) == ()
    assert len(edges((pods, item("Service", "web", {"selector": {"a": "b"}})))) == 1


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["rules", "http", "paths", "to", "selector", "template", "spec", "containers", "env"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@pytest.mark.parametrize("kind", cluster_kinds())
@given(spec=JSON)
def test_documents_of_any_shape_are_read(kind: str, spec: Any) -> None:
    edges((Object(ObjectRef("east", kind, "web", "web"), {"spec": spec, "metadata": spec}),))
