"""What a connection to a cluster says first."""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from trimaran.platform.kubernetes import kubeconfig
from trimaran.spec.fleet import KubernetesTarget

_KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:{port}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
"""
_CONNECTIONS = 3


@pytest.fixture
def heard() -> Iterator[tuple[int, list[bytes]]]:
    """A port, and what each connection to it said first; none is answered."""
    hellos: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            for _ in range(_CONNECTIONS):
                connection, _ = server.accept()
                with connection:
                    hellos.append(connection.recv(1 << 14))

        listening = threading.Thread(target=listen)
        listening.start()
        yield server.getsockname()[1], hellos
        listening.join(10)


def test_no_connection_changes_what_those_of_other_threads_are_made_from(
    heard: tuple[int, list[bytes]], tmp_path: Path
) -> None:
    # OpenSSL frees the list of protocols when another is set, whoever reads it: it must not be set again.
    port, hellos = heard
    path = tmp_path / "kubeconfig"
    path.write_text(_KUBECONFIG.format(port=port))
    settings = {"platform": "kubernetes", "context": "c", "kubeconfig": str(path)}
    set_again = 0

    def watch(frame: Any, event: str, called: Any) -> None:
        nonlocal set_again
        set_again += event == "c_call" and called.__name__ == "_set_alpn_protocols"

    with kubeconfig.connect(KubernetesTarget.model_validate(settings)) as client:
        sys.setprofile(watch)
        try:
            for _ in range(_CONNECTIONS):
                with contextlib.suppress(httpx2.TransportError):
                    client.get("/")
        finally:
            sys.setprofile(None)
    assert [b"\x08http/1.1" in hello for hello in hellos] == [True] * _CONNECTIONS
    assert set_again == 0
