"""What the lab keeps on disk: credentials, ports, the fleet file."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from trimaran.errors import TrimaranError
from trimaran.lab import credentials, fleetfile, ports, texts
from trimaran.lab.members import PORTS

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_credentials_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        made = credentials.ensure(tmp_path / "lab", NOW)
    finally:
        os.umask(old)
    assert credentials.ensure(tmp_path / "lab", NOW) == made
    for path in (tmp_path / "lab").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path.name
    assert len({*made.tokens.values(), made.password}) == len(made.tokens) + 1
    assert all(len(token) >= 32 for token in made.tokens.values())


def test_the_key_of_the_ca_is_not_kept(tmp_path: Path) -> None:
    credentials.ensure(tmp_path, NOW)
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    for path in tmp_path.glob("*.key"):
        key = load_pem_private_key(path.read_bytes(), None)
        assert key.public_key() != ca.public_key()


def test_the_certificate_is_for_this_machine_and_signed_by_the_ca(tmp_path: Path) -> None:
    credentials.ensure(tmp_path, NOW)
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    server = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    server.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert "localhost" in names.get_values_for_type(x509.DNSName)


def test_what_is_about_to_expire_or_damaged_is_made_anew(tmp_path: Path) -> None:
    first = credentials.ensure(tmp_path, NOW)
    assert credentials.known(tmp_path, NOW + timedelta(days=340)) == first
    later = credentials.ensure(tmp_path, NOW + timedelta(days=352))
    assert later.name != first.name
    (tmp_path / "tokens.csv").write_bytes(b"")
    assert credentials.known(tmp_path, NOW) is None
    (tmp_path / "credentials.json").write_bytes(b"[1")
    assert credentials.ensure(tmp_path, NOW).name not in (first.name, later.name)


def test_ports_are_remembered_until_somebody_else_has_one(tmp_path: Path) -> None:
    first = ports.ensure(tmp_path, ())
    assert set(first) == set(PORTS)
    assert len(set(first.values())) == len(PORTS)
    assert ports.ensure(tmp_path, ()) == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["openshift"]))
        other.listen()
        assert ports.ensure(tmp_path, ["openshift"]) == first, "our own process holds it"
        moved = ports.ensure(tmp_path, ())
    assert moved["openshift"] != first["openshift"]
    assert moved | {"openshift": 0} == first | {"openshift": 0}
    assert ports.known(tmp_path) == moved


def test_damaged_ports_are_chosen_again(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"etcd": "x"}')
    assert ports.known(tmp_path) is None
    assert set(ports.ensure(tmp_path, ())) == set(PORTS)


@pytest.mark.parametrize("kind", ["text", "link", "folder", "dangling"])
def test_a_fleet_file_of_somebody_else_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lab.yaml"
    mine = tmp_path / "mine.yaml"
    mine.write_text(texts.fleet("/x", 1) if kind == "link" else "kind: Fleet\n")
    match kind:
        case "text":
            path.write_text("kind: Fleet\n")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(mine)
        case _:
            path.symlink_to(tmp_path / "nothing")
    before = mine.read_text()
    with pytest.raises(TrimaranError, match="TRM1001"):
        fleetfile.write(tmp_path, path, 1)
    assert mine.read_text() == before


def test_our_fleet_file_is_replaced_and_goes_with_the_lab(tmp_path: Path) -> None:
    path, changed = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for each in (path, changed):
        fleetfile.write(tmp_path, each, 1)
    fleetfile.write(tmp_path, path, 23_456)
    assert ":23456/sdk" in path.read_text("utf-8")
    changed.write_text("kind: Fleet\n")
    fleetfile.remove(tmp_path)
    assert not path.exists()
    assert changed.exists(), "somebody made it their own"
