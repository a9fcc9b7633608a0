"""Certificates, tokens and passwords made for one lab, in files that only its owner reads. Input and output.

The CA's key is never written: when something expires, all is made anew.
"""

import hashlib
import ipaddress
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trimaran.lab.members import ROLES, tokens_csv

_LASTS = timedelta(days=365)
_RENEWED_BEFORE = timedelta(days=14)
_BACKDATED = timedelta(hours=1)
_FILES = (
    *("ca.crt", "server.crt", "server.key", "service-account.key", "service-account.pub"),
    *("tokens.csv", "vcenter.password"),
)
_RECORD = "credentials.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What lets a client in.

    Args:
        name: of this set; another set has another.
        ca: the certificate that all others are checked against, PEM.
        tokens: for the API servers, by role.
        password: of the vCenter's user.
    """

    name: str
    ca: bytes
    tokens: Mapping[str, str]
    password: str


def known(root: Path, now: datetime) -> Credentials | None:
    """The credentials in `root`; None when some are missing, damaged or about to expire."""
    try:
        record = json.loads((root / _RECORD).read_bytes())
        files = {name: (root / name).read_bytes() for name in _FILES}
        if record["name"] != _name(files) or now > datetime.fromisoformat(record["renew"]):
            return None
        tokens = {role: str(record["tokens"][role]) for role in ROLES}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Credentials(record["name"], files["ca.crt"], tokens, files["vcenter.password"].decode().strip())


def ensure(root: Path, now: datetime) -> Credentials:
    """The credentials in `root`, made when there are none that are good."""
    found = known(root, now)
    if found is not None:
        return found
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokens = {role: secrets.token_urlsafe(32) for role in ROLES}
    password = secrets.token_urlsafe(24)
    files = _certificates(now) | {
        "tokens.csv": tokens_csv(tokens).encode(),
        "vcenter.password": f"{password}\n".encode(),
    }
    for name, content in files.items():
        write_private(root / name, content)
    # The record comes last: without it the files are not taken for a set.
    renew = (now + _LASTS - _RENEWED_BEFORE).isoformat()
    record = {"name": _name(files), "renew": renew, "tokens": tokens}
    write_private(root / _RECORD, json.dumps(record, indent=1).encode())
    return Credentials(_name(files), files["ca.crt"], tokens, password)


def _name(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in _FILES:
        whole.update(hashlib.sha256(files[name]).digest())
    return whole.hexdigest()[:16]


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step; nobody but its owner reads it, not even while it is written."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)


def _certificates(now: datetime) -> dict[str, bytes]:
    ca_key, server_key, account_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca = _ca(ca_key, now)
    return {
        "ca.crt": ca.public_bytes(serialization.Encoding.PEM),
        "server.crt": _server(ca_key, server_key, now).public_bytes(serialization.Encoding.PEM),
        "server.key": _pem(server_key),
        "service-account.key": _pem(account_key),
        "service-account.pub": account_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    }


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _ca(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    public = key.public_key()
    usage = _usage(signs_certificates=True)
    return (
        _begun("trimaran lab CA", "trimaran lab CA", public, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    ca_key: ec.EllipticCurvePrivateKey, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    """One certificate for all members; etcd's clients show it as well."""
    public = key.public_key()
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("kubernetes.default.svc"),
        x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
    ]
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _begun("trimaran lab", "trimaran lab CA", public, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _begun(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LASTS)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
