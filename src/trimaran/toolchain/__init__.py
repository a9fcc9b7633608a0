"""Which Go builds it: finding one, bringing one, proving it, and building with it."""

from trimaran.toolchain.build import build
from trimaran.toolchain.model import BuildRequest, Built, Cgo, Origin, Progress

__all__ = ["BuildRequest", "Built", "Cgo", "Origin", "Progress", "build"]
