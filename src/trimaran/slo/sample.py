"""One number that a service publishes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

BOUND = "le"
"""The label that carries a histogram bucket's upper bound."""

Series = tuple[str, frozenset[tuple[str, str]], float | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """The value of one series at one time.

    Args:
        labels: without the metric's name.
        value: for counters and buckets the count since the service started; may be NaN or infinite.
    """

    name: str
    labels: Mapping[str, str] = field(hash=False)
    value: float

    @property
    def bound(self) -> float | None:
        """A bucket's upper bound as a number; None without one, or where it is not a number."""
        try:
            return float(self.labels[BOUND])
        except (KeyError, ValueError):
            return None

    @property
    def series(self) -> Series:
        """What makes two samples the same series: `le="1"` and `le="1.0"` are one bucket.

        The two text formats that services speak write the same bound differently.
        """
        bound = self.bound
        if bound is None:
            return self.name, frozenset(self.labels.items()), None
        return self.name, frozenset(self.without_bound.items()), bound

    @property
    def without_bound(self) -> Mapping[str, str]:
        """The labels that all buckets of one histogram share."""
        return {label: value for label, value in self.labels.items() if label != BOUND}

    def __str__(self) -> str:
        labels = ",".join(f'{label}="{value}"' for label, value in sorted(self.labels.items()))
        return f"{self.name}{{{labels}}}" if labels else self.name
