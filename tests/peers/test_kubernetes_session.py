"""Our session on real API servers: what is applied, seen and left alone."""

import json
import re
import time
from typing import Any

import pytest
from tests.golden import cases
from tests.kubernetes_place import (
    IMAGE,
    PLATFORM,
    TARGET,
    Place,
    Places,
    here,
    places,
    problems,
)

from trimaran.action import (
    Health,
    Landed,
    Object,
    Scope,
    Verb,
    seen_digest,
)
from trimaran.errors import TrimaranError
from trimaran.platform import RENDERED_ONLY, platform

pytestmark = pytest.mark.peer
__all__ = ["here", "places"]


# -- what is applied is what was meant


def moved(document: Any, namespace: str) -> dict[str, Any]:
    """A copy of a document in another namespace."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    found["metadata"]["namespace"] = namespace
    return found


@pytest.mark.parametrize("context", ["kubernetes", "openshift"])
def test_everything_that_we_render_is_taken_and_a_plan_after_it_is_empty(
    places: Places, context: str
) -> None:
    place = places(context)
    pure = platform(context)
    for case in cases.CASES:
        for rendering in cases.renderings(case):
            if rendering.settings.platform != context:
                continue
            documents = [
                moved(item.document, place.namespace)
                for item in rendering.rendering.objects
                if item.ref.kind not in RENDERED_ONLY.get(context, ())
            ]
            documents.sort(key=lambda document: pure.wave(place.ref(document)))
            for document in documents:
                assert place.do(Verb.CREATE, document).changed
                assert place.diff(document) == (), (case, document["kind"])
                assert not place.do(Verb.UPDATE, document).changed
            also = frozenset(place.ref(document) for document in documents)
            looked = place.session.observe(Scope(TARGET, rendering.service.name, also=also))
            assert {item.ref for item in looked.objects} == also
            assert {pure.service_of(item) for item in looked.objects} == {rendering.service.name}
            for document in reversed(documents):
                assert place.do(Verb.DELETE, document).changed
                assert place.session.landed(place.action(Verb.DELETE, document)) is Landed.YES
            assert place.session.observe(Scope(TARGET)).objects == ()
    assert [each for each in place.asked if "/secrets" in each] == []


def test_a_service_becomes_ready(here: Place) -> None:
    document = here.deployment()
    here.do(Verb.CREATE, document)
    end = time.monotonic() + 120
    while PLATFORM.judge(here.seen(document)) is not Health.READY:
        assert time.monotonic() < end, here.seen(document).document["status"]
        time.sleep(0.2)
    assert here.diff(document) == ()
    assert not here.do(Verb.UPDATE, document).changed


def test_an_apply_is_one_request(here: Place) -> None:
    document = here.config()
    here.do(Verb.CREATE, document)
    assert len(here.asked) == 1
    here.seen(document)
    here.asked.clear()
    here.do(Verb.UPDATE, here.config(k="w"))
    assert here.asked == [
        f"PATCH {here.path('configmaps', group='v1')}?fieldManager=trimaran&fieldValidation=Strict"
    ]


def test_what_leaves_the_declaration_leaves_the_object(here: Place) -> None:
    here.do(Verb.CREATE, here.deployment())
    document = here.deployment(env=[{"name": "LEVEL", "value": "info"}])
    assert [change.path for change in here.diff(document)] == [
        "spec.template.spec.containers[name=web].env[name=EMPTY]"
    ]
    here.do(Verb.UPDATE, document)
    assert here.diff(document) == ()
    kept = here.cluster.get(here.path("deployments"))["spec"]["template"]["spec"]["containers"][0]["env"]
    assert kept == [{"name": "LEVEL", "value": "info"}]


# -- others


def edit_image(place: Place, image: str) -> None:
    containers = [{"name": "web", "image": image}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    status, found = place.cluster.ask(
        "PATCH",
        f"{place.path('deployments')}?fieldManager=kubectl-edit",
        body,
        "application/strategic-merge-patch+json",
    )
    assert status == 200, found


def test_a_field_that_another_changed_is_named_and_taken_back_only_when_asked(here: Place) -> None:
    document = here.deployment()
    here.do(Verb.CREATE, document)
    edit_image(here, "registry.invalid/web:hacked")
    (change,) = here.diff(document)
    assert (change.path, change.owner) == (IMAGE, "kubectl-edit")
    before = here.cluster.get(here.path("deployments"))["spec"]
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.UPDATE, document)
    (problem,) = caught.value.problems
    assert problem.code == "TRM0726"
    assert "kubectl-edit" in problem.what
    assert 'containers[name="web"].image' in problem.what
    assert "--take" in problem.fix
    assert here.cluster.get(here.path("deployments"))["spec"] == before
    assert here.do(Verb.UPDATE, document, take=True).changed
    assert here.diff(document) == ()


def test_what_others_add_stays_and_is_told(here: Place) -> None:
    document = here.deployment()
    here.do(Verb.CREATE, document)
    sidecar = {"name": "proxy", "image": "registry.invalid/proxy"}
    spec = {"template": {"spec": {"containers": [sidecar]}}}
    other = {**document, "metadata": {"name": "web", "labels": {"team": "x"}}, "spec": spec}
    here.cluster.put(here.path("deployments"), other, "mesh")
    assert here.diff(document) == ()
    left = PLATFORM.left_alone(Object(here.ref(document), document), here.seen(document))
    assert [(each.path, each.owner) for each in left] == [
        ("spec.template.spec.containers[name=proxy]", "mesh")
    ]
    assert not here.do(Verb.UPDATE, document).changed
    live = here.cluster.get(here.path("deployments"))
    assert [each["name"] for each in live["spec"]["template"]["spec"]["containers"]] == ["web", "proxy"]
    assert live["metadata"]["labels"]["team"] == "x"


def test_replicas_that_are_scaled_by_others_are_left_alone(here: Place) -> None:
    document = here.deployment()
    del document["spec"]["replicas"]
    here.do(Verb.CREATE, document)
    assert PLATFORM.left_alone(Object(here.ref(document), document), here.seen(document)) == ()
    here.cluster.edit(here.path("deployments") + "/scale", {"spec": {"replicas": 3}}, "autoscaler")
    assert here.diff(document) == ()
    (left,) = PLATFORM.left_alone(Object(here.ref(document), document), here.seen(document))
    assert (left.path, left.before, left.owner) == ("spec.replicas", 3, "the scale subresource")
    assert not here.do(Verb.UPDATE, document).changed
    assert here.cluster.get(here.path("deployments"))["spec"]["replicas"] == 3


def test_who_scales_what_we_declared_is_named(here: Place) -> None:
    here.do(Verb.CREATE, here.deployment())
    here.cluster.edit(here.path("deployments") + "/scale", {"spec": {"replicas": 3}}, "autoscaler")
    (change,) = here.diff(here.deployment())
    assert (change.path, change.before, change.owner) == ("spec.replicas", 3, "autoscaler (scale)")
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.UPDATE, here.deployment())
    assert problems(caught) == ["TRM0726"]


def test_what_stands_in_our_place_is_seen_whoever_owns_it(here: Place) -> None:
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"k": "theirs"}}
    here.cluster.put(here.path("configmaps", group="v1"), foreign, "somebody")
    here.cluster.put(
        here.path("configmaps", "other", "v1"), foreign | {"metadata": {"name": "other"}}, "somebody"
    )
    ref = here.ref(foreign)
    for scope in (
        Scope(TARGET, "web", also=frozenset([ref])),
        Scope(TARGET, also=frozenset([ref])),
        Scope(TARGET, refs=(ref,)),
    ):
        (found,) = here.session.observe(scope).objects
        assert (found.ref, PLATFORM.service_of(found)) == (ref, None)
    assert here.session.observe(Scope(TARGET)).objects == ()


# -- looking


def test_a_plan_of_everything_lists_each_kind_once(here: Place) -> None:
    documents = [here.config(f"web-{index}") for index in range(20)]
    for document in documents[:10]:
        here.do(Verb.CREATE, document)
    here.do(Verb.CREATE, here.deployment())
    here.asked.clear()
    also = frozenset(here.ref(document) for document in [*documents, here.deployment()])
    assert len(here.session.observe(Scope(TARGET, also=also)).objects) == 11
    assert sorted(re.sub(r"\?.*", "", each).rsplit("/", 1)[1] for each in here.asked) == [
        "configmaps",
        "deployments",
    ]
    here.asked.clear()
    refs = tuple(here.ref(document) for document in documents)
    assert len(here.session.observe(Scope(TARGET, refs=refs)).objects) == 10
    assert len(here.asked) == 1


def test_the_pages_of_a_long_list_are_all_read(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimaran.platform.kubernetes.places._PAGE", 3)
    for index in range(8):
        here.do(Verb.CREATE, here.config(f"web-{index}"))
    assert len(here.session.observe(Scope(TARGET, "web")).objects) == 8


def test_what_changes_by_itself_is_no_state(here: Place) -> None:
    document = here.deployment()
    here.do(Verb.CREATE, document)
    first = here.seen(document)
    assert "resourceVersion" in first.live
    assert set(first.document["metadata"]) == {"name", "namespace", "labels"}
    here.cluster.edit(here.path("deployments"), {"metadata": {"labels": {"x": "1"}}}, "other")
    here.cluster.edit(here.path("deployments"), {"metadata": {"labels": {"x": None}}}, "other")
    assert seen_digest(here.seen(document).document) == seen_digest(first.document)


def test_a_snapshot_has_status_events_and_logs(here: Place) -> None:
    here.do(Verb.CREATE, here.deployment())
    end = time.monotonic() + 60
    texts: dict[str, str] = {}
    while not {"Deployment/web status", "events"} <= texts.keys():
        assert time.monotonic() < end, texts
        texts = dict(here.session.snapshot(Scope(TARGET, "web"), time.monotonic() + 20).texts)
        time.sleep(0.2)
    assert "ScalingReplicaSet" in texts["events"]
    assert here.session.snapshot(Scope(TARGET, "web"), time.monotonic()).texts == {}
