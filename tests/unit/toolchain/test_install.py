"""Bringing a Go: whole or not at all, whatever the proxy does and whenever the process dies."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from tests.unit.toolchain import liar as lies
from tests.unit.toolchain.liar import FILES, PREFIX, TOOLCHAIN, VERSION, ZIP, Liar, content_hash, pack

from trimaran.errors import TrimaranError
from trimaran.toolchain import install, locate
from trimaran.toolchain.model import Origin
from trimaran.toolchain.versions import GoVersion


@pytest.fixture(autouse=True)
def _on_linux_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "this_machine", lambda: ("linux", "amd64"))


def code(caught: pytest.ExceptionInfo[TrimaranError]) -> str:
    return caught.value.problems[0].code


def nothing_installed(cache: Path) -> bool:
    left = [entry.name for entry in (cache / "toolchains").iterdir() if not entry.name.endswith(".lock")]
    return left == [] and locate.in_cache(cache) == ()


def test_a_go_is_brought_proven_and_found_again(liar: Liar, tmp_path: Path) -> None:
    go = install.install(VERSION, liar.court(tmp_path))
    assert (go.version, go.origin) == (VERSION, Origin.MODULE)
    assert os.access(go.command, os.X_OK)
    assert not os.access(go.root / "VERSION", os.X_OK)
    assert (go.root / "src/go.mod").read_bytes() == b"module std\n"
    assert locate.in_cache(tmp_path) == (go,)
    assert not list((tmp_path / "downloads").iterdir())


def test_what_is_installed_asks_nobody(liar: Liar, tmp_path: Path) -> None:
    install.install(VERSION, liar.court(tmp_path))
    liar.asked.clear()
    install.install(VERSION, liar.court(tmp_path))
    assert liar.asked == []


def test_a_tampered_installed_tree_is_not_used(liar: Liar, tmp_path: Path) -> None:
    go = install.install(VERSION, liar.court(tmp_path))
    (go.root / "src/fmt/print.go").write_bytes(b"package evil\n")
    with pytest.raises(TrimaranError) as caught:
        install.install(VERSION, liar.court(tmp_path))
    assert code(caught) == "TRM0327"
    assert caught.value.problems[0].detail == ("changed: src/fmt/print.go",)


def test_a_zip_with_other_content_is_refused_and_deleted(liar: Liar, tmp_path: Path) -> None:
    liar.routes[ZIP] = pack(FILES | {"bin/go": b"evil"})
    with pytest.raises(TrimaranError) as caught:
        install.install(VERSION, liar.court(tmp_path))
    assert code(caught) == "TRM0326"
    assert nothing_installed(tmp_path)
    assert not list((tmp_path / "downloads").iterdir())


def test_a_wrong_hash_in_the_database_is_refused(liar: Liar, tmp_path: Path) -> None:
    liar.publish(FILES, stated=content_hash(FILES | {"bin/go": b"other"}))
    with pytest.raises(TrimaranError) as caught:
        install.install(VERSION, liar.court(tmp_path))
    assert code(caught) == "TRM0326"
    assert nothing_installed(tmp_path)


@pytest.mark.parametrize(
    "packed",
    [
        pack(FILES)[:-30],
        b"no zip at all",
        b"",
        pack(FILES, "other@v1/"),
        pack({"../escape": b"x"}),
        pack({"VERSION": b"a", "version": b"b"}),
    ],
)
def test_a_damaged_or_dangerous_zip_is_refused(liar: Liar, tmp_path: Path, packed: bytes) -> None:
    liar.routes[ZIP] = packed
    with pytest.raises(TrimaranError) as caught:
        install.install(VERSION, liar.court(tmp_path))
    assert code(caught) == "TRM0328"
    assert nothing_installed(tmp_path)
    assert not (tmp_path / "escape").exists()


def test_a_link_in_the_zip_is_refused(liar: Liar, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo(f"{PREFIX}bin")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/tmp")
    liar.routes[ZIP] = packed.getvalue()
    with pytest.raises(TrimaranError) as caught:
        install.install(VERSION, liar.court(tmp_path))
    assert code(caught) == "TRM0328"


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(liar: Liar, tmp_path: Path) -> None:
    packed = bytearray(pack({"big": b"z" * 100_000}))
    at = packed.rindex(b"PK\x01\x02")
    packed[at + 24 : at + 28] = (10).to_bytes(4, "little")
    liar.routes[ZIP] = bytes(packed)
    with pytest.raises(TrimaranError) as caught:
        install.install(VERSION, liar.court(tmp_path))
    assert code(caught) in {"TRM0326", "TRM0328"}
    assert nothing_installed(tmp_path)


def test_a_download_that_breaks_off_is_resumed(liar: Liar, tmp_path: Path) -> None:
    liar.plans[ZIP] = [lies.half, lies.half]
    install.install(VERSION, liar.court(tmp_path))
    assert liar.asked.count(ZIP) == 3


def test_the_part_of_another_file_is_thrown_away_once(liar: Liar, tmp_path: Path) -> None:
    part = tmp_path / "downloads" / f"{TOOLCHAIN.name}.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"bytes of something else")
    go = install.install(VERSION, liar.court(tmp_path))
    assert go.command.read_bytes() == FILES["bin/go"]
    assert liar.asked.count(ZIP) == 2


def test_a_version_that_the_proxy_lacks_is_named(liar: Liar, tmp_path: Path) -> None:
    del liar.routes[ZIP]
    with pytest.raises(TrimaranError, match=r"no Go 1\.99\.1") as caught:
        install.install(VERSION, liar.court(tmp_path))
    assert code(caught) == "TRM0302"


def test_the_proxys_list_is_for_this_machine(liar: Liar, tmp_path: Path) -> None:
    liar.routes["golang.org/toolchain/@v/list"] = (
        b"v0.0.1-go1.30.0.linux-arm64\nv0.0.1-go1.9.2.linux-amd64\nv0.0.1-go1.10.1.linux-amd64\n"
    )
    assert install.available(liar.network()) == (GoVersion.parse("1.9.2"), GoVersion.parse("1.10.1"))


def test_a_full_disk_is_said_before_anything_is_brought(
    liar: Liar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "_ROOM", 1 << 60)
    with pytest.raises(OSError, match="No space left"):
        install.install(VERSION, liar.court(tmp_path))
    assert ZIP not in liar.asked


def test_two_at_once_bring_it_once(liar: Liar, tmp_path: Path) -> None:
    told: list[str] = []
    both = [
        threading.Thread(target=install.install, args=(VERSION, liar.court(tmp_path, told))) for _ in range(2)
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert liar.asked.count(ZIP) == 1
    assert len(locate.in_cache(tmp_path)) == 1


_CHILD = """
import sys
from pathlib import Path
from tests.unit.toolchain.liar import DATABASE, NAME, QUICK, VERSION
from trimaran.toolchain import install
from trimaran.toolchain.goproxy import Proxies, Source
from trimaran.toolchain.network import Network
from trimaran.toolchain.prove import Court
import dataclasses
install.this_machine = lambda: ("linux", "amd64")
url, cache, step = sys.argv[1:]
slow_down = dataclasses.replace(QUICK, answer_s=30, idle_s=30)
net = Network(Proxies((Source(url),)), f"{NAME} {url}/database", slow_down)
if step == "unpack":
    written = install._extract
    def slow(there, name, root):
        result = written(there, name, root)
        if name == "go.env":
            print("here", flush=True)
            import time; time.sleep(60)
        return result
    install._extract = slow
if step == "swap":
    kept = install.prove.ensure
    def late(*args):
        print("here", flush=True)
        import time; time.sleep(60)
    install.prove.ensure = late
install.install(VERSION, Court(Path(cache), lambda line: None, DATABASE, net))
"""


@pytest.mark.parametrize("step", ["download", "unpack", "swap"])
def test_after_kill_9_the_next_run_installs_it(liar: Liar, tmp_path: Path, step: str) -> None:
    begun = threading.Event()

    def hang(handler: lies._Handler, body: bytes) -> None:
        handler.answer(200, body[: len(body) // 2], None, len(body))
        handler.close_connection = True
        begun.set()
        handler.liar.over.wait(20)

    if step == "download":
        liar.plans[ZIP] = [hang]
    argv = [sys.executable, "-c", _CHILD, liar.url, str(tmp_path), step]
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=env) as child:
        assert child.stdout is not None
        part = tmp_path / "downloads" / f"{TOOLCHAIN.name}.zip.part"
        if step == "download":
            assert begun.wait(30)
            deadline = time.monotonic() + 10
            while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
                time.sleep(0.01)
        else:
            assert child.stdout.readline() == b"here\n"
        child.send_signal(signal.SIGKILL)
    assert (locate.in_cache(tmp_path) == ()) == (step != "swap")
    liar.asked.clear()
    go = install.install(VERSION, liar.court(tmp_path))
    assert go.command.read_bytes() == FILES["bin/go"]
    assert nothing_half_done(tmp_path)
    if step == "download":
        assert [wanted for wanted in liar.ranges if wanted]


def nothing_half_done(cache: Path) -> bool:
    return not list((cache / "toolchains").glob(".*.new-*")) and not list((cache / "downloads").iterdir())
