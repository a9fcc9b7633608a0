"""A first declaration for a Go module, from what its source says. Pure.

Only what stands in the source is written down, each with the place it was found at: a guessed port would
give a service that never becomes ready.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_MODULE = re.compile(r'^module\s+"?([^\s"]+)"?', re.MULTILINE)
_GO = re.compile(r"^go\s+(1\.[0-9]+)", re.MULTILINE)
_MAIN = re.compile(r"^package main\b", re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_BUILD_TAG = re.compile(r"^//go:build\s+ignore\b", re.MULTILINE)

# Where a port stands, the surest first: the default of a flag, a listener's address, the default of PORT.
_FLAG = re.compile(
    r'\b(?:Int|IntVar|Uint|UintVar|String|StringVar|StringP|IntP|StringVarP|IntVarP)\([^()\n]*?"'
    r'(?:http-|listen-)?(?:port|addr|address|listen)"[^()\n]*?,\s*"?(?:[a-z0-9.]*:)?([0-9]{2,5})"?\s*,'
)
_LISTEN = re.compile(r'\b(?:ListenAndServe\w*\(|Listen\("tcp",|Addr:)\s*"[a-z0-9.]*:([0-9]{2,5})"')
_ENV = re.compile(r'\bGetenv\("PORT"\)')
_READY = ("/readyz", "/ready", "/health/ready", "/healthz", "/health")
_LIVE = ("/livez", "/live", "/health/live", "/healthz", "/health")
_METRICS = ("/metrics",)
_DEFAULT_PORT = 8080  # what platforms that set PORT use by custom; it is written into the declaration


@dataclass(frozen=True, slots=True)
class Found:
    """Something that the source says, and where: `main.go:31`."""

    value: str
    place: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a module.

    Args:
        packages: its main packages, `.` or `./cmd/x`, in order.
        port: the port it listens on, when the source says one.
        from_env: the port is read from the variable PORT.
    """

    module: str
    go: str
    packages: tuple[str, ...]
    port: Found | None = None
    from_env: bool = False
    ready: Found | None = None
    live: Found | None = None
    metrics: Found | None = None

    @property
    def name(self) -> str:
        """A service name for the package, or for the module when there are several."""
        if len(self.packages) == 1 and self.packages[0] != ".":
            return service_name(PurePosixPath(self.packages[0]).name)
        parts = [part for part in self.module.split("/") if not re.fullmatch(r"v[0-9]+", part)]
        return service_name(parts[-1] if parts else "service")


def service_name(text: str) -> str:
    """`text` as a service name: lower case, digits and dashes, starting with a letter."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    slug = slug if slug[:1].isalpha() else f"service-{slug}".rstrip("-")
    return slug[:63].rstrip("-")


def draft(go_mod: str, sources: Mapping[str, str], package: str | None = None) -> Draft:
    """What a module's go.mod and Go files say.

    Args:
        sources: path relative to the module → text; tests and vendored code left out.
        package: the main package that is meant, when there are several.

    Raises ValueError when go.mod names no module.
    """
    module = _MODULE.search(go_mod)
    if module is None:
        raise ValueError("go.mod names no module")
    go = _GO.search(go_mod)
    packages = (package,) if package else main_packages(sources)
    mine = dict(_relevant(sources, packages))
    port = _first(mine, _FLAG) or _first(mine, _LISTEN)
    env = _first(mine, _ENV) if port is None else None
    return Draft(
        module[1],
        go[1] if go else "",
        packages,
        port or (Found(str(_DEFAULT_PORT), env.place) if env else None),
        env is not None,
        _path(mine, _READY),
        _path(mine, _LIVE),
        _path(mine, _METRICS),
    )


def main_packages(sources: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that hold a `package main`, as `go build` names them."""
    folders = {
        str(PurePosixPath(path).parent)
        for path, text in sources.items()
        if _MAIN.search(text) and not _BUILD_TAG.search(text)
    }
    return tuple("." if folder == "." else f"./{folder}" for folder in sorted(folders))


def _relevant(sources: Mapping[str, str], packages: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The sources without comments, those of the main package first; other main packages left out."""
    mains = {package.removeprefix("./") for package in main_packages(sources)}
    own = {package.removeprefix("./") for package in packages}
    for wanted in (True, False):
        for path, text in sorted(sources.items()):
            folder = str(PurePosixPath(path).parent)
            if (folder in own) is wanted and (folder in own or folder not in mains):
                yield path, _without_comments(text)


def _without_comments(text: str) -> str:
    """Comments blanked, so that lines stay where they are; what stands in quotes is no comment."""
    keep = re.compile(f"({_LITERAL.pattern})|({_COMMENT.pattern})", re.DOTALL)
    return keep.sub(lambda match: match[1] or "\n" * match[0].count("\n"), text)


def _first(sources: Mapping[str, str], pattern: re.Pattern[str]) -> Found | None:
    for path, text in sources.items():
        for match in pattern.finditer(text):
            value = match[1] if pattern.groups else match[0]
            if not pattern.groups or 1 <= int(value) <= 65535:
                return Found(value, f"{path}:{text.count(chr(10), 0, match.start()) + 1}")
    return None


def _path(sources: Mapping[str, str], wanted: tuple[str, ...]) -> Found | None:
    for path in wanted:
        # Go 1.22 patterns may start with a method: "GET /readyz".
        found = _first(sources, re.compile(rf'"(?:GET )?{re.escape(path)}"'))
        if found is not None:
            return Found(path, found.place)
    return None


def text(found: Draft, name: str, runs_on: tuple[str, ...], schema: str) -> str:
    """The draft as a declaration with comments.

    Args:
        name: the service's name.
        runs_on: the distributions to ask for.
        schema: where the editor finds the schema.
    """
    lines = [
        f"# yaml-language-server: $schema={schema}",
        "apiVersion: trimaran.dev/v1alpha1",
        "kind: PlatformAgnosticSpec",
        f"metadata: {{name: {name}}}",
        "spec:",
        "  build:",
        "    path: .",
        f"    package: {found.packages[0]}",
        "    cgo: auto",
        f"  runsOn: [{', '.join(runs_on)}]",
        f"  workload: {{type: {'service' if found.port else 'worker'}, replicas: 1}}",
    ]
    if found.port:
        lines += _network(found, found.port)
    lines += [
        "  resources:",
        "    requests: {cpu: 100m, memory: 64Mi}",
        "    limits: {memory: 256Mi}",
        "  security: {runAsNonRoot: true, readOnlyRoot: true}",
    ]
    return "\n".join(lines) + "\n"


def _network(found: Draft, port: Found) -> list[str]:
    lines = [f"  ports: {{http: {port.value}}}  # {port.place}"]
    if found.from_env:
        lines.append(f'  env: {{PORT: "{port.value}"}}')
    if found.ready or found.live:
        lines.append("  probes:")
    if found.ready:
        lines.append(f"    ready: {{http: {found.ready.value}}}  # {found.ready.place}")
    if found.live:
        lines.append(f"    live: {{http: {found.live.value}}}  # {found.live.place}")
    if found.metrics:
        lines.append(f"  metrics: {{port: http, path: {found.metrics.value}}}  # {found.metrics.place}")
    return lines
