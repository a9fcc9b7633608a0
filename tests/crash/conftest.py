"""What the crash tests share: the running lab, for the platforms that need it."""

import pytest

from tests.cluster import KUBECONFIG
from tests.lab import Lab


@pytest.fixture(autouse=True)
def clusters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tells the platform under test, and the processes that a test starts, where the lab's clusters are."""
    if "bench" in request.fixturenames and "kubernetes" in request.node.name:
        found: Lab = request.getfixturevalue("lab")
        monkeypatch.setenv(KUBECONFIG, str(found.kubeconfig))
