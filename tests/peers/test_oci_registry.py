"""Images are pulled from a real registry, and become what a real tool unpacks."""

import base64
import hashlib
import json
import os
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.registry import NAME, SECRET, Tokens, passwords, registry, run
from tests.rootfs import rootfs
from tests.world import World, world

pytestmark = pytest.mark.peer
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Of Alpine's tree its programs and libraries; the rest of its 80 MB would only take time.
PARTS = ("bin", "etc", "lib/apk", "lib/ld-musl-x86_64.so.1", "sbin", "usr/bin")


class Images:
    """Images that were pushed: a layout that umoci made, the storage of registries, and a place to work."""

    def __init__(self, work: Path) -> None:
        self.work, self.layout, self.storage = work, work / "layout", work / "storage"

    def make(self) -> None:
        """A layer of Alpine's tree, then one that takes away, changes and adds."""
        image = f"{self.layout}:alpine"
        run("umoci", "init", "--layout", str(self.layout))
        run("umoci", "new", "--image", image)
        for part in PARTS:
            run("umoci", "insert", "--image", image, str(rootfs("alpine-3.23") / part), f"/{part}")
        change = self.work / "change"
        change.mkdir()
        (change / "new").write_text("new")
        (change / "way").symlink_to("/etc/../../../../etc/alpine-release")
        run("umoci", "insert", "--image", image, "--whiteout", "/etc/motd")
        run("umoci", "insert", "--image", image, "--opaque", str(change), "/etc/init.d")

    def push(self, host: str, name: str, *more: str) -> None:
        run("skopeo", "copy", "--quiet", "--dest-tls-verify=false", *more,
            f"oci:{self.layout}:alpine", f"docker://{host}/{name}")  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    made = Images(tmp_path_factory.mktemp("images"))
    made.make()
    with registry(made.storage, made.work) as host:
        made.push(host, "team/alpine:3.23")
        made.push(host, "team/docker:1", "--format", "v2s2")
        made.push(host, "team/zstd:1", "--dest-compress-format", "zstd")
        _push_index(host)
    return made


def _push_index(host: str) -> None:
    """An index over the image for two platforms that are not there, and for this one."""
    base = f"http://{host}/v2/team/alpine/manifests"
    ask = urllib.request.Request(f"{base}/3.23", headers={"Accept": MANIFEST})
    with urllib.request.urlopen(ask, timeout=20) as answer:
        content = answer.read()
    entry = {"mediaType": MANIFEST, "digest": _digest(content), "size": len(content)}
    entries = [
        {**entry, "platform": {"os": "linux", "architecture": each}} for each in ("s390x", "amd64", "ppc64le")
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    put = urllib.request.Request(f"{base}/many", index, {"Content-Type": INDEX}, method="PUT")
    with urllib.request.urlopen(put, timeout=20) as answer:
        assert answer.status == 201


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as found:
        found.environment["DOCKER_CONFIG"] = str(tmp_path / "docker")
        yield found


def listing(root: Path) -> dict[str, tuple[str, int, str]]:
    """Name → kind, permissions and content of everything in a tree."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                row = ("link", 0, str(path.readlink()))
            elif stat.S_ISDIR(mode):
                row = ("folder", 0, "")
            else:
                row = ("file", stat.S_IMODE(mode) & 0o777 | 0o400, _digest(path.read_bytes()))
            found[str(path.relative_to(root))] = row
    return found


def added(here: World, name: str) -> Path:
    return here.home / ".local/share/trimaran/rootfs" / name / "root"


@pytest.fixture(scope="module")
def oracle(images: Images) -> dict[str, tuple[str, int, str]]:
    """What umoci, a tool of the image specification's own people, unpacks."""
    bundle = images.work / "bundle"
    run("umoci", "unpack", "--image", f"{images.layout}:alpine", str(bundle))
    found = listing(bundle / "rootfs")
    assert len(found) > 700
    assert "etc/init.d/new" in found
    assert "etc/motd" not in found
    return found


@pytest.mark.parametrize("image", ["team/alpine:3.23", "team/docker:1", "team/zstd:1", "team/alpine:many"])
def test_what_is_pulled_is_what_another_tool_unpacks(
    here: World, images: Images, oracle: dict[str, tuple[str, int, str]], image: str
) -> None:
    with registry(images.storage, images.work) as host:
        done = here.run("rootfs", "add", "alpine-3.23", "--from", f"oci:{host}/{image}", "-o", "json")
    root = json.loads(done.stdout)["roots"][0]
    assert (root["libc"], root["libc_version"], root["machine"]) == ("musl", "1.2.5", "x86_64")
    assert root["contents"]["manager"] == "apk"
    assert root["origin"] == f"oci:{host}/{image.partition(':')[0]}@{root['digest']}"
    assert listing(added(here, "alpine-3.23")) == oracle


def test_a_layout_on_disk_and_a_digest_name_the_same(
    here: World, images: Images, oracle: dict[str, tuple[str, int, str]]
) -> None:
    done = here.run("rootfs", "add", "one", "--from", str(images.layout), "-o", "json")
    digest = json.loads(done.stdout)["roots"][0]["digest"]
    assert listing(added(here, "one")) == oracle
    with registry(images.storage, images.work) as host:
        here.run("rootfs", "add", "two", "--from", f"oci:{host}/team/alpine@{digest}")
        absent = here.run("rootfs", "add", "x", "--from", f"oci:{host}/team/alpine:absent", status=2)
        nowhere = here.run("rootfs", "add", "x", "--from", f"oci:{host}/team/nothing", status=2)
        other = here.run(
            "rootfs", "add", "x", "--from", f"oci:{host}/team/alpine:many", "--machine", "riscv64", status=2
        )
    assert "TRM1108" in absent.stderr
    assert "TRM1108" in nowhere.stderr
    assert "TRM1106" in other.stderr
    assert "linux/amd64" in other.stderr
    assert sorted(each.name for each in added(here, "x").parent.parent.iterdir() if each.is_dir()) == [
        "one",
        "two",
    ]


def login(here: World, host: str, secret: str) -> None:
    folder = Path(here.environment["DOCKER_CONFIG"])
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{NAME}:{secret}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def test_a_registry_with_passwords_lets_in_who_has_one(here: World, images: Images) -> None:
    with registry(images.storage, images.work, passwords(images.work)) as host:
        source = f"oci:{host}/team/alpine:3.23"
        nobody = here.run("rootfs", "add", "a", "--from", source, status=4)
        login(here, host, "wrong-secret")
        wrong = here.run("rootfs", "add", "a", "--from", source, status=4)
        login(here, host, SECRET)
        here.run("rootfs", "add", "a", "--from", source)
    assert "no credentials are known" in nobody.stderr
    assert f"refuses the credentials of {NAME}" in wrong.stderr
    assert "wrong-secret" not in wrong.stderr


def test_a_registry_with_tokens_lets_in_who_has_one(here: World, images: Images) -> None:
    """The registry is real and verifies each token; who signs them is ours."""
    tokens = Tokens(images.work)
    with tokens.serving() as auth, registry(images.storage, images.work, auth) as host:
        source = f"oci:{host}/team/alpine:3.23"
        here.run("rootfs", "add", "a", "--from", source)
        assert set(tokens.asked) == {""}
        login(here, host, SECRET)
        here.run("rootfs", "add", "b", "--from", source)
        assert tokens.asked[-1].startswith("Basic ")
        login(here, host, "wrong-secret")
        wrong = here.run("rootfs", "add", "c", "--from", source, status=4)
    assert f"refuses the credentials of {NAME}" in wrong.stderr
    assert "wrong-secret" not in wrong.stderr


def test_a_layer_that_was_changed_in_the_registrys_storage_is_refused(here: World, images: Images) -> None:
    """A registry that lies without knowing: a disk error, or somebody with access to its storage."""
    blobs = sorted(images.storage.rglob("blobs/sha256/*/*/data"), key=lambda path: path.stat().st_size)
    largest = next(path for path in reversed(blobs) if path.read_bytes().startswith(b"\x1f\x8b"))
    whole = largest.read_bytes()
    try:
        largest.write_bytes(whole[:-100] + bytes(100))
        with registry(images.storage, images.work) as host:
            done = here.run("rootfs", "add", "a", "--from", f"oci:{host}/team/alpine:3.23", status=2)
    finally:
        largest.write_bytes(whole)
    assert "TRM1107" in done.stderr
    assert not added(here, "a").exists()
