"""The text in which services publish their metrics, read into samples. Pure.

The lines are read by prometheus_client, whose import takes 0.1 s of CPU and is therefore late. In the
older format it is given the sample lines without their TYPE lines: with them it renames a counter that
does not end in `_total`, and selectors must find the names that the service publishes.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator
from typing import TextIO, cast

from trimaran.errors import printable
from trimaran.slo.sample import Sample, Series

OPENMETRICS = "application/openmetrics-text"
_LONGEST_LINE = 16_384


def parse(text: str, content_type: str = "text/plain") -> tuple[Sample, ...]:
    """Every sample of `text` in its order.

    Args:
        content_type: as the service answered it; decides between the two text formats.

    Raises ValueError that names the line when the text is not a metrics text, when it ends too early
    (which only OpenMetrics can tell), or when a series is given twice.
    """
    lines = _Lines(text, samples_only=not _is_openmetrics(content_type))
    try:
        return tuple(_once(_read(lines)))
    except (ValueError, IndexError, KeyError, OverflowError, TypeError, AttributeError) as error:
        # The library's own parsers meet some broken lines with other exceptions than ValueError.
        reason = f": {error}" if isinstance(error, ValueError) and str(error) else ""
        shown = printable(f"{lines.line.strip()[:80]!r}{reason[:200]}")
        raise ValueError(f"line {lines.number} cannot be read as a metric: {shown}") from None


def _once(samples: Iterator[Sample]) -> Iterator[Sample]:
    seen: set[Series] = set()
    for sample in samples:
        if sample.series in seen:
            raise ValueError(f"{sample} is given twice")
        seen.add(sample.series)
        yield sample


def _is_openmetrics(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == OPENMETRICS


def _read(lines: "_Lines") -> Iterator[Sample]:
    if lines.samples_only:
        from prometheus_client.parser import text_fd_to_metric_families as families
    else:
        from prometheus_client.openmetrics.parser import text_fd_to_metric_families as families
    for family in families(cast("TextIO", lines)):
        for sample in family.samples:
            yield Sample(sample.name, dict(sample.labels), float(sample.value))


class _Lines:
    """The lines of a text, one after the other, that remembers which one is being read."""

    def __init__(self, text: str, samples_only: bool) -> None:
        self.text, self.samples_only = text, samples_only
        self.number, self.line = 0, ""

    def __iter__(self) -> Iterator[str]:
        for line in self.text.removesuffix("\n").split("\n"):
            self.number, self.line = self.number + 1, line
            if len(line) > _LONGEST_LINE:
                raise ValueError(f"it has {len(line)} characters, more than {_LONGEST_LINE}")
            if self.samples_only:
                if not line.strip() or line.lstrip().startswith("#"):
                    continue
                if "}" not in line and len(line.split()) < 2:
                    raise ValueError("a value is missing")
            yield line + "\n"
