"""What shows the same as `predict` with stock tools. Pure."""

import shlex
from collections.abc import Sequence

from trimaran.portability.predict_model import Brings, Brought, Host


def commands(package: str, host: Host, brought: Sequence[Brought]) -> tuple[str, ...]:
    """Commands of a shell in the module's folder."""
    name = shlex.quote(package)
    found = [
        "CGO_ENABLED=1 go list -deps -f '{{if .CgoFiles}}{{.ImportPath}} {{.CgoLDFLAGS}}{{end}}' " + name,
    ]
    stub = next((each for each in brought if each.kind in {Brings.STUB, Brings.POSSIBLE_STUB}), None)
    if stub is not None:
        found.append("CGO_ENABLED=0 go list -f '{{.GoFiles}}' " + shlex.quote(stub.package))
    if any(each.kind is Brings.PRAGMA for each in brought):
        folders = "$(go list -deps -f '{{if not .Standard}}{{.Dir}}{{end}}' " + name + ")"
        found.append(f"grep -n '^//go:cgo_import_dynamic' -r {folders}")
    if host.libc:
        found.append(f"{host.compiler} -### x.o 2>&1 | grep -o 'dynamic-linker [^ ]*'")
        found.append(f"nm -D {shlex.quote(host.libc)} | grep -w -e pthread_create -e __libc_start_main")
    return tuple(found)
