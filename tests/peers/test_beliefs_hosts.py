"""What is often said about hosts, tried. docs/beliefs.md tells the same in words."""

import bz2
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.rootfs import CACHE, PATH, MissingPeerError

pytestmark = pytest.mark.peer

_POLICY = "selinux-policy-default"


@pytest.fixture(scope="module")
def policy() -> Path:
    """The modules of Debian's build of the SELinux reference policy, unpacked; downloaded once."""
    ready = CACHE / f"{_POLICY}-1"
    if not ready.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f".{_POLICY}-") as folder:
            _apt(folder, "apt-get", "download", _POLICY)
            deb = next(Path(folder).glob("*.deb"))
            _apt(folder, "dpkg-deb", "-x", str(deb), "tree")
            shutil.move(Path(folder) / "tree", ready)
    return ready / "usr/share/selinux/default"


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
