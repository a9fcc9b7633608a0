"""Explaining a module or version that the proxy does not have."""

from pathlib import Path

from trimaran.errors import Problem, TrimaranError
from trimaran.toolchain.model import BuildRequest


def explain(request: BuildRequest, problem: Problem, cache: Path) -> TrimaranError:
    """Whether the module or only the version is missing."""
    del request, cache
    return TrimaranError(problem)
