import base64
from pathlib import Path

import pytest
import yaml

from trimaran.lab import texts
from trimaran.platform import is_delivered
from trimaran.spec import load
from trimaran.spec.fleet import KubernetesTarget, OpenShiftTarget, VSphereTarget


@pytest.mark.parametrize("root", ["/state/lab", '/odd "name": #x/lab', "/ü/lab"])
def test_the_fleet_file_is_a_fleet_that_is_delivered_to(tmp_path: Path, root: str) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(texts.fleet(root, 23456), "utf-8")
    targets = load.fleet(str(path)).spec.targets
    assert list(targets) == ["kubernetes", "openshift", "vsphere", "host"]
    assert all(is_delivered(target) for target in targets.values())
    kubernetes, openshift, vsphere = (targets[name] for name in ("kubernetes", "openshift", "vsphere"))
    assert isinstance(kubernetes, KubernetesTarget)
    assert isinstance(openshift, OpenShiftTarget)
    assert isinstance(vsphere, VSphereTarget)
    assert kubernetes.kubeconfig == openshift.kubeconfig == f"{root}/kubeconfig"
    assert kubernetes.gateway is not None
    assert (kubernetes.storage.plain, openshift.storage.encrypted) == ("standard", "encrypted")
    assert vsphere.url == "https://127.0.0.1:23456/sdk"
    assert vsphere.password is not None
    assert vsphere.password.path == f"{root}/vcenter.password"
    assert vsphere.ca == f"{root}/ca.crt"


def test_only_a_file_with_our_first_line_is_ours() -> None:
    assert texts.is_ours(texts.fleet("/x", 1))
    assert not texts.is_ours("")
    assert not texts.is_ours("apiVersion: trimaran.dev/v1alpha1\n")
    assert not texts.is_ours("\n" + texts.fleet("/x", 1))


def test_a_kubeconfig_carries_the_ca_and_one_account_a_context() -> None:
    ports = {"kubernetes": 1, "openshift": 2}
    users = [("kubernetes", "kubernetes", "t1"), ("openshift-reader", "openshift", "t2")]
    document = yaml.safe_load(texts.kubeconfig(b"PEM", ports, users))
    assert document["current-context"] == "kubernetes"
    assert [each["name"] for each in document["contexts"]] == ["kubernetes", "openshift-reader"]
    assert {each["name"]: each["user"]["token"] for each in document["users"]} == {
        "kubernetes": "t1",
        "openshift-reader": "t2",
    }
    for cluster in document["clusters"]:
        assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"PEM"
        assert cluster["cluster"]["server"].startswith("https://127.0.0.1:")
        assert "insecure-skip-tls-verify" not in cluster["cluster"]


def test_what_a_shell_sources_is_quoted() -> None:
    text = texts.environment("/a b", 1, "$(touch x)'", ["/c d/bin"])
    assert "export GOVC_PASSWORD='$(touch x)'\"'\"''" in text
    assert "export KUBECONFIG='/a b/kubeconfig'" in text
    assert "export PATH='/c d/bin':$PATH" in text
