"""Who is let in, and what an API server that goes away in the middle leaves."""

import time
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes_place import (
    TARGET,
    Place,
    altered,
    fails,
    here,
    places,
    problems,
    session_of,
)
from tests.lab import Lab
from tests.relay import relay

from trimaran.action import (
    Landed,
    ObjectRef,
    Scope,
    Verb,
)
from trimaran.errors import Exit, TrimaranError

pytestmark = pytest.mark.peer
__all__ = ["here", "places"]


# -- who may come in


def test_wrong_credentials_end_with_4(here: Place, tmp_path: Path) -> None:
    session = altered(here, tmp_path, lambda cluster, user: user.update(token="canary-token"))
    assert "canary" not in fails(session, "TRM0723", Exit.AUTHENTICATION)


def test_a_certificate_by_another_authority_ends_with_4(here: Place, tmp_path: Path) -> None:
    session = altered(here, tmp_path, lambda cluster, user: cluster.pop("certificate-authority-data"))
    fails(session, "TRM0725", Exit.AUTHENTICATION)


def test_who_may_only_read_is_told_the_verb_and_the_kind(here: Place, lab: Lab, tmp_path: Path) -> None:
    session = session_of(lab.kubeconfig, here.namespace, tmp_path / "root", "kubernetes-reader")
    action = here.action(Verb.CREATE, here.config())
    with pytest.raises(TrimaranError) as caught:
        session.apply(action, 1, time.monotonic() + 9)
    session.client.close()
    assert (problems(caught), caught.value.status) == (["TRM0724"], Exit.AUTHENTICATION)
    assert 'cannot patch resource "configmaps"' in caught.value.problems[0].what


def test_a_kind_that_may_not_be_read_is_a_gap_or_an_error_when_it_is_needed(
    here: Place, tmp_path: Path
) -> None:
    rules = [
        {"apiGroups": ["", "apps"], "resources": ["configmaps", "deployments"], "verbs": ["get", "list"]}
    ]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "some"},
        "rules": rules,
    }
    subject = {"kind": "ServiceAccount", "name": "some", "namespace": here.namespace}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some"}
    binding = {**role, "kind": "RoleBinding", "subjects": [subject], "roleRef": ref}
    del binding["rules"]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "some"}}
    here.cluster.put(here.path("serviceaccounts", "some", "v1"), account, "tests")
    here.cluster.put(here.path("roles", "some", "rbac.authorization.k8s.io/v1"), role, "tests")
    here.cluster.put(here.path("rolebindings", "some", "rbac.authorization.k8s.io/v1"), binding, "tests")
    _, given = here.cluster.ask("POST", here.path("serviceaccounts", "some", "v1") + "/token", {"spec": {}})
    session = altered(here, tmp_path, lambda cluster, user: user.update(token=given["status"]["token"]))
    here.do(Verb.CREATE, here.config())
    looked = session.observe(Scope(TARGET))
    assert [item.ref.kind for item in looked.objects] == ["ConfigMap"]
    told = {gap.what.split()[0] for gap in looked.gaps}
    assert "services" in told
    assert "routes" not in told  # of a kind that is not there nothing can be hidden
    needed = ObjectRef(TARGET, "Service", "web", here.namespace)
    with pytest.raises(TrimaranError) as caught:
        session.observe(Scope(TARGET, also=frozenset([needed])))
    session.client.close()
    assert (problems(caught), caught.value.status) == (["TRM0724"], Exit.AUTHENTICATION)
    assert "list services" in caught.value.problems[0].what


PLUGIN = """#!/bin/sh
echo run >> "{folder}/runs"
printf '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
printf '"status":{{"token":"%s"}}}}' "$TOKEN"
"""


def plugin(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "plugin"
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "interactiveMode": "Never"}


def test_a_credential_plugin_gives_the_token(here: Place, tmp_path: Path) -> None:
    def change(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        token = user.pop("token")
        found = plugin(tmp_path, PLUGIN.format(folder=tmp_path))
        user["exec"] = {**found, "env": [{"name": "TOKEN", "value": token}]}

    session = altered(here, tmp_path, change)
    session.observe(Scope(TARGET))
    session.client.close()
    runs = (tmp_path / "runs").read_text().split()
    assert 1 <= len(runs) <= 4  # the first requests are sent at once


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#!/bin/sh\necho 'please log in' >&2\nexit 3\n", "please log in"),
        ("#!/bin/sh\necho canary-token\n", "no ExecCredential"),
        ("#!/no/such/shell\n", "No such file"),
    ],
)
def test_a_credential_plugin_that_fails_ends_with_4(
    here: Place, tmp_path: Path, text: str, told: str
) -> None:
    def change(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        user.clear()
        user["exec"] = plugin(tmp_path, text)

    what = fails(altered(here, tmp_path, change), "TRM0723", Exit.AUTHENTICATION)
    assert told in what
    assert "canary" not in what


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "No such file"),
        ("{", "not YAML"),
        ("[]", "malformed"),
        ("clusters: []", "lacks 'users'"),
        (
            "{clusters: [{name: c, cluster: {tls-server-name: x}}], contexts: [], users: []}",
            "tls-server-name",
        ),
        ("{clusters: [], users: [{name: u, user: {as: root}}], contexts: []}", "has as"),
        (
            "{clusters: [], users: [], contexts: [{name: kubernetes, context: {cluster: x, user: y}}]}",
            "names 'x'",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_an_error(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text, "utf-8")
    assert told in fails(session_of(path, "web", tmp_path / "root"), "TRM0720", Exit.ERROR)


def test_an_unknown_context_is_told_with_the_nearest(here: Place, tmp_path: Path) -> None:
    session = session_of(here.kubeconfig, "web", tmp_path / "root", "kubernete")
    with pytest.raises(TrimaranError) as caught:
        session.observe(Scope(TARGET))
    (problem,) = caught.value.problems
    assert problem.code == "TRM0721"
    assert "kubernetes" in problem.fix


# -- a server that goes away


def test_a_server_that_is_gone_before_a_write_changes_nothing(here: Place, tmp_path: Path) -> None:
    with relay(1) as (_, port):
        pass  # nobody listens there any more
    session = altered(
        here, tmp_path, lambda cluster, user: cluster.update(server=f"https://127.0.0.1:{port}")
    )
    action = here.action(Verb.CREATE, here.config())
    with pytest.raises(TrimaranError) as caught:
        session.apply(action, 1, time.monotonic() + 9)
    assert (problems(caught), caught.value.status) == (["TRM0722"], Exit.PARTIAL)
    assert session.landed(action) is Landed.UNKNOWN
    assert here.session.landed(action) is Landed.NO


def test_an_answer_that_is_lost_is_found_by_looking(here: Place, tmp_path: Path) -> None:
    port = int(
        str(altered(here, tmp_path, lambda c, u: None).client._connected().base_url)
        .rsplit(":", 1)[1]
        .strip("/")
    )
    with relay(port) as (between, front):
        server = f"https://127.0.0.1:{front}"
        session = altered(here, tmp_path, lambda cluster, user: cluster.update(server=server))
        session.observe(Scope(TARGET, refs=(here.ref(here.config()),)))  # the connection stands
        create = here.action(Verb.CREATE, here.config())
        between.swallow = True
        with pytest.raises(TrimaranError) as caught:
            session.apply(create, 1, time.monotonic() + 9)
        assert (problems(caught), caught.value.status) == (["TRM0722"], Exit.PARTIAL)
        assert session.landed(create) is Landed.UNKNOWN
        between.swallow = False
        assert session.landed(create) is Landed.YES
        session.client.close()
    assert (
        here.cluster.get(here.path("configmaps", group="v1"))["metadata"]["managedFields"][0]["manager"]
        == "trimaran"
    )


def test_a_server_that_says_nothing_is_waited_for_until_the_deadline(here: Place, tmp_path: Path) -> None:
    with relay(1) as (between, front):
        between.silent = True
        server = f"https://127.0.0.1:{front}"
        session = altered(here, tmp_path, lambda cluster, user: cluster.update(server=server))
        started = time.monotonic()
        with pytest.raises(TrimaranError) as caught:
            session.apply(here.action(Verb.CREATE, here.config()), 1, started + 1)
        assert problems(caught) == ["TRM0722"]
        assert time.monotonic() - started < 5
        session.client.close()
