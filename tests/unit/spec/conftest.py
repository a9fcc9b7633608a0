"""A declaration that is right, to be made wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trimaran.errors import TrimaranError
from trimaran.spec import load
from trimaran.spec.fleet import Fleet
from trimaran.spec.service import Service

HEAD = """apiVersion: trimaran.dev/v1alpha1
kind: PlatformAgnosticSpec
metadata: {name: web}
spec:
  image: registry.example.com/web@sha256:00
"""

Said = list[tuple[str, str, str]]  # code, line:column, path


class Reader:
    """Declarations as text, through a real file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "service.yaml"

    def service(self, text: str | bytes) -> Service:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load.service(str(self.path)).service

    def fleet(self, text: str | bytes, *services: Service) -> Fleet:
        path = self.path.with_name("fleet.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load.fleet(str(path), services)

    def spec(self, lines: str) -> Service:
        """A service whose spec has these lines after its image."""
        return self.service(HEAD + lines)

    def refused(self, text: str | bytes) -> TrimaranError:
        return refusal(lambda: self.service(text))

    def refused_spec(self, lines: str) -> TrimaranError:
        return refusal(lambda: self.spec(lines))


def refusal(act: Callable[[], object]) -> TrimaranError:
    """The error that an act ends with."""
    with pytest.raises(TrimaranError) as caught:
        act()
    return caught.value


def said(error: TrimaranError) -> Said:
    """What an error says of codes and places."""
    return [
        (
            each.code,
            f"{each.where.line}:{each.where.column}" if each.where else "",
            each.where.path if each.where else "",
        )
        for each in error.problems
    ]


def shown(error: TrimaranError) -> str:
    """Everything that a user would read of an error, and more."""
    return repr(error.problems) + str(error)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)
