"""What shows the same as `blame` with stock tools. Pure."""

import shlex
from collections.abc import Sequence

from trimaran.portability.blame_model import Attribution, Part
from trimaran.portability.blame_recipe import Recipe
from trimaran.toolchain.model import BuildRequest

_DEFAULT = {"GOFLAGS", "GOOS", "GOARCH", "GOAMD64", "CGO_ENABLED"}


def commands(path: str, source: BuildRequest, how: Recipe, symbols: Sequence[Attribution]) -> tuple[str, ...]:
    """Commands of a shell in the source's folder; the example is the first symbol that a package brings."""
    found = [f"nm -D {shlex.quote(path)} | grep GLIBC_"]
    named = [each for each in symbols if each.name and each.shares]
    example = next((each for each in named if each.shares[-1].owner.part is Part.PACKAGE), None)
    if example is not None:
        told = [f"{key}={shlex.quote(value)}" for key, value in how.settings.items() if _needed(key, value)]
        flags = [shlex.quote(flag) for flag in how.flags if flag != "-buildmode=exe"]
        form = "'{{if .CgoFiles}}{{.ImportPath}} {{.Export}}{{end}}'"
        listing = " ".join((*told, "go list -export -deps", *flags, "-f", form))
        wanted = shlex.quote(f" U {example.name}$")
        found.append(
            f"{listing} {shlex.quote(source.package)} | while read -r package archive; do "
            f'nm "$archive" 2>/dev/null | grep -q {wanted} && echo "$package"; done'
        )
    startup = next((each for each in named if each.shares[0].owner.part is Part.STARTUP), None)
    if startup is not None:
        file = startup.shares[0].owner.file
        found.append(f'nm "$(gcc -print-file-name={shlex.quote(file)})"')
    return tuple(found)


def _needed(key: str, value: str) -> bool:
    return key not in _DEFAULT or (key, value) == ("CGO_ENABLED", "0")
