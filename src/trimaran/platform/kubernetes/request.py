"""A request to a cluster's API, and its answer, as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trimaran.action import Json

APPLY = "application/apply-patch+yaml"
"""The media type of server-side apply; JSON is YAML."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the API.

    Args:
        asked: what it asks, for people: `list deployments in web`.
        content: the media type of `body`.
        patient: whether a busy server is asked again.
    """

    method: str
    path: str
    asked: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    content: str = "application/json"
    patient: bool = True

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that it may be sent again whatever happened."""
        return self.method == "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: an HTTP status and a body."""

    code: int
    body: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300
