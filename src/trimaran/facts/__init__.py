"""What the world is: distributions and Go releases, as data of which each entry has a source.

Public: `distributions`, `go_kernels`, `go_bootstraps`, `go_packages`, `glibc_symbols`, and `refused`, the
entries that wait for a source.
"""

from trimaran.facts.load import (
    UnsourcedFactError,
    distributions,
    glibc_symbols,
    go_bootstraps,
    go_kernels,
    go_packages,
    refused,
)
from trimaran.facts.model import (
    Distribution,
    GoBootstrap,
    GoKernel,
    GoPackage,
    Libc,
    Refused,
    SymbolVersion,
)

__all__ = [
    "Distribution",
    "GoBootstrap",
    "GoKernel",
    "GoPackage",
    "Libc",
    "Refused",
    "SymbolVersion",
    "UnsourcedFactError",
    "distributions",
    "glibc_symbols",
    "go_bootstraps",
    "go_kernels",
    "go_packages",
    "refused",
]
