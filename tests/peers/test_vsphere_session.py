"""The vSphere session against a real vCenter simulator, which govc looks at and meddles with."""

import gc
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import pytest
from pyVmomi import vim
from tests.crash.vsphere_center import MADE, TEMPLATE, Center, running
from tests.peers.vcenter_between import Between, BrokenOffError, between

from trimaran.action import ABSENT, Action, Health, Landed, Object, Scope, Undo, Verb
from trimaran.errors import Exit, TrimaranError
from trimaran.platform import Access, platform
from trimaran.platform.vsphere import keys
from trimaran.platform.vsphere.session import VSphereSession
from trimaran.spec.fleet import VSphereTarget
from trimaran.spec.service import Service

pytestmark = pytest.mark.peer
PASSWORD = "c4n4ry-correct-horse"
TARGET = "dc"
FACE = platform("vsphere")


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Center]:
    with running(tmp_path_factory.mktemp("center"), PASSWORD) as found:
        yield found


@pytest.fixture
def passing(center: Center) -> Iterator[Between]:
    with between(center) as found:
        yield found


def settings(center: Center, request: pytest.FixtureRequest, **more: Any) -> VSphereTarget:
    """The center, with a folder for this test alone."""
    return center.settings(**{"folder": f"trimaran/{request.node.name}"[:79], **more})


def session(where: VSphereTarget, password: str = PASSWORD) -> VSphereSession:
    access = Access(PurePath("/nowhere"), {}, lambda reference: password, lambda: datetime.now(UTC))
    return VSphereSession(TARGET, where, access)


def wanted(where: VSphereTarget, **spec: Any) -> Object:
    head = {"apiVersion": "trimaran.dev/v1alpha1", "kind": "PlatformAgnosticSpec"}
    document = {
        **head,
        "metadata": {"name": "web", "labels": {"tier": "front"}},
        "spec": {"binary": "b", **spec},
    }
    return FACE.render(Service.model_validate(document), TARGET, where, MADE).objects[0]


def action(verb: Verb, item: Object, key: str = "") -> Action:
    payload = {} if verb is Verb.DELETE else item.document
    before = ABSENT if verb is Verb.CREATE else None
    return Action(TARGET, verb, item.ref, payload, before, Undo.RESTORE, "ship web", key or str(verb))


def soon() -> float:
    return time.monotonic() + 60


def do(by: VSphereSession, verb: Verb, item: Object, key: str = "") -> bool:
    return by.apply(action(verb, item, key), 1, soon()).changed


def seen(by: VSphereSession, item: Object) -> Object:
    found = by.observe(Scope(TARGET, refs=(item.ref,)))
    assert found.gaps == ()
    return found.objects[0]


def paths(item: Object, by: VSphereSession) -> list[str]:
    return [change.path for change in FACE.diff(item, seen(by, item))]


def kinds(center: Center, since: int = 0) -> list[str]:
    """What happened in vCenter since an event, but for who logged in."""
    return [kind for key, kind, _ in center.events() if key > since and "Session" not in kind]


def now(center: Center) -> int:
    """The number of the newest event."""
    return max(key for key, _, _ in center.events())


def failure(by: VSphereSession, verb: Verb, item: Object, seconds: float = 60) -> TrimaranError:
    with pytest.raises(TrimaranError) as caught:
        by.apply(action(verb, item), 1, time.monotonic() + seconds)
    assert PASSWORD not in str(caught.value)
    return caught.value


VOLUMES = {"data": {"mount": "/var/lib/web", "size": "1G"}, "logs": {"mount": "/var/log/web", "size": "65Mi"}}


def test_a_machine_is_made_changed_and_removed(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, first = session(where), wanted(where, volumes=VOLUMES, ports={"http": 80})
    assert by.observe(Scope(TARGET)).objects == ()
    assert by.landed(action(Verb.CREATE, first)) is Landed.NO
    assert do(by, Verb.CREATE, first)
    assert by.landed(action(Verb.CREATE, first)) is Landed.YES
    assert paths(first, by) == []
    machine = center.machine("web-0", where.folder)
    assert machine is not None
    assert (machine["runtime"]["powerState"], machine["config"]["hardware"]["memoryMB"]) == ("poweredOn", 512)
    sizes = sorted(
        each["capacityInBytes"]
        for each in machine["config"]["hardware"]["device"]
        if "capacityInBytes" in each
    )
    assert sizes[:2] == [65 * 2**20, 954 * 2**20]  # 1G is rounded up to whole MiB

    limits = {"limits": {"cpu": "1500m", "memory": "1Gi"}}
    larger = {**VOLUMES, "data": {**VOLUMES["data"], "size": "2Gi"}, "more": {"mount": "/m", "size": "1Mi"}}
    second = wanted(where, volumes=larger, resources=limits)
    assert "spec.numCPUs" in paths(second, by)
    assert by.landed(action(Verb.UPDATE, second)) is Landed.NO
    assert do(by, Verb.UPDATE, second)
    assert paths(second, by) == []
    machine = center.machine("web-0", where.folder)
    assert machine is not None
    assert (machine["config"]["hardware"]["numCPU"], machine["config"]["hardware"]["memoryMB"]) == (2, 1536)
    assert machine["runtime"]["powerState"] == "poweredOn"

    assert by.landed(action(Verb.DELETE, second)) is Landed.NO
    assert do(by, Verb.DELETE, second)
    assert by.landed(action(Verb.DELETE, second)) is Landed.YES
    assert center.machine("web-0", where.folder) is None


def test_what_is_as_wanted_makes_no_task(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where, volumes=VOLUMES)
    do(by, Verb.CREATE, item)
    before = now(center)
    assert not do(by, Verb.CREATE, item)
    assert not do(by, Verb.UPDATE, item)
    assert kinds(center, before) == []
    do(by, Verb.DELETE, item)
    before = now(center)
    assert not do(by, Verb.DELETE, item)
    assert kinds(center, before) == []


def test_one_reconfiguration_changes_everything(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where, volumes=VOLUMES)
    do(by, Verb.CREATE, item)
    before = now(center)
    do(by, Verb.UPDATE, wanted(where, volumes=VOLUMES, env={"A": "b"}, resources={"requests": {"cpu": "4"}}))
    assert kinds(center, before).count("VmReconfiguredEvent") == 1


@pytest.mark.parametrize("secret", ["c4n4ry-hunter2-bird"])
def test_a_document_that_was_seen_puts_everything_back(
    center: Center, request: pytest.FixtureRequest, secret: str
) -> None:
    where = settings(center, request)
    by, item = (
        session(where),
        wanted(where, secrets={"TOKEN": {"from": "env", "path": "WEB_TOKEN"}}, env={"A": "1"}),
    )
    do(by, Verb.CREATE, item)
    before = seen(by, item)
    do(by, Verb.UPDATE, wanted(where))
    assert seen(by, item).document["spec"] != before.document["spec"]
    do(by, Verb.UPDATE, before)
    assert seen(by, item).document["spec"] == before.document["spec"]
    do(by, Verb.DELETE, item)
    do(by, Verb.CREATE, before)
    assert seen(by, item).document["spec"] == before.document["spec"]
    assert before.document["spec"]["extraConfig"]["guestinfo.trimaran.secret.TOKEN"] == "env:WEB_TOKEN"


MEDDLING: list[tuple[list[str], str]] = [
    (["vm.change", "-c", "3"], "spec.numCPUs"),
    (["vm.change", "-m", "2048"], "spec.memoryMB"),
    (
        ["vm.change", "-e", "guestinfo.trimaran.digest=sha256:0"],
        "spec.extraConfig[guestinfo.trimaran.digest]",
    ),
    (["vm.change", "-e", "guestinfo.trimaran.ports=http=1"], "spec.extraConfig[guestinfo.trimaran.ports]"),
    (["vm.change", "-e", "guestinfo.trimaran.labels=tier=back"], "metadata.labels.tier"),
    (["vm.change", "-e", "guestinfo.vendordata=IyEvYmluL3No"], "spec.extraConfig[guestinfo.vendordata]"),
    (["vm.change", "-e", "guestinfo.userdata=IyEvYmluL3No"], "spec.extraConfig[guestinfo.userdata]"),
    (["vm.power", "-off"], "status.power"),
    (["vm.network.change", "-net", "VM Network", "ethernet-0"], "spec.network"),
]


@pytest.mark.parametrize(("words", "path"), MEDDLING, ids=[path for _, path in MEDDLING])
def test_what_somebody_changes_by_hand_is_seen_and_put_back(
    center: Center, request: pytest.FixtureRequest, words: list[str], path: str
) -> None:
    where = settings(center, request, network="DC0_DVPG0", folder=f"trimaran/{abs(hash(path))}")
    by, item = session(where), wanted(where, ports={"http": 80})
    do(by, Verb.CREATE, item)
    machine = f"/DC0/vm/{where.folder}/web-0"
    verb, *rest = words
    if verb == "vm.power":
        center.govc(verb, *rest, machine)
    else:
        center.govc(verb, "-vm", machine, *rest)
    assert path in paths(item, by)
    assert do(by, Verb.UPDATE, item)
    assert paths(item, by) == []


def test_what_the_guest_writes_is_its_own(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    meddle = [
        "-e",
        "guestinfo.metadata=e30=",
        "-e",
        "guestinfo.userdata=---",
        "-e",
        "guestinfo.local-ipv4=10.0.0.1",
    ]
    center.govc("vm.change", "-vm", f"/DC0/vm/{where.folder}/web-0", *meddle)
    assert paths(item, by) == []
    assert not do(by, Verb.UPDATE, item)
    # A label changes no user data, so that what the guest wrote stays.
    other = wanted(where, ports={"http": 8080})
    assert do(by, Verb.UPDATE, other)
    assert seen(by, item).document["spec"]["extraConfig"]["guestinfo.userdata"] == "---"
    # What is not known any more cannot be put back.
    struck = seen(by, item)
    do(by, Verb.UPDATE, wanted(where, env={"A": "b"}))
    assert failure(by, Verb.UPDATE, struck).problems[0].code == "TRM0751"


def test_the_same_number_of_calls_sees_any_number_of_machines(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    where = settings(center, request, url=passing.url)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    counts = []
    for more in (0, 200):
        _make_many(by, where, more)
        began, before = time.monotonic(), len(passing.calls)
        assert len(by.observe(Scope(TARGET)).objects) == 1 + more
        counts.append(len(passing.calls) - before)
        print(f"{1 + more} machines: {counts[-1]} calls, {time.monotonic() - began:.2f} s")
    assert counts[0] == counts[1] <= 3
    fresh = session(where)
    before = len(passing.calls)
    fresh.observe(Scope(TARGET))
    assert len(passing.calls) - before <= 6


def _make_many(by: VSphereSession, where: VSphereTarget, count: int) -> None:
    folder, pool = by.inventory.folder(where.folder), by.inventory.pool(None)
    for number in range(count):
        told = {keys.SERVICE: "many", keys.MACHINE: f"many-{number}"}
        options = [vim.option.OptionValue(key=key, value=value) for key, value in told.items()]
        files = vim.vm.FileInfo(vmPathName="[LocalDS_0]")
        spec = vim.vm.ConfigSpec(
            name=f"many-{number}",
            files=files,
            extraConfig=options,
            guestId="otherGuest",
            numCPUs=1,
            memoryMB=64,
        )
        folder.CreateVM_Task(config=spec, pool=pool)


def test_pages_are_read_to_the_end(center: Center, request: pytest.FixtureRequest, passing: Between) -> None:
    where = settings(center, request, url=passing.url)
    by = session(where)
    by.inventory.make_folder(where.folder)
    _make_many(by, where, 7)
    few = b"<options><maxObjects>3</maxObjects></options>"
    passing.request = lambda name, body: re.sub(rb"<options.*?(/>|</options>)", few, body)
    assert len(by.observe(Scope(TARGET)).objects) == 7
    assert passing.calls.count("ContinueRetrievePropertiesEx") >= 2


def test_the_machine_of_somebody_else_is_left_alone(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where)
    by.inventory.make_folder(where.folder)
    _clone(center, TEMPLATE, where.folder, "web-0")
    assert by.observe(Scope(TARGET)).objects == ()
    assert FACE.service_of(seen(by, item)) is None
    before = now(center)
    for verb in Verb:
        assert failure(by, verb, item).problems[0].code == "TRM0748"
    assert kinds(center, before) == []


def test_a_copy_of_our_machine_is_not_ours(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    center.govc("vm.change", "-vm", f"/DC0/vm/{where.folder}/web-0", "-name", "web-0 old")
    assert by.observe(Scope(TARGET)).objects == ()
    assert by.landed(action(Verb.DELETE, item)) is Landed.YES


@pytest.mark.parametrize(
    "name", ["a/b", "100%", "c:\\d", "ünï", "\u202egnp", "x" * 80, "--help", "$(reboot)", "<a>&"]
)
def test_hostile_names_are_seen_as_they_are(
    center: Center, request: pytest.FixtureRequest, name: str
) -> None:
    where = settings(center, request, folder=f"trimaran/hostile {abs(hash(name))}")
    by = session(where)
    by.inventory.make_folder(where.folder)
    pool = by.inventory.pool(None)
    files = vim.vm.FileInfo(vmPathName="[LocalDS_0]")
    spec = vim.vm.ConfigSpec(name=name, files=files, guestId="otherGuest", numCPUs=1, memoryMB=64)
    by.inventory.folder(where.folder).CreateVM_Task(config=spec, pool=pool)
    item = wanted(where)
    ref = type(item.ref)(TARGET, "VirtualMachine", name, where.folder)
    found = by.observe(Scope(TARGET, refs=(ref,)))
    assert [each.ref.name for each in found.objects] == [name]


def _clone(center: Center, source: str, folder: str, name: str) -> None:
    center.govc(
        "vm.clone",
        "-vm",
        source,
        "-folder",
        f"/DC0/vm/{folder}",
        "-on=false",
        "-force",
        "-pool",
        "/DC0/host/DC0_C0/Resources",
        name,
    )


def test_a_session_that_was_ended_is_opened_again(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    where = settings(center, request, url=passing.url)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    for _ in range(2):
        key = by.client.content.sessionManager.currentSession.key
        center.govc("session.rm", key)
        assert do(by, Verb.RESTART, item, key)
    assert passing.calls.count("Login") == 3
    assert paths(item, by) == []


def test_who_is_not_let_in_is_told(center: Center, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    where = settings(center, request)
    (tmp_path / "no.pem").write_text("nothing")
    wrong = [
        (session(where, "wrong"), "TRM0742", Exit.AUTHENTICATION),
        (session(center.settings(user="nobody@vsphere.local")), "TRM0742", Exit.AUTHENTICATION),
        (session(center.settings(user=None)), "TRM0742", Exit.AUTHENTICATION),
        (session(center.settings(ca=None)), "TRM0741", Exit.AUTHENTICATION),
        # A file of ours that is no good is no word of the vCenter's.
        (session(center.settings(ca=str(tmp_path / "no.pem"))), "TRM0741", Exit.ERROR),
        (session(center.settings(ca=str(tmp_path / "absent.pem"))), "TRM0741", Exit.ERROR),
        (
            session(center.settings(url=f"https://localhost:{center.address.split(':')[1]}/sdk")),
            "TRM0741",
            Exit.AUTHENTICATION,
        ),
    ]
    for by, code, status in wrong:
        with pytest.raises(TrimaranError) as looking:
            by.observe(Scope(TARGET))
        with pytest.raises(TrimaranError) as after:
            by.landed(action(Verb.CREATE, wanted(where)))
        for caught in (looking, after):
            assert (caught.value.problems[0].code, caught.value.status) == (code, status)
            assert "wrong" not in str(caught.value)


def test_a_wrong_password_is_tried_once(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    by = session(settings(center, request, url=passing.url), "wrong")
    for _ in range(3):
        with pytest.raises(TrimaranError):
            by.observe(Scope(TARGET))
    assert passing.calls.count("Login") == 1


def test_a_session_that_nobody_needs_is_ended(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    by = session(settings(center, request, url=passing.url))
    by.observe(Scope(TARGET))
    del by
    gc.collect()
    assert passing.calls[-1] == "Logout"


def test_who_does_not_answer_is_told(center: Center, request: pytest.FixtureRequest) -> None:
    urls = [
        "https://127.0.0.1:1/sdk",
        "https://vcenter.invalid/sdk",
        f"https://{center.address}/nowhere",
        "https://127.0.0.1:99999/sdk",
        f"https://{center.address}/about",
    ]
    for url in urls:
        with pytest.raises(TrimaranError) as caught:
            session(settings(center, request, url=url)).observe(Scope(TARGET))
        assert (caught.value.problems[0].code, caught.value.status) == ("TRM0740", Exit.PARTIAL), url


MISSING = {
    "datacenter": ({"datacenter": "DC1"}, "DC0"),
    "template": ({"template": "debain-12"}, "debian-12"),
    "resource pool": ({"pool": "DC0_C1/Resources"}, "DC0_C0/Resources"),
    "datastore": ({"datastore": "LocalDS"}, "LocalDS_0"),
    "network": ({"network": "VM Netwerk"}, "VM Network"),
    "storage policy": ({"encryptionPolicy": "VM Encryption"}, "VM Encryption Policy"),
}


@pytest.mark.parametrize("what", MISSING)
def test_a_name_that_vcenter_lacks_is_told_with_near_ones(
    center: Center, request: pytest.FixtureRequest, what: str
) -> None:
    more, near = MISSING[what]
    where = settings(center, request, **more)
    volumes = {"data": {"mount": "/var/lib/web", "size": "1Gi", "encrypted": "required"}}
    item = wanted(where, volumes=volumes if what == "storage policy" else {})
    problem = failure(session(where), Verb.CREATE, item).problems[0]
    assert problem.code == "TRM0745"
    assert what in problem.what
    assert near in problem.fix


def test_a_volume_that_must_be_encrypted_is_never_made_plain(
    center: Center, request: pytest.FixtureRequest
) -> None:
    volumes = {"data": {"mount": "/var/lib/web", "size": "1Gi", "encrypted": "required"}}
    where = settings(center, request)
    assert failure(session(where), Verb.CREATE, wanted(where, volumes=volumes)).problems[0].code == "TRM0749"
    assert center.machine("web-0", where.folder) is None
    # The simulator takes the policy and encrypts nothing, and that is what is said.
    named = settings(center, request, encryptionPolicy="VM Encryption Policy")
    problem = failure(session(named), Verb.CREATE, wanted(named, volumes=volumes)).problems[0]
    assert problem.code == "TRM0754"
    assert "encrypted" in problem.what


def test_a_machine_starts_from_a_disk_that_stays(center: Center, request: pytest.FixtureRequest) -> None:
    center.govc("datastore.mkdir", "-ds", "LocalDS_0", "-p", "images")
    center.govc("datastore.disk.create", "-ds", "LocalDS_0", "-size", "10MB", "images/debian.vmdk")
    where = settings(
        center, request, template=None, disk="[LocalDS_0] images/debian.vmdk", network="VM Network"
    )
    by, item = session(where), wanted(where, volumes=VOLUMES)
    assert do(by, Verb.CREATE, item)
    assert paths(item, by) == []
    machine = center.machine("web-0", where.folder)
    assert machine is not None
    backings = [
        each["backing"] for each in machine["config"]["hardware"]["device"] if "capacityInBytes" in each
    ]
    assert [each["parent"]["fileName"] for each in backings if each.get("parent")] == [where.disk]
    assert do(by, Verb.DELETE, item)
    assert "debian.vmdk" in center.govc("datastore.ls", "-ds", "LocalDS_0", "images")


def test_a_task_that_fails_says_why(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request, template=None, disk="[LocalDS_0] nowhere/absent.vmdk")
    by, item = session(where), wanted(where)
    error = failure(by, Verb.CREATE, item)
    assert (error.problems[0].code, error.status) == ("TRM0746", Exit.ERROR)
    assert "InvalidDeviceSpec" in error.problems[0].what
    assert "parent.fileName" in error.problems[0].what
    assert by.landed(action(Verb.CREATE, item)) is Landed.NO


def test_a_task_that_never_ends_is_named_at_the_deadline(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    where = settings(center, request, url=passing.url)
    by, item = session(where), wanted(where)
    passing.answer = lambda name, body: body.replace(b">success</val>", b">running</val>")
    error = failure(by, Verb.CREATE, item, 2)
    assert error.problems[0].code == "TRM0747"
    assert "task-" in error.problems[0].what
    assert by.landed(action(Verb.CREATE, item)) is Landed.UNKNOWN
    passing.answer = lambda name, body: body
    assert (
        by.landed(action(Verb.CREATE, item)) is Landed.YES
    )  # and off, since the simulator forgot to start it
    assert paths(item, by) == ["status.power"]
    assert do(by, Verb.UPDATE, item)
    assert paths(item, by) == []


def test_a_vcenter_that_goes_away_during_a_write_leaves_it_open(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    where = settings(center, request, url=passing.url)
    by, item = session(where), wanted(where)

    def gone(name: str, body: bytes) -> bytes:
        if gone_from in passing.calls:
            raise BrokenOffError
        return body

    gone_from = "CloneVM_Task"
    passing.answer = gone
    before = now(center)
    error = failure(by, Verb.CREATE, item)
    assert (error.problems[0].code, error.status) == ("TRM0740", Exit.PARTIAL)
    with pytest.raises(TrimaranError):
        by.landed(action(Verb.CREATE, item))
    passing.answer = lambda name, body: body
    assert by.landed(action(Verb.CREATE, item)) is Landed.YES
    assert do(by, Verb.CREATE, item)  # switches it on, and makes no second one
    assert kinds(center, before).count("VmCreatedEvent") == 1
    assert paths(item, by) == []


def test_a_change_names_the_version_it_was_made_for(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    where = settings(center, request, url=passing.url)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    version = seen(by, item).live["changeVersion"].encode()
    asked = []

    def refuse(name: str, body: bytes) -> bytes:
        # The simulator does not compare versions, so somebody does it for it.
        if name == "ReconfigVM_Task":
            asked.append(b"<changeVersion>" + version + b"</changeVersion>" in body)
        return body

    def conflict(name: str, body: bytes) -> bytes:
        if name != "ReconfigVM_Task":
            return body
        return CONFLICT

    passing.request, passing.answer = refuse, conflict
    assert failure(by, Verb.UPDATE, wanted(where, ports={"http": 8})).problems[0].code == "TRM0757"
    assert asked == [True]


CONFLICT = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    b'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
    b"<faultcode>ServerFaultCode</faultcode><faultstring>changed</faultstring><detail>"
    b'<ConcurrentAccessFault xmlns="urn:vim25" xsi:type="ConcurrentAccess"/></detail>'
    b"</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


def test_what_needs_no_restart_gets_none(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where, resources={"requests": {"cpu": "1"}})
    do(by, Verb.CREATE, item)
    center.govc("vm.change", "-vm", f"/DC0/vm/{where.folder}/web-0", "-cpu-hot-add-enabled=true")
    before = now(center)
    do(by, Verb.UPDATE, wanted(where, resources={"requests": {"cpu": "2"}}, ports={"http": 1234}))
    assert kinds(center, before) == ["VmReconfiguredEvent"]
    before = now(center)
    do(
        by, Verb.UPDATE, wanted(where, resources={"requests": {"cpu": "1"}})
    )  # less is not added while it runs
    assert "VmPoweredOffEvent" in kinds(center, before)


def test_a_guest_with_tools_is_asked_to_end(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    where = settings(center, request, url=passing.url)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    assert FACE.judge(seen(by, item)) is Health.READY
    passing.answer = lambda name, body: body.replace(b">toolsNotInstalled<", b">toolsNotRunning<")
    assert FACE.judge(seen(by, item)) is Health.PROGRESSING
    passing.answer = lambda name, body: body.replace(b">toolsNotInstalled<", b">toolsOk<").replace(
        b">guestToolsNotRunning<", b">guestToolsRunning<"
    )
    assert seen(by, item).document["status"]["tools"] == "running"
    passing.calls.clear()
    assert do(by, Verb.RESTART, item, "now")
    assert "ShutdownGuest" in passing.calls
    assert "PowerOffVM_Task" not in passing.calls


def test_a_restart_happens_once(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    before, document = now(center), seen(by, item).document["spec"]
    assert by.landed(action(Verb.RESTART, item, "one")) is Landed.NO
    assert do(by, Verb.RESTART, item, "one")
    assert by.landed(action(Verb.RESTART, item, "one")) is Landed.YES
    assert not do(by, Verb.RESTART, item, "one")
    assert do(by, Verb.RESTART, item, "two")
    assert kinds(center, before).count("VmPoweredOnEvent") == 2
    assert seen(by, item).document["spec"] == document


def test_what_would_lose_a_disk_is_refused(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where, volumes=VOLUMES)
    do(by, Verb.CREATE, item)
    smaller = wanted(where, volumes={**VOLUMES, "logs": {"mount": "/var/log/web", "size": "1Mi"}})
    for other in (
        smaller,
        wanted(where),
        wanted(where.model_copy(update={"template": "another"}), volumes=VOLUMES),
    ):
        changes = FACE.diff(other, seen(by, item))
        assert any(change.immutable for change in changes)
        assert failure(by, Verb.UPDATE, other).problems[0].code == "TRM0756"
    assert paths(item, by) == []


def test_a_snapshot_tells_the_state_and_what_happened(center: Center, request: pytest.FixtureRequest) -> None:
    where = settings(center, request)
    by, item = session(where), wanted(where)
    do(by, Verb.CREATE, item)
    texts = by.snapshot(Scope(TARGET, "web"), soon()).texts
    assert '"power": "poweredOn"' in texts["web-0 status"]
    assert "powered on" in texts["events"]
    with pytest.raises(TrimaranError) as caught:
        by.dial(item.ref, 80)
    assert caught.value.problems[0].code == "TRM0759"


def test_what_a_template_was_told_is_not_inherited(
    center: Center, request: pytest.FixtureRequest, passing: Between
) -> None:
    where = settings(center, request, url=passing.url)
    by, old = (
        session(where),
        wanted(where, secrets={"TOKEN": {"from": "env", "path": "OLD"}}, volumes=VOLUMES),
    )
    do(by, Verb.CREATE, old)
    machine = f"/DC0/vm/{where.folder}/web-0"
    center.govc("vm.change", "-vm", machine, "-e", "guestinfo.vendordata=IyEvYmluL3No", "-name", "golden")
    after = where.model_copy(update={"template": f"{where.folder}/golden"})
    asked: list[bytes] = []

    def look(name: str, body: bytes) -> bytes:
        if name == "CloneVM_Task":
            asked.append(body)
        return body

    passing.request = look
    item = wanted(after)
    do(session(after), Verb.CREATE, item)
    # The simulator forgets a template's keys, so that what is asked for is looked at.
    for key in (b"guestinfo.vendordata", b"guestinfo.trimaran.secret.TOKEN", b"guestinfo.trimaran.units"):
        assert re.search(rb"<key>" + re.escape(key) + rb"</key><value[^>]*?(/>|></value>)", asked[0]), key
    assert paths(item, by) == []
