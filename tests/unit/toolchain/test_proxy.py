"""A proxy that is absent, busy, slow, broken or too generous: one clear problem each."""

import socket
from pathlib import Path

import pytest
from tests.unit.toolchain import liar as lies
from tests.unit.toolchain.liar import HASTY, QUICK, Liar, Plan

from trimaran.errors import TrimaranError
from trimaran.toolchain import fetch, network, proxy
from trimaran.toolchain.goproxy import Proxies, Source, parse_goproxy
from trimaran.toolchain.network import Network
from trimaran.toolchain.proxy import Patience
from trimaran.toolchain.proxyfaults import AbsentError

BODY = bytes(range(256)) * 2000


def code(caught: pytest.ExceptionInfo[TrimaranError]) -> str:
    (problem,) = caught.value.problems
    assert problem.fix
    return problem.code


def patience(plans: tuple[Plan, ...]) -> Patience:
    return HASTY if {lies.stall, lies.stall_inside} & set(plans) else QUICK


def fetch_file(liar: Liar, *plans: Plan, limit: int = 1 << 20) -> bytes:
    liar.routes["file"] = BODY
    liar.plans["file"] = list(plans)
    return proxy.get(Source(liar.url), "file", limit, patience(plans))


def test_a_file_is_brought(liar: Liar) -> None:
    assert fetch_file(liar) == BODY


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_proxy_is_asked_again(liar: Liar, status: int) -> None:
    assert fetch_file(liar, lies.status(status), lies.status(status)) == BODY
    assert len(liar.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_proxy_that_stays_in_error_is_reported_with_its_status(liar: Liar, status: int) -> None:
    with pytest.raises(TrimaranError, match=f"HTTP {status}") as caught:
        fetch_file(liar, *[lies.status(status)] * 9)
    assert code(caught) == "TRM0307"
    assert len(liar.asked) == (1 if status in {400, 401} else 3)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_not_there_is_absent_at_the_first_answer(liar: Liar, status: int) -> None:
    with pytest.raises(AbsentError):
        fetch_file(liar, *[lies.status(status)] * 9)
    assert len(liar.asked) == 1


def test_an_answer_that_breaks_off_is_tried_again(liar: Liar) -> None:
    assert fetch_file(liar, lies.half) == BODY


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (lies.half, "TRM0310"),
        (lies.stall, "TRM0309"),
        (lies.stall_inside, "TRM0309"),
        (lies.huge, "TRM0329"),
        (lies.endless, "TRM0329"),
    ],
)
def test_each_fault_has_its_code(liar: Liar, plan: Plan, expected: str) -> None:
    with pytest.raises(TrimaranError) as caught:
        fetch_file(liar, *[plan] * 9)
    assert code(caught) == expected


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://me:secret@127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TrimaranError) as caught:
            proxy.get(Source(url), "file", 10, QUICK)
    assert code(caught) == "TRM0306"
    assert "secret" not in str(caught.value)


def test_a_folder_serves_as_a_proxy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    source = Source(tmp_path.as_uri())
    assert proxy.get(source, "file", 1 << 20, QUICK) == BODY
    assert proxy.get_range(source, "file", 5, 3, QUICK) == (BODY[5:8], len(BODY))
    with pytest.raises(AbsentError):
        proxy.get(source, "other", 10, QUICK)
    with pytest.raises(TrimaranError) as caught:
        proxy.get(source, "file", 10, QUICK)
    assert code(caught) == "TRM0329"


def test_a_comma_passes_on_only_what_is_not_there(liar: Liar) -> None:
    liar.routes["b/file"] = b"second"
    first, second = f"{liar.url}/a", f"{liar.url}/b"
    commas = Network(parse_goproxy(f"{first},{second}"), "", QUICK)
    pipes = Network(parse_goproxy(f"{first}|{second}"), "", QUICK)
    assert network.get(commas, "file", 99) == b"second"
    liar.plans["a/file"] = [lies.status(500)] * 99
    with pytest.raises(TrimaranError) as caught:
        network.get(commas, "file", 99)
    assert code(caught) == "TRM0307"
    assert network.get(pipes, "file", 99) == b"second"


def download(liar: Liar, part: Path, *plans: Plan, limit: int = 1 << 20) -> tuple[bytes, bool]:
    liar.routes["file"] = BODY
    liar.plans["file"] = list(plans)
    used = fetch.download(Source(liar.url), "file", part, limit, patience(plans), lambda have, size: None)
    return part.read_bytes(), used


def test_a_download_that_breaks_off_goes_on_where_it_ended(liar: Liar, tmp_path: Path) -> None:
    assert download(liar, tmp_path / "part", lies.half, lies.half) == (BODY, True)
    assert liar.ranges == ["", f"bytes={len(BODY) // 2}-", f"bytes={len(BODY) * 3 // 4}-"]


def test_a_download_goes_on_in_the_next_run(liar: Liar, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(BODY[:1000])
    assert download(liar, tmp_path / "part") == (BODY, True)
    assert liar.ranges == ["bytes=1000-"]


def test_a_part_that_is_already_whole_is_not_brought_again(liar: Liar, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(BODY)
    assert download(liar, tmp_path / "part") == (BODY, True)


def test_a_part_that_is_longer_than_the_file_is_started_anew(liar: Liar, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(BODY + b"more")
    assert download(liar, tmp_path / "part")[0] == BODY


def test_a_proxy_that_ignores_ranges_sends_all_from_the_start(liar: Liar, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"other bytes")
    assert download(liar, tmp_path / "part", lies.whole_despite_range)[0] == BODY


def test_a_stalled_download_keeps_what_came_and_goes_on(liar: Liar, tmp_path: Path) -> None:
    assert download(liar, tmp_path / "part", lies.stall_inside) == (BODY, True)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (lies.stall, "TRM0309"),
        (lies.huge, "TRM0329"),
        (lies.endless, "TRM0329"),
        (lies.status(503), "TRM0307"),
    ],
)
def test_a_download_that_never_comes_ends(liar: Liar, tmp_path: Path, plan: Plan, expected: str) -> None:
    with pytest.raises(TrimaranError) as caught:
        download(liar, tmp_path / "part", *[plan] * 9)
    assert code(caught) == expected


def test_a_download_without_progress_is_given_up(liar: Liar, tmp_path: Path) -> None:
    nothing: Plan = lambda handler, body: handler.answer(200, b"", None, len(body))  # noqa: E731 - a plan
    with pytest.raises(TrimaranError) as caught:
        download(liar, tmp_path / "part", *[nothing] * 9)
    assert code(caught) == "TRM0310"
    assert len(liar.asked) == QUICK.tries


def test_credentials_are_sent_and_not_shown(liar: Liar) -> None:
    seen: list[str] = []

    def note(handler: lies._Handler, body: bytes) -> None:
        seen.append(handler.headers.get("Authorization", ""))
        handler.answer(500, b"")

    liar.plans["file"] = [note] * 9
    url = liar.url.replace("//", "//me:secret@")
    with pytest.raises(TrimaranError) as caught:
        proxy.get(Source(url), "file", 10, QUICK)
    assert seen[0] == "Basic bWU6c2VjcmV0"
    assert "secret" not in str(caught.value)


def test_a_network_without_proxies_is_refused_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for setting in ("off", "direct", "ftp://x"):
        monkeypatch.setenv("GOPROXY", setting)
        with pytest.raises(TrimaranError) as caught:
            network.configured(tmp_path)
        assert code(caught) == "TRM0305"
    assert Proxies(()).sources == ()


def test_the_proxy_comes_from_the_users_settings_before_gos_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOPROXY", raising=False)
    monkeypatch.delenv("GOSUMDB", raising=False)
    monkeypatch.setenv("PATH", "")
    settings = tmp_path / "env"
    settings.write_text("GOPROXY=http://127.0.0.1:1/mine\nGOSUMDB=off\n")
    monkeypatch.setenv("GOENV", str(settings))
    found = network.configured(tmp_path)
    assert found.proxies.sources == (Source("http://127.0.0.1:1/mine"),)
    assert found.database == "off"
