"""A checksum database that lies in every way it can is refused, and each lie has its code."""

import dataclasses
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.toolchain import liar as lies
from tests.unit.toolchain.liar import DATABASE, FILES, HASTY, NAME, QUICK, TOOLCHAIN, Liar, Log, content_hash

from trimaran.errors import TrimaranError
from trimaran.toolchain import database
from trimaran.toolchain.database import Proven
from trimaran.toolchain.goproxy import Proxies, Source
from trimaran.toolchain.network import Network
from trimaran.toolchain.proxy import Patience

MODULE = "golang.org/toolchain"


def look_up(liar: Liar, cache: Path, patience: Patience = QUICK) -> Proven:
    return database.look_up(DATABASE, MODULE, TOOLCHAIN.module_version, liar.network(patience), cache)


def refused(liar: Liar, cache: Path, patience: Patience = QUICK) -> str:
    with pytest.raises(TrimaranError) as caught:
        look_up(liar, cache, patience)
    (problem,) = caught.value.problems
    assert problem.fix
    assert not list(cache.glob("sumdb/*/records/*"))
    return problem.code


def test_an_honest_record_is_proven_and_kept(liar: Liar, tmp_path: Path) -> None:
    proven = look_up(liar, tmp_path)
    assert (proven.h1, proven.record, proven.tree_size) == (content_hash(FILES), 137, 300)
    assert database.recall(DATABASE, MODULE, TOOLCHAIN.module_version, tmp_path) == proven


def test_a_signature_by_another_key_is_refused(liar: Liar, tmp_path: Path) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    text = liar.log.note().decode().rpartition("\n\n")[0] + "\n"
    answer = f"137\n{liar.log.texts[137]}\n".encode() + lies.sign(text, other)
    liar.routes[liar.lookup_path] = answer
    assert refused(liar, tmp_path) == "TRM0321"


def test_a_changed_record_under_a_true_note_is_refused(liar: Liar, tmp_path: Path) -> None:
    answer = liar.routes[liar.lookup_path]
    liar.routes[liar.lookup_path] = answer.replace(content_hash(FILES).encode(), b"h1:" + b"C" * 43 + b"=")
    assert refused(liar, tmp_path) == "TRM0322"


def test_another_records_number_is_refused(liar: Liar, tmp_path: Path) -> None:
    liar.routes[liar.lookup_path] = liar.routes[liar.lookup_path].replace(b"137\n", b"138\n", 1)
    assert refused(liar, tmp_path) == "TRM0322"


def test_a_number_outside_the_tree_is_refused(liar: Liar, tmp_path: Path) -> None:
    liar.routes[liar.lookup_path] = liar.routes[liar.lookup_path].replace(b"137\n", b"300\n", 1)
    assert refused(liar, tmp_path) == "TRM0322"


def test_a_signed_root_that_the_tiles_do_not_give_is_refused(liar: Liar, tmp_path: Path) -> None:
    answer = f"137\n{liar.log.texts[137]}\n".encode() + liar.log.note(root=bytes(32))
    liar.routes[liar.lookup_path] = answer
    assert refused(liar, tmp_path) == "TRM0322"


def test_a_tampered_tile_is_refused(liar: Liar, tmp_path: Path) -> None:
    path = f"sumdb/{NAME}/tile/8/0/000"
    body = bytearray(liar.routes[path])
    body[5] ^= 1
    liar.routes[path] = bytes(body)
    assert refused(liar, tmp_path) == "TRM0322"


def test_a_short_or_absent_tile_is_refused(liar: Liar, tmp_path: Path) -> None:
    path = f"sumdb/{NAME}/tile/8/0/000"
    liar.routes[path] = liar.routes[path][:-32]
    assert refused(liar, tmp_path) == "TRM0322"
    del liar.routes[path]
    assert refused(liar, tmp_path) == "TRM0322"


def test_a_partial_tile_may_be_replaced_by_the_whole_one(liar: Liar, tmp_path: Path) -> None:
    path = f"sumdb/{NAME}/tile/8/0/001"
    liar.routes[path] = liar.routes.pop(f"{path}.p/44") + bytes(32 * 212)
    assert look_up(liar, tmp_path).record == 137


def test_a_tree_that_grew_is_accepted_and_remembered(liar: Liar, tmp_path: Path) -> None:
    look_up(liar, tmp_path)
    grown = Log(*liar.log.texts, *(f"new {at}\n" for at in range(300)))
    liar.serve_log(grown, 137)
    assert look_up(liar, tmp_path).tree_size == 600
    latest = (tmp_path / "sumdb" / NAME / "latest").read_bytes()
    assert b"\n600\n" in latest
    # An answer with an older tree of the same history is as good, and does not turn the memory back.
    liar.routes[liar.lookup_path] = grown.lookup(137, 400)
    for path, body in _tiles(grown, 400).items():
        liar.routes[path] = body
    assert look_up(liar, tmp_path).tree_size == 400
    assert (tmp_path / "sumdb" / NAME / "latest").read_bytes() == latest


def _tiles(log: Log, size: int) -> dict[str, bytes]:
    other = Liar("http://unused")
    other.serve_log(log, 0, size)
    return {path: body for path, body in other.routes.items() if "/tile/" in path}


@pytest.mark.parametrize("size", [300, 299, 600])
def test_a_forked_tree_is_refused_although_it_is_signed(liar: Liar, tmp_path: Path, size: int) -> None:
    look_up(liar, tmp_path)
    before = (tmp_path / "sumdb" / NAME / "latest").read_bytes()
    texts = [*liar.log.texts, *(f"new {at}\n" for at in range(300))]
    texts[20] = "example.com/rewritten v1.0.0 h1:x\n"
    liar.serve_log(Log(*texts), 137, size)
    for path, body in _tiles(Log(*texts), 300).items():
        liar.routes.setdefault(path, body)
    with pytest.raises(TrimaranError) as caught:
        look_up(liar, tmp_path)
    assert caught.value.problems[0].code == "TRM0323"
    assert (tmp_path / "sumdb" / NAME / "latest").read_bytes() == before


def test_a_version_that_is_not_in_the_database_is_refused(liar: Liar, tmp_path: Path) -> None:
    del liar.routes[liar.lookup_path]
    assert refused(liar, tmp_path) == "TRM0333"


def test_without_a_mirror_the_database_itself_is_asked(liar: Liar, tmp_path: Path) -> None:
    base = f"sumdb/{NAME}/"
    liar.routes = {path.replace(base, "database/"): body for path, body in liar.routes.items()}
    assert look_up(liar, tmp_path).by == f"{liar.url}/database"


def test_a_stalling_mirror_gives_way_to_the_database_and_then_to_an_error(liar: Liar, tmp_path: Path) -> None:
    liar.plans[liar.lookup_path] = [lies.stall] * 9
    assert refused(liar, tmp_path, HASTY) == "TRM0309"


def test_an_implausibly_large_answer_is_refused(liar: Liar, tmp_path: Path) -> None:
    liar.plans[liar.lookup_path] = [lies.huge]
    assert refused(liar, tmp_path) == "TRM0329"


def test_switched_off_checking_is_refused_and_nobody_is_asked(liar: Liar, tmp_path: Path) -> None:
    net = Network(Proxies((Source(liar.url),)), "off", QUICK)
    with pytest.raises(TrimaranError) as caught:
        database.look_up(DATABASE, MODULE, TOOLCHAIN.module_version, net, tmp_path)
    assert caught.value.problems[0].code == "TRM0320"
    assert liar.asked == []


@pytest.mark.parametrize("name", ["GONOSUMDB", "GONOSUMCHECK", "GOPRIVATE", "GOFLAGS", "GOINSECURE"])
def test_the_settings_for_modules_do_not_switch_off_our_proof(
    liar: Liar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "-insecure" if name == "GOFLAGS" else "golang.org/*")
    liar.routes[liar.lookup_path] = liar.routes[liar.lookup_path].replace(b"137\n", b"138\n", 1)
    assert refused(liar, tmp_path) == "TRM0322"


def test_a_damaged_record_in_the_cache_is_asked_for_again(liar: Liar, tmp_path: Path) -> None:
    proven = look_up(liar, tmp_path)
    (kept,) = tmp_path.glob("sumdb/*/records/*")
    for damaged in (b"", b"{", json.dumps({"module": "x"}).encode(), b"[]"):
        kept.write_bytes(damaged)
        assert database.recall(DATABASE, MODULE, TOOLCHAIN.module_version, tmp_path) is None
    assert dataclasses.replace(look_up(liar, tmp_path), at=proven.at) == proven


def test_the_trusted_database_is_gos() -> None:
    assert database.trusted().name == "sum.golang.org"
    assert database.trusted().key.identity.hex() == "033de0ae"
