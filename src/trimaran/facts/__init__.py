"""What the world is: distributions, Go releases, kinds of objects, as data of which each entry has a source.

Public: `cluster_kinds`, `distributions`, `meant`, `go_kernels`, `go_machine_kernels`, `amd64_levels`,
`go_bootstraps`, `go_packages`, `glibc_symbols`;
`glibc_symbol_versions`, `glibc_libraries`, `symbols_of`, `glibc_newest`: the whole table of glibc's symbols;
`stubs`, `refusals`, `dynamic_modules`, `alternatives` of packages that need cgo;
`musl_symbols`; `packages` and `package_of`, which bring a library; and `refused`, the entries
that wait for a source.
"""

from trimaran.facts.bringing import LibraryPackage, package_of, packages
from trimaran.facts.glibc import (
    glibc_libraries,
    glibc_newest,
    glibc_symbol_versions,
    symbols_of,
)
from trimaran.facts.load import (
    amd64_levels,
    cluster_kinds,
    distributions,
    glibc_symbols,
    go_bootstraps,
    go_kernels,
    go_machine_kernels,
    go_packages,
    musl_symbols,
    refused,
)
from trimaran.facts.load_modules import alternatives, dynamic_modules, refusals, stubs
from trimaran.facts.model import (
    Amd64Level,
    ClusterKind,
    Distribution,
    GoBootstrap,
    GoKernel,
    GoMachineKernel,
    GoPackage,
    Libc,
    Refused,
    SymbolVersion,
)
from trimaran.facts.modules import Alternative, DynamicModule, Refusal, Scope, Stub
from trimaran.facts.naming import meant
from trimaran.facts.read import UnsourcedFactError

__all__ = [
    "Alternative",
    "Amd64Level",
    "ClusterKind",
    "Distribution",
    "DynamicModule",
    "GoBootstrap",
    "GoKernel",
    "GoMachineKernel",
    "GoPackage",
    "Libc",
    "LibraryPackage",
    "Refusal",
    "Refused",
    "Scope",
    "Stub",
    "SymbolVersion",
    "UnsourcedFactError",
    "alternatives",
    "amd64_levels",
    "cluster_kinds",
    "distributions",
    "dynamic_modules",
    "glibc_libraries",
    "glibc_newest",
    "glibc_symbol_versions",
    "glibc_symbols",
    "go_bootstraps",
    "go_kernels",
    "go_machine_kernels",
    "go_packages",
    "meant",
    "musl_symbols",
    "package_of",
    "packages",
    "refusals",
    "refused",
    "stubs",
    "symbols_of",
]
