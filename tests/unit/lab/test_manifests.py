from trimaran.lab import manifests

BUNDLE = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    name: not-this
  labels:
    a: b
  name: externalsecrets.external-secrets.io
spec:
  names:
    kind: ExternalSecret
---
apiVersion: v1
kind: Namespace
metadata:
  name: gatekeeper-system
---
kind: CustomResourceDefinition
metadata:
  name: "routes.route.openshift.io"
spec:
  text: |
    a lone = sign, and
    kind: CustomResourceDefinition
"""


def test_definitions_are_found_by_their_names_and_nothing_else_is_taken() -> None:
    found = manifests.definitions(BUNDLE, ())
    assert list(found) == ["externalsecrets.external-secrets.io", "routes.route.openshift.io"]
    assert "kind: ExternalSecret" in found["externalsecrets.external-secrets.io"]
    assert "gatekeeper-system" not in "".join(found.values())


def test_only_those_wanted_are_taken() -> None:
    assert list(manifests.definitions(BUNDLE, {"routes.route.openshift.io", "other"})) == [
        "routes.route.openshift.io"
    ]
    assert manifests.definitions("", ()) == {}


def test_volumes_are_made_for_our_classes() -> None:
    theirs = "cel: self.spec.storageClassName == 'kwok-volume'"
    text = manifests.stages([theirs, "kind: Stage\n"], ["standard", "encrypted"])
    assert text == "cel: self.spec.storageClassName in ['encrypted', 'standard']\n---\nkind: Stage\n"
