"""What is often said about hosts, tried. docs/beliefs.md tells the same in words."""

import bz2
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peers.booted import Booted, booted, kernel_limits
from tests.peers.whole_debian import whole_debian
from tests.rootfs import CACHE, PATH, MissingPeerError

pytestmark = pytest.mark.peer

_USES = """module go_env 1.0;
require {
  type usr_t;
  class dir { search read };
  class file { execute execute_no_trans };
}
allow golang_t usr_t:dir { search read };
"""
_DECLARES = """type golang_t;
type golang_exec_t;
allow golang_t golang_exec_t:file { execute execute_no_trans };
"""


@pytest.fixture(scope="module")
def policy() -> Path:
    """The modules of Debian's build of the SELinux reference policy."""
    return _package("selinux-policy-default") / "usr/share/selinux/default"


def _package(name: str) -> Path:
    """One of Debian's packages, unpacked; downloaded once."""
    ready = CACHE / f"{name}-1"
    if not ready.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f".{name}-") as folder:
            _apt(folder, "apt-get", "download", name)
            deb = next(Path(folder).glob("*.deb"))
            _apt(folder, "dpkg-deb", "-x", str(deb), "tree")
            shutil.move(Path(folder) / "tree", ready)
    return ready


def _apt(folder: str, *argv: str) -> None:
    done = subprocess.run(
        argv, cwd=folder, env={"PATH": PATH}, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise MissingPeerError(f"{argv[0]}: {done.stderr.strip()[-500:]}; try `apt-get update`")


def test_the_reference_policy_has_no_types_for_go(policy: Path) -> None:
    modules = {path.name: bz2.decompress(path.read_bytes()) for path in policy.glob("*.pp.bz2")}
    assert len(modules) > 100
    assert any(b"httpd_exec_t" in module for module in modules.values())
    for name in (b"golang_exec_t", b"golang_bin_t", b"golang_t"):
        assert not [each for each, module in modules.items() if name in module]


def test_a_policy_module_must_declare_the_types_that_it_uses(tmp_path: Path) -> None:
    compiler = _package("checkpolicy") / "usr/bin/checkmodule"

    def compiled(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "go_env.te").write_text(text, "utf-8")
        argv = [str(compiler), "-M", "-m", "-o", "go_env.mod", "go_env.te"]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    refused = compiled(_USES)
    assert refused.returncode == 1
    assert "unknown type golang_t" in refused.stderr
    assert not (tmp_path / "go_env.mod").exists()
    head, rule = _USES.split("allow")
    whole = compiled(f"{head}{_DECLARES}allow{rule}")
    assert whole.returncode == 0, whole.stderr
    assert b"golang_exec_t" in (tmp_path / "go_env.mod").read_bytes()


@pytest.fixture(scope="module")
def machine() -> Iterator[Booted]:
    """A Debian 12 with a systemd of its own and two services: one with limits, one without."""
    service = "[Service]\nExecStart=/bin/sleep 300\n"
    with booted(whole_debian()) as found:
        found.run("/bin/sh", "-c", "echo 65536 > /proc/sys/kernel/pid_max", status=2)  # not its own to change
        found.start("limited.service", f"{service}MemoryMax=64M\nIOWeight=200\n")
        found.start("plain.service", service)
        yield found


def test_a_limit_of_memory_has_another_name_on_a_host_of_the_first_kind(machine: Booted) -> None:
    # systemd says the same on either kind of host; the kernel's own files say which kind it is.
    assert machine.shown("limited.service", "MemoryMax") == str(64 << 20)
    names = ("memory.limit_in_bytes", "memory.max")
    first = machine.first_kind("memory")
    name = names[0] if first else names[1]
    limited, plain = (
        kernel_limits(machine.group("memory", unit), names) for unit in ("limited.service", "plain.service")
    )
    assert limited == {name: str(64 << 20)}
    assert plain.keys() == {name}
    assert int(plain[name]) > 64 << 20 if first else plain[name] == "max"


def test_a_weight_is_another_number_on_a_host_of_the_first_kind(machine: Booted) -> None:
    assert machine.shown("limited.service", "IOWeight") == "200"
    first = machine.first_kind("blkio")
    known = {"blkio.bfq.weight": "181"} if first else {"io.weight": "200"}
    controller = "blkio" if first else "io"
    names = (f"{controller}.weight", f"{controller}.bfq.weight")

    def weights(unit: str) -> dict[str, str]:
        """The weights that the kernel has, which may have none: then systemd's is a word without effect."""
        seen = kernel_limits(machine.group(controller, unit), names)
        return {name: value.split()[-1] for name, value in seen.items()}

    limited, plain = weights("limited.service"), weights("plain.service")
    assert limited.keys() == plain.keys()
    for name, value in limited.items():
        assert value == known.get(name, value)
        assert int(plain[name]) < int(value)
    if first:
        # The old scale ends early: whatever is above 200 is the same.
        machine.start("heavy.service", "[Service]\nExecStart=/bin/sleep 300\nIOWeight=9000\n")
        assert weights("heavy.service") == limited
