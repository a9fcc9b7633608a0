"""What the world is: distributions, Go releases, kinds of objects, as data of which each entry has a source.

Public: `cluster_kinds`, `distributions`, `go_kernels`, `go_bootstraps`, `go_packages`, `glibc_symbols`, and
`refused`, the entries that wait for a source.
"""

from trimaran.facts.load import (
    UnsourcedFactError,
    cluster_kinds,
    distributions,
    glibc_symbols,
    go_bootstraps,
    go_kernels,
    go_packages,
    refused,
)
from trimaran.facts.model import (
    ClusterKind,
    Distribution,
    GoBootstrap,
    GoKernel,
    GoPackage,
    Libc,
    Refused,
    SymbolVersion,
)

__all__ = [
    "ClusterKind",
    "Distribution",
    "GoBootstrap",
    "GoKernel",
    "GoPackage",
    "Libc",
    "Refused",
    "SymbolVersion",
    "UnsourcedFactError",
    "cluster_kinds",
    "distributions",
    "glibc_symbols",
    "go_bootstraps",
    "go_kernels",
    "go_packages",
    "refused",
]
