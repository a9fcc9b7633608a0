"""Our session on real API servers: what is undone, restarted, found by looking, and refused."""

import copy
import time
from typing import Any

import pytest
from tests.kubernetes_place import (
    LABELS,
    PLATFORM,
    TARGET,
    Place,
    here,
    places,
    problems,
)

from trimaran.action import (
    Action,
    Health,
    Landed,
    Object,
    ObjectRef,
    Scope,
    Undo,
    Verb,
)
from trimaran.errors import Exit, TrimaranError

pytestmark = pytest.mark.peer
__all__ = ["here", "places"]


# -- undo, restart, landed


def test_an_update_is_undone_without_touching_what_others_did_since(here: Place) -> None:
    here.do(Verb.CREATE, here.deployment())
    before = here.seen(here.deployment()).document
    changed = here.deployment(image="registry.invalid/web:2", env=[{"name": "NEW", "value": "1"}])
    here.do(Verb.UPDATE, changed)
    here.cluster.edit(here.path("deployments") + "/scale", {"spec": {"replicas": 5}}, "autoscaler")
    here.cluster.edit(here.path("deployments"), {"metadata": {"labels": {"team": "x"}}}, "other")
    undo = here.action(Verb.UPDATE, before)
    here.session.observe(Scope(TARGET, refs=(undo.object,)))
    here.session.apply(undo, 1, time.monotonic() + 30)
    live = here.cluster.get(here.path("deployments"))
    assert live["spec"]["template"] == before["spec"]["template"]
    assert live["spec"]["replicas"] == 5
    assert live["metadata"]["labels"]["team"] == "x"
    document = here.deployment()
    del document["spec"]["replicas"]
    assert here.diff(document) == ()


@pytest.mark.parametrize("kind", ["Deployment", "Service", "Job", "PersistentVolumeClaim"])
def test_a_deletion_is_undone(here: Place, kind: str) -> None:
    metadata = {"name": "web", "namespace": here.namespace, "labels": dict(LABELS)}
    specs: dict[str, Any] = {
        "Deployment": here.deployment()["spec"],
        "Service": {"selector": LABELS, "ports": [{"name": "http", "port": 80}], "type": "NodePort"},
        "Job": {
            "suspend": True,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "web", "image": "x"}]}},
        },
        "PersistentVolumeClaim": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    versions = {"Deployment": "apps/v1", "Job": "batch/v1"}
    document = {
        "apiVersion": versions.get(kind, "v1"),
        "kind": kind,
        "metadata": metadata,
        "spec": specs[kind],
    }
    here.do(Verb.CREATE, document)
    end = time.monotonic() + 30
    while "status" not in here.seen(document).document:
        assert time.monotonic() < end
        time.sleep(0.1)
    before = here.seen(document).document
    here.do(Verb.DELETE, document)
    assert here.do(Verb.CREATE, dict(before)).changed
    assert here.session.landed(here.action(Verb.CREATE, dict(before))) is Landed.YES
    # All of it is ours now, what the server had added too: the next plan gives that back.
    here.do(Verb.UPDATE, document)
    assert here.diff(document) == ()


def test_a_restart_replaces_the_pods_once_and_stays_through_an_apply(here: Place) -> None:
    document = here.deployment()
    here.do(Verb.CREATE, document)
    restart = here.action(Verb.RESTART, document, key="restart-1")
    assert here.session.landed(restart) is Landed.NO
    deadline = time.monotonic() + 30
    assert here.session.apply(restart, 1, deadline).changed
    generation = here.seen(document).live["generation"]
    assert not here.session.apply(restart, 1, deadline).changed
    assert here.session.landed(restart) is Landed.YES
    assert here.diff(document) == ()
    assert PLATFORM.left_alone(Object(here.ref(document), document), here.seen(document)) == ()
    here.do(Verb.UPDATE, document)
    assert here.seen(document).live["generation"] == generation
    here.do(Verb.DELETE, document)
    with pytest.raises(TrimaranError) as caught:
        here.session.apply(restart, 1, deadline)
    assert problems(caught) == ["TRM0560"]


def test_looking_tells_whether_an_action_is_in_place(here: Place) -> None:
    first, second = here.config(k="1"), here.config(k="2")
    create, update = here.action(Verb.CREATE, first), here.action(Verb.UPDATE, second)
    delete = here.action(Verb.DELETE, first)
    assert [here.session.landed(each) for each in (create, update, delete)] == [
        Landed.NO,
        Landed.NO,
        Landed.YES,
    ]
    here.do(Verb.CREATE, first)
    assert [here.session.landed(each) for each in (create, update, delete)] == [
        Landed.YES,
        Landed.NO,
        Landed.NO,
    ]


# -- refusals


def test_an_object_that_was_replaced_is_not_changed(here: Place) -> None:
    document = here.config(k="1")
    here.do(Verb.CREATE, document)
    here.seen(document)
    path = here.path("configmaps", group="v1")
    here.cluster.ask("DELETE", path)
    for verb in (Verb.UPDATE,):
        with pytest.raises(TrimaranError) as caught:
            here.do(verb, here.config(k="2"))
        assert problems(caught) == ["TRM0732"]
    assert here.cluster.get(path) is None
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"k": "theirs"}}
    here.cluster.put(path, theirs, "somebody")
    for verb in (Verb.UPDATE, Verb.DELETE):
        with pytest.raises(TrimaranError) as caught:
            here.do(verb, here.config(k="2"), take=True)
        assert problems(caught) == ["TRM0732"]
    assert here.cluster.get(path)["data"] == {"k": "theirs"}


def test_a_deletion_that_is_held_is_told_and_later_seen_to_have_landed(here: Place) -> None:
    document = here.config()
    here.do(Verb.CREATE, document)
    path = here.path("configmaps", group="v1")
    here.cluster.edit(path, {"metadata": {"finalizers": ["example.com/held"]}}, "other")
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.DELETE, document, wait_s=2)
    assert problems(caught) == ["TRM0735"]
    assert "example.com/held" in caught.value.problems[0].what
    assert here.session.landed(here.action(Verb.DELETE, document)) is Landed.UNKNOWN
    assert PLATFORM.judge(here.seen(document)) is Health.PROGRESSING
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.UPDATE, here.config(k="2"))
    assert problems(caught) == ["TRM0731"]
    here.cluster.edit(path, {"metadata": {"finalizers": None}}, "other")
    assert here.session.landed(here.action(Verb.DELETE, document)) is Landed.YES


def test_an_invalid_object_is_refused_with_every_cause(here: Place) -> None:
    document = here.deployment(ports=[{"containerPort": 99999}], imagePullPolicy="Sometimes")
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.CREATE, document)
    assert problems(caught) == ["TRM0728", "TRM0728"]
    assert caught.value.status is Exit.ERROR
    started = time.monotonic()
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.CREATE, here.deployment(nosuch=1))
    assert problems(caught) == ["TRM0728"]
    assert "nosuch: field not declared in schema" in caught.value.problems[0].what
    assert time.monotonic() - started < 5
    assert len(here.writes()) == 2


IMMUTABLE: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("apps/v1", "StatefulSet", {"serviceName": "a"}, {"serviceName": "b"}),
    ("apps/v1", "StatefulSet", {}, {"podManagementPolicy": "Parallel"}),
    ("batch/v1", "Job", {"completions": 1}, {"completions": 2}),
    ("v1", "PersistentVolumeClaim", {"storageClassName": "a"}, {"storageClassName": "b"}),
    ("v1", "PersistentVolumeClaim", {}, {"resources": {"requests": {"storage": "1Mi"}}}),
]


@pytest.mark.parametrize(("version", "kind", "first", "second"), IMMUTABLE)
def test_what_cannot_change_is_known_before_and_refused_by_the_server(
    here: Place, version: str, kind: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    pods = here.deployment()["spec"]
    job = copy.deepcopy(pods["template"])
    job["spec"]["restartPolicy"] = "Never"
    base: dict[str, Any] = {
        "StatefulSet": {**pods, "replicas": 0, "serviceName": "web"},
        "Job": {"suspend": True, "template": job},
        "PersistentVolumeClaim": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    metadata = {"name": "web", "namespace": here.namespace, "labels": dict(LABELS)}
    document: dict[str, Any] = {"apiVersion": version, "kind": kind, "metadata": metadata}
    document["spec"] = {**base[kind], **first}
    here.do(Verb.CREATE, document)
    changed = {**document, "spec": {**document["spec"], **second}}
    assert {change.immutable for change in here.diff(changed)} == {True}
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.UPDATE, changed)
    assert set(problems(caught)) == {"TRM0729"}
    assert "--recreate" in caught.value.problems[0].fix


def test_the_selector_and_an_immutable_config_map_cannot_change(here: Place) -> None:
    document, other = here.deployment(), here.deployment()
    other["spec"]["selector"] = {"matchLabels": {"a": "b"}}
    other["spec"]["template"]["metadata"]["labels"]["a"] = "b"
    fixed = {**here.config(), "immutable": True}
    for first, second in ((document, other), (fixed, {**fixed, "data": {"k": "w"}})):
        here.do(Verb.CREATE, first)
        assert any(change.immutable for change in here.diff(second))
        with pytest.raises(TrimaranError) as caught:
            here.do(Verb.UPDATE, second)
        assert problems(caught) == ["TRM0729"]


def test_a_namespace_that_is_missing_or_going_is_told(here: Place) -> None:
    missing = {**here.config(), "metadata": {"name": "web", "namespace": "no-such-namespace"}}
    ref = ObjectRef(TARGET, "ConfigMap", "web", "no-such-namespace")
    with pytest.raises(TrimaranError) as caught:
        here.session.apply(
            Action(TARGET, Verb.CREATE, ref, missing, None, Undo.NONE, "t", "k"), 1, time.monotonic() + 9
        )
    assert problems(caught) == ["TRM0730"]
    assert "kubectl create namespace no-such-namespace" in caught.value.problems[0].fix
    here.do(Verb.CREATE, here.config("holds"))
    path = here.path("configmaps", "holds", "v1")
    here.cluster.edit(path, {"metadata": {"finalizers": ["example.com/held"]}}, "other")
    here.cluster.drop_namespace(here.namespace)
    with pytest.raises(TrimaranError) as caught:
        here.do(Verb.CREATE, here.config())
    here.cluster.edit(path, {"metadata": {"finalizers": None}}, "other")
    assert problems(caught) == ["TRM0731"]
    assert caught.value.status is Exit.ERROR


def test_a_kind_that_the_cluster_does_not_know_is_told_when_it_is_needed(here: Place) -> None:
    route = ObjectRef(TARGET, "Route", "web", here.namespace)
    for scope in (Scope(TARGET, refs=(route,)), Scope(TARGET, also=frozenset([route]))):
        with pytest.raises(TrimaranError) as caught:
            here.session.observe(scope)
        assert problems(caught) == ["TRM0727"]
        assert "Route (route.openshift.io/v1)" in caught.value.problems[0].what
    looked = here.session.observe(Scope(TARGET))
    assert (looked.objects, looked.gaps) == ((), ())


def test_a_lower_fence_is_refused(here: Place) -> None:
    action = here.action(Verb.CREATE, here.config())
    here.session.apply(action, 2, time.monotonic() + 9)
    here.session.apply(action, 10, time.monotonic() + 9)
    with pytest.raises(TrimaranError) as caught:
        here.session.apply(action, 9, time.monotonic() + 9)
    assert problems(caught) == ["TRM0550"]
