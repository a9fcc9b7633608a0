"""What the toolchain's tests share: a proxy that can lie."""

from collections.abc import Iterator

import pytest
from tests.unit.toolchain.liar import Liar, lying


@pytest.fixture
def liar() -> Iterator[Liar]:
    with lying() as running:
        yield running
