"""Fleets, and what differs on a platform or a target."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.golden.cases import HERE
from tests.unit.spec.conftest import Reader, refusal, said

from trimaran.spec import load
from trimaran.spec.fleet import HostTarget, KubernetesTarget, VSphereTarget
from trimaran.spec.merge import effective, merged, setting

FLEET = """\
apiVersion: trimaran.dev/v1alpha1
kind: Fleet
metadata: {name: f}
spec:
  targets:
"""
BASE = """\
  workload: {replicas: 2}
  ports: {http: 80}
  env: {A: one, B: two}
  routes: {public: {host: a.example.com, port: http}}
"""


def test_the_documented_example_is_read_with_its_fleet() -> None:
    declared = load.service(str(HERE / "documented/service.yaml"))
    fleet = load.fleet(str(HERE / "documented/fleet.yaml"), (declared.service,))
    assert list(fleet.spec.targets) == ["east", "west", "ocp", "dc1", "edge"]
    assert fleet.spec.standby == {"east": "west"}
    assert declared.service.spec.secrets["DB_PASSWORD"].path == "kv/web/db"
    assert effective(declared.service, fleet.spec.targets["edge"]).spec.env == {"LOG_LEVEL": "debug"}


def test_without_a_fleet_this_machine_and_three_renderings_are_meant() -> None:
    targets = load.fleet(None).spec.targets
    assert [(name, each.platform) for name, each in targets.items()] == [
        ("local", "host"),
        ("kubernetes", "kubernetes"),
        ("openshift", "openshift"),
        ("vsphere", "vsphere"),
    ]
    local = targets["local"]
    assert isinstance(local, HostTarget)
    assert (local.hosts, local.via) == (("localhost",), "local")


@pytest.mark.parametrize(
    ("line", "code", "place"),
    [
        ("    a: {platform: host, os: alpine-3.99}", "TRM0117", "6:25"),
        ("    a: {platform: aws}", "TRM0112", "6:5"),
        ("    a: {namespace: x}", "TRM0112", "6:5"),
        ("    a: {platform: host, namespace: x}", "TRM0110", "6:25"),
        ("    a: {platform: kubernetes, namspace: x}", "TRM0110", "6:31"),
        ("    a: {platform: vsphere, url: 'http://x'}", "TRM0112", "6:28"),
        ("    a: {platform: host, hosts: []}", "TRM0112", "6:25"),
        ("    a: {platform: host}\n  standby: {a: b}", "TRM0118", "7:13"),
        ("    A: {platform: host}", "TRM0112", "6:5"),
        ("    a: {platform: host, overrides: {web: {prots: {}}}}", "TRM0110", "6:43"),
        ("    a: {platform: host, overrides: {web: {ports: {http: 0}}}}", "TRM0112", "6:51"),
        ("    a: {platform: host, overrides: {web: {ports: null}}}", "TRM0115", None),
        ("    a: {platform: host, overrides: {web: {env: {T_TOKEN: x}}}}", "TRM0114", "6:49"),
    ],
)
def test_mistakes_in_a_fleet_are_placed_in_the_fleet(
    read: Reader, line: str, code: str, place: str | None
) -> None:
    service = read.spec(BASE)
    error = refusal(lambda: read.fleet(FLEET + line + "\n", service))
    assert {each[0] for each in said(error)} == {code}
    assert place in (None, said(error)[0][1])
    assert all(each.where is not None and each.where.file.endswith("fleet.yaml") for each in error.problems)


def test_a_service_is_no_fleet(read: Reader) -> None:
    error = refusal(lambda: load.fleet("examples/podinfo/service.yaml"))
    assert said(error) == [("TRM0113", "5:1", "kind")]


def test_the_target_wins_over_the_platform_and_null_removes(read: Reader) -> None:
    service = read.spec(
        BASE
        + "  overrides: {host: {env: {A: null, B: three, C: four}, routes: null, command: {args: [x]}}}\n"
    )
    fleet = read.fleet(
        FLEET
        + "    a: {platform: host, overrides: {web: {env: {B: null, D: five}}}}\n    b: {platform: host}\n"
        "    c: {platform: kubernetes}\n",
        service,
    )
    here = effective(service, fleet.spec.targets["a"]).spec
    assert here.env == {"C": "four", "D": "five"}
    assert here.routes == {}
    assert here.command.args == ("x",)
    assert effective(service, fleet.spec.targets["b"]).spec.env == {"B": "three", "C": "four"}
    assert effective(service, fleet.spec.targets["c"]) == service


def test_numbers_in_an_override_keep_how_they_were_written(read: Reader) -> None:
    service = read.spec(
        BASE + "  overrides: {host: {env: {V: 1.20, W: off}, resources: {limits: {cpu: 0.50}}}}\n"
    )
    here = effective(service, HostTarget(platform="host")).spec
    assert (here.env["V"], here.env["W"]) == ("1.20", "off")
    assert str(here.resources.limits.cpu) == "500m"


def test_an_override_that_breaks_the_whole_is_placed_at_the_override(read: Reader) -> None:
    error = read.refused_spec(BASE + "  overrides:\n    host: {ports: {http: null, web: 81}}\n")
    assert {each[0] for each in said(error)} == {"TRM0115"}
    assert {each.where.line for each in error.problems if each.where} == {11}
    assert all(each.what.startswith("with the override: ") for each in error.problems)


def test_a_setting_is_looked_for_at_the_target_the_platform_and_the_target_itself(read: Reader) -> None:
    service = read.spec("  overrides: {vsphere: {template: from-platform}}\n")
    plain = VSphereTarget(platform="vsphere", template="own")
    assert setting(service, plain, "template") == "from-platform"
    other = read.fleet(
        FLEET + "    a: {platform: vsphere, template: own, overrides: {web: {template: mine}}}\n", service
    ).spec.targets["a"]
    assert setting(service, other, "template") == "mine"
    assert setting(read.spec(""), plain, "template") == "own"
    assert setting(service, KubernetesTarget(platform="kubernetes"), "template") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=8,
)
MAPPING = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@settings(max_examples=150)
@given(MAPPING, MAPPING)
def test_a_merge_is_the_merge_patch_of_rfc_7386(base: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((base, patch))
    result = merged(base, patch)
    assert (base, patch) == before
    assert merged(result, patch) == result
    for key, change in patch.items():
        if change is None:
            assert key not in result
        elif not isinstance(change, dict):
            assert result[key] == change
        else:
            assert result[key] == merged(base.get(key) if isinstance(base.get(key), dict) else {}, change)
    assert {key: value for key, value in base.items() if key not in patch} == {
        key: value for key, value in result.items() if key not in patch
    }


LOCKED = "  volumes: {v: {mount: /srv/v, size: 1Gi, encrypted: required}}\n"


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("{platform: kubernetes}", "6:5"),
        ("{platform: openshift, storage: {class: plain}}", "6:30"),
    ],
)
def test_a_cluster_without_a_class_that_encrypts_is_refused_where_one_is_required(
    read: Reader, target: str, place: str
) -> None:
    service = read.spec(LOCKED)
    error = refusal(lambda: read.fleet(FLEET + f"    a: {target}\n", service))
    assert [each[:2] for each in said(error)] == [("TRM0119", place)]
    assert "spec.targets.a.storage.encrypted" in error.problems[0].fix


@pytest.mark.parametrize(
    "target",
    [
        "{platform: kubernetes, storage: {encrypted: locked}}",
        "{platform: kubernetes, select: {team: other}}",
        "{platform: kubernetes, overrides: {web: {volumes: {v: {encrypted: preferred}}}}}",
        "{platform: host}",
    ],
)
def test_a_target_that_need_not_encrypt_is_taken(read: Reader, target: str) -> None:
    fleet = read.fleet(FLEET + f"    a: {target}\n", read.spec(LOCKED))
    assert list(fleet.spec.targets) == ["a"]
