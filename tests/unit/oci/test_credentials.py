"""Credentials are found where container tools keep them, and never shown."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from trimaran.errors import Exit, TrimaranError
from trimaran.oci.challenge import Credential
from trimaran.oci.credentials import credential
from trimaran.oci.reference import DEFAULT_HOST, DEFAULT_KEY

ALICE = base64.b64encode(b"alice:won:der").decode()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "config.json"


def helper(folder: Path, script: str) -> None:
    path = folder / "docker-credential-keep"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_a_file_nothing_is_known(config: Path) -> None:
    assert credential("registry.example.com", "a") is None


@pytest.mark.parametrize(
    ("auths", "host", "known"),
    [
        ({"registry.example.com": {"auth": ALICE}}, "registry.example.com", True),
        ({"https://registry.example.com/v1/": {"auth": ALICE}}, "registry.example.com", True),
        ({DEFAULT_KEY: {"auth": ALICE}}, DEFAULT_HOST, True),
        ({"registry.example.com/a": {"auth": ALICE}}, "registry.example.com", True),
        ({"registry.example.com/b": {"auth": ALICE}}, "registry.example.com", False),
        ({"other.example.com": {"auth": ALICE}}, "registry.example.com", False),
        ({"registry.example.com": {}}, "registry.example.com", False),
        ([], "registry.example.com", False),
    ],
)
def test_an_entry_is_found_by_its_host(config: Path, auths: Any, host: str, known: bool) -> None:
    config.write_text(json.dumps({"auths": auths}))
    assert credential(host, "a") == (Credential("alice", "won:der") if known else None)


def test_a_refresh_token_is_told_apart(config: Path) -> None:
    config.write_text(json.dumps({"auths": {"r.example.com": {"identitytoken": "T", "auth": ALICE}}}))
    assert credential("r.example.com", "a") == Credential("", "T", identity=True)


def test_a_helper_is_asked_for_its_registry_alone(config: Path) -> None:
    helper(config.parent, 'read x; [ "$x" = r.example.com ] && echo \'{"Username":"alice","Secret":"s"}\'')
    config.write_text(json.dumps({"credHelpers": {"r.example.com": "keep"}}))
    assert credential("r.example.com", "a") == Credential("alice", "s")
    config.write_text(json.dumps({"credsStore": "keep"}))
    assert credential("r.example.com", "a") == Credential("alice", "s")
    # One that fails has nothing for this registry.
    assert credential("other.example.com", "a") is None


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"auths": {"r.example.com": {"auth": "!secret!"}}}',
        '{"credHelpers": {"r.example.com": "../evil"}}', '{"credHelpers": {"r.example.com": "absent"}}',
        '{"credsStore": "keep"}',
    ],
)  # fmt: skip
def test_what_is_of_no_use_is_named_without_its_secrets(config: Path, text: str) -> None:
    helper(config.parent, "echo my-secret")
    config.write_text(text)
    with pytest.raises(TrimaranError) as caught:
        credential("r.example.com", "a")
    problem = caught.value.problems[0]
    assert (problem.code, caught.value.status) == ("TRM1113", Exit.AUTHENTICATION)
    assert "secret" not in f"{problem.what}{problem.fix}{problem.detail}"
