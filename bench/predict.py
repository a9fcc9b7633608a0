"""`predict` and `blame` on a service of 500 packages with C in it, beside what Go and nm need for less."""

import os
import sys
from functools import cache
from pathlib import Path

from tests.programs import FLAGS, rqlite_source, rqlited

from bench.case import Case, elapsed, folder

TRIMARAN = str(Path(sys.executable).with_name("trimaran"))
_GO = f"cd '{{source}}' && GOFLAGS='{FLAGS}' GOWORK=off CGO_ENABLED=1 "
_LIST = "go list -deps -json=ImportPath,Module,CgoFiles,CgoLDFLAGS ./cmd/rqlited"
_BUILD = "rm -f '{out}'; go build -o '{out}' ./cmd/rqlited"
# What people type to find out who asks for one symbol.
_NM = (
    "go list -export -deps -f '{{{{if .CgoFiles}}}}{{{{.ImportPath}}}} {{{{.Export}}}}{{{{end}}}}' "
    "./cmd/rqlited | "
    "while read -r package archive; do "
    'nm "$archive" 2>/dev/null | grep -q " U stat64$" && echo "$package"; done; true'
)


@cache
def source() -> str:
    """The module's folder, with everything compiled in Go's cache."""
    rqlited()
    return str(rqlite_source())


def _shell(script: str) -> float:
    out = folder("predict") / "rqlited"
    return elapsed(["bash", "-c", (_GO + script).format(source=source(), out=out)])()


def _predict() -> float:
    return elapsed([TRIMARAN, "predict", os.path.join(source(), "cmd", "rqlited")])()  # noqa: PTH118


def _blame() -> float:
    return elapsed([TRIMARAN, "blame", str(rqlited()), "--source", source(), "--all"])()


CASES = (
    Case(
        "predict: 518 packages with SQLite among them, warm",
        ours=_predict,
        peer=lambda: _shell(_LIST),
        peer_name="one go list -deps of the same, which decides nothing",
        limit=1,
    ),
    Case(
        "predict: the same, beside building it when everything is compiled",
        ours=_predict,
        peer=lambda: _shell(_BUILD),
        peer_name="go build of the same, which then only links",
        ratio=1,
        rounds=3,
    ),
    Case(
        "blame: every symbol of that service, after a build",
        ours=_blame,
        peer=lambda: _shell(_NM),
        peer_name="go list -export and nm on each archive with C in it, for one symbol",
        limit=2,
        rounds=5,
    ),
)
