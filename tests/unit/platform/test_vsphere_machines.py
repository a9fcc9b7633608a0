"""What a machine is rendered as, in what two differ, and whose it is; without any vCenter."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.action import Health, Object, ObjectRef
from trimaran.platform import Made, Rendering, platform
from trimaran.platform.vsphere import keys
from trimaran.spec.fleet import VSphereTarget
from trimaran.spec.service import Service

MADE = Made("sha256:" + "a" * 64, "web", "registry.invalid/web", image_is_pinned=False)
FACE = platform("vsphere")
VOLUME = {"mount": "/var/lib/web", "size": "1Gi", "encrypted": "no"}


def rendering(target: dict[str, Any] | None = None, **spec: Any) -> Rendering:
    head = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "PlatformAgnosticSpec"}
    document = {
        **head,
        "metadata": {"name": "web", "labels": {"tier": "front"}},
        "spec": {"binary": "b", **spec},
    }
    settings = VSphereTarget.model_validate(
        {"platform": "vsphere", "template": "debian-12", **(target or {})}
    )
    return FACE.render(Service.model_validate(document), "dc", settings, MADE)


def wanted(target: dict[str, Any] | None = None, **spec: Any) -> Object:
    return rendering(target, **spec).objects[0]


def seen(item: Object, **status: Any) -> Object:
    """The machine as vCenter would show it: as wanted, with what it adds."""
    document = copy.deepcopy(dict(item.document))
    document["spec"] |= {"network": "VM Network", "pool": "C0/Resources", "datastore": "one"}
    document["status"] = {"power": "poweredOn", "connection": "connected", "tools": "running", **status}
    return Object(item.ref, document)


def changed(item: Object, path: list[str], value: Any) -> Object:
    document = copy.deepcopy(dict(item.document))
    within: Any = document
    for part in path[:-1]:
        within = within[part]
    if value is None:
        del within[path[-1]]
    else:
        within[path[-1]] = value
    return Object(item.ref, document)


def paths(one: Object, other: Object) -> list[str]:
    return [change.path for change in FACE.diff(one, other)]


def test_what_vcenter_adds_is_no_difference() -> None:
    item = wanted(volumes={"data": VOLUME}, ports={"http": 80})
    assert FACE.diff(item, seen(item)) == ()
    assert FACE.left_alone(item, seen(item)) == ()


@pytest.mark.parametrize(
    ("path", "value", "told", "immutable"),
    [
        (["spec", "numCPUs"], 9, "spec.numCPUs", False),
        (["spec", "memoryMB"], 9, "spec.memoryMB", False),
        (["spec", "template"], "debian-11", "spec.template", True),
        (["spec", "disks"], None, "spec.disks[name=data]", False),
        (["metadata", "labels"], {}, "metadata.labels.tier", False),
        (["spec", "extraConfig", keys.DIGEST], "sha256:0", f"spec.extraConfig[{keys.DIGEST}]", False),
        (["spec", "extraConfig", keys.SERVICE], None, f"spec.extraConfig[{keys.SERVICE}]", False),
        (["spec", "extraConfig", keys.OURS + "extra"], "x", f"spec.extraConfig[{keys.OURS}extra]", False),
        (["status", "power"], "poweredOff", "status.power", False),
        (["status", "power"], "suspended", "status.power", False),
    ],
)
def test_each_field_that_is_ours_is_compared(path: list[str], value: Any, told: str, immutable: bool) -> None:
    item = wanted(volumes={"data": VOLUME})
    found = FACE.diff(item, changed(seen(item), path, value))
    assert told in [change.path for change in found]
    assert next(change for change in found if change.path == told).immutable is immutable


@pytest.mark.parametrize(
    ("size", "expected"), [("1Gi", None), ("1073741800", None), ("1025Mi", False), ("1023Mi", True)]
)
def test_a_disk_grows_and_never_shrinks(size: str, expected: bool | None) -> None:
    item, other = wanted(volumes={"data": VOLUME}), wanted(volumes={"data": {**VOLUME, "size": size}})
    found = [change.immutable for change in FACE.diff(other, seen(item)) if "disks" in change.path]
    assert found == ([] if expected is None else [expected])


def test_a_disk_is_neither_taken_away_nor_encrypted_in_place() -> None:
    item = wanted(volumes={"data": VOLUME})
    target = {"encryptionPolicy": "aes"}
    for other in (wanted(), wanted(target, volumes={"data": {**VOLUME, "encrypted": "required"}})):
        found = [change for change in FACE.diff(other, seen(item)) if "disks" in change.path]
        assert [change.immutable for change in found] == [True]


@pytest.mark.parametrize("written", ["", "---"])
def test_what_cloud_init_does_to_its_keys_is_no_difference(written: str) -> None:
    item = wanted()
    told = dict(seen(item).document["spec"]["extraConfig"])
    told |= {"guestinfo.userdata": written, "guestinfo.metadata": "e30=", "guestinfo.userdata.encoding": ""}
    assert paths(item, changed(seen(item), ["spec", "extraConfig"], told)) == []
    # Under another digest it is all to be written anew.
    other = wanted(env={"A": "b"})
    assert "spec.extraConfig[guestinfo.userdata]" in paths(
        other, changed(seen(item), ["spec", "extraConfig"], told)
    )


def test_user_data_of_somebody_else_is_a_difference_a_person_can_read() -> None:
    item = wanted()
    told = dict(seen(item).document["spec"]["extraConfig"]) | keys.encoded(
        "guestinfo.userdata", "#!/bin/sh\nevil"
    )
    found = FACE.diff(item, changed(seen(item), ["spec", "extraConfig"], told))
    assert [change.before for change in found] == ["#!/bin/sh\nevil"]
    assert str(found[0].after).startswith("#cloud-config\n")


def test_the_same_text_in_another_encoding_is_no_difference() -> None:
    item = wanted(files={"/etc/a": {"content": "line\n" * 5000}})
    told = dict(item.document["spec"]["extraConfig"])
    assert told["guestinfo.userdata.encoding"] == "gzip+base64"
    plain = {
        "guestinfo.userdata": keys.decoded(told, "guestinfo.userdata"),
        "guestinfo.userdata.encoding": "",
    }
    assert paths(item, changed(seen(item), ["spec", "extraConfig"], told | plain)) == []


def test_where_vsphere_moves_a_machine_is_left_to_it() -> None:
    item = wanted({"datastore": "two", "pool": "C0/Resources"})
    assert paths(item, seen(item)) == []
    moved = changed(seen(item), ["spec", "datastore"], "three")
    assert paths(item, moved) == []
    assert [(each.path, each.before, each.after) for each in FACE.left_alone(item, moved)] == [
        ("spec.datastore", "three", None)
    ]


def test_a_document_that_was_seen_of_a_machine_that_was_off_wants_it_off() -> None:
    item = wanted()
    was_off = seen(item, power="poweredOff")
    assert paths(was_off, seen(item)) == ["status.power"]
    assert paths(was_off, was_off) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, Health.READY),
        ({"tools": "notInstalled"}, Health.READY),
        ({"tools": "notRunning"}, Health.PROGRESSING),
        ({"power": "poweredOff"}, Health.FAILED),
        ({"power": "suspended"}, Health.FAILED),
        ({"question": "the disk was moved or copied?"}, Health.FAILED),
        ({"connection": "disconnected"}, Health.UNKNOWN),
        ({"connection": "inaccessible", "power": "poweredOff"}, Health.UNKNOWN),
    ],
)
def test_a_machine_is_judged_by_its_own_state(status: dict[str, str], expected: Health) -> None:
    assert FACE.judge(seen(wanted(), **status)) is expected


def test_a_rendered_machine_is_not_judged() -> None:
    assert FACE.judge(wanted()) is Health.UNKNOWN


def test_a_machine_is_ours_by_its_key_and_its_name() -> None:
    item = wanted()
    assert FACE.service_of(item) == "web"
    copied = Object(ObjectRef("dc", "VirtualMachine", "web-0 copy", "trimaran"), item.document)
    assert FACE.service_of(copied) is None
    assert (
        FACE.service_of(Object(item.ref, {"metadata": {"labels": {"trimaran.dev/service": "web"}}})) is None
    )


def test_a_machine_stands_on_its_host_stores_networks_and_template() -> None:
    item = seen(wanted(), host="esx-1", datastores=["one", "two"], networks=["VM Network"])
    found = [(edge.b.kind, edge.b.name, edge.evidence) for edge in FACE.edges((item,))]
    assert found == [
        ("Datastore", "one", "status.datastores"),
        ("Datastore", "two", "status.datastores"),
        ("HostSystem", "esx-1", "status.host"),
        ("Network", "VM Network", "status.networks"),
        ("Template", "debian-12", "spec.template"),
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, {"template": "debian-12"}),
        ({"disk": "[one] a.vmdk"}, {"template": "debian-12"}),
        ({"template": None, "disk": "[one] a.vmdk"}, {"disk": "[one] a.vmdk"}),
        ({"template": None}, {"template": ""}),
    ],
)
def test_a_machine_is_made_from_a_template_or_else_a_disk(
    target: dict[str, Any], expected: dict[str, str]
) -> None:
    found = rendering(target)
    spec = found.objects[0].document["spec"]
    assert {name: spec[name] for name in ("template", "disk") if name in spec} == expected
    assert any("template" in loss.field for loss in found.losses) is not any(expected.values())


def test_encryption_without_a_policy_is_told() -> None:
    volumes = {"data": {**VOLUME, "encrypted": "required"}}
    without, having = rendering(volumes=volumes), rendering({"encryptionPolicy": "aes"}, volumes=volumes)
    assert "volumes.data.encrypted" in [loss.field for loss in without.losses]
    assert "volumes.data.encrypted" not in [loss.field for loss in having.losses]
    assert having.objects[0].document["spec"]["encryptionPolicy"] == "aes"
    assert "encryptionPolicy" not in rendering({"encryptionPolicy": "aes"}).objects[0].document["spec"]


def test_new_user_data_or_another_binary_is_another_instance() -> None:
    def instance(item: Object) -> str:
        return keys.decoded(item.document["spec"]["extraConfig"], "guestinfo.metadata")

    assert instance(wanted()) == instance(wanted())
    assert instance(wanted()) != instance(wanted(env={"A": "b"}))


def test_secrets_are_references_only() -> None:
    item = wanted(secrets={"TOKEN": {"from": "vault", "path": "kv/web", "key": "token"}})
    assert item.document["spec"]["extraConfig"]["guestinfo.trimaran.secret.TOKEN"] == "vault:kv/web#token"


@given(st.text())
def test_what_is_encoded_is_decoded(text: str) -> None:
    assert (
        keys.decoded(keys.encoded("k", text.encode("utf-8", "replace").decode()), "k")
        == text.encode("utf-8", "replace").decode()
    )


@given(st.text(), st.sampled_from(["", "base64", "b64", "gzip+base64", "gz+b64", "rot13"]))
def test_what_a_guest_wrote_never_breaks_the_reading(value: str, encoding: str) -> None:
    assert isinstance(keys.decoded({"k": value, "k.encoding": encoding}, "k"), str)
    assert isinstance(keys.pairs(value), dict)


def test_a_bomb_in_a_key_is_not_unpacked() -> None:
    bomb = keys.encoded("k", "a" * (1 << 26))
    assert len(keys.decoded(bomb, "k")) <= 1 << 24


def test_labels_come_back_from_their_text() -> None:
    labels = {"tier": "front", "example.com/owner": "team-a"}
    assert keys.pairs(keys.labels_text(labels)) == labels
