"""The kubeconfig: which server a context names, and how it is asked. Input and output."""

import difflib
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import yaml
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User, UserExec
from lightkube.core.exceptions import ConfigError

from trimaran.errors import Exit, Problem, TrimaranError, fail, printable
from trimaran.spec.fleet import ClusterTarget

_LARGEST = 8 << 20  # bytes
_PLUGIN_S = 30.0
_DEFAULT = "~/.kube/config"
_CONVERTING = threading.Lock()


def connect(settings: ClusterTarget) -> httpx2.Client:
    """A client of the cluster that the target names; it connects with its first request.

    Raises TRM0720 for a kubeconfig that cannot be used, TRM0721 for a context that it does not have.
    """
    path = _file(settings)
    known = _load(path)
    config = _context(known, settings.context or "", path)
    try:
        user = config.user or User()
        plugin, plain = user.exec, msgspec.structs.replace(user, exec=None)
        # An answer that never comes is bounded by each request's own timeout.
        timeout = httpx2.Timeout(10.0)
        params = ConnectionParams(timeout=timeout).httpx_params(config._replace(user=plain))
        if plugin is not None and params["auth"] is None:
            params["auth"] = PluginAuth(plugin, path.parent)
        _choose_once(params["verify"])
        return httpx2.Client(**params)
    except (ConfigError, ssl.SSLError, OSError, ValueError) as broken:
        raise _unusable(path, f"its context {settings.context} cannot be used: {broken}") from None


def _choose_once(context: ssl.SSLContext) -> None:
    """Choose the protocol of all connections now, and never again.

    httpcore chooses it before each connection. OpenSSL then frees the list, which a connection of another
    thread may be copying: the hello of that one holds other bytes, and the server answers "decode error".
    """
    context.set_alpn_protocols(["http/1.1"])
    setattr(context, "set_alpn_protocols", _chosen)  # noqa: B010 - no subclass: OpenSSL's context is made elsewhere


def _chosen(protocols: object) -> None:
    """What httpcore calls instead."""


def _file(settings: ClusterTarget) -> Path:
    if settings.kubeconfig is not None:
        return Path(settings.kubeconfig)
    # $KUBECONFIG may list several; the first one that has the context counts.
    listed = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    for path in listed:
        try:
            if settings.context in _load(path).contexts:
                return path
        except TrimaranError:
            continue
    return listed[0] if listed else Path(_DEFAULT).expanduser()


def _load(path: Path) -> KubeConfig:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as broken:
        raise _unusable(path, broken.strerror or str(broken)) from None
    if len(text) > _LARGEST:
        raise _unusable(path, "it is too large")
    try:
        found = yaml.safe_load(text)
        _check_known(found)
        # msgspec learns each model at its first use, and two threads that do so at once crash the process.
        with _CONVERTING:
            return KubeConfig.from_dict(found, fname=path)
    except yaml.YAMLError as broken:
        mark = getattr(broken, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise _unusable(path, f"it is not YAML{place}") from None
    except KeyError as missing:
        raise _unusable(path, f"it lacks {missing}") from None
    except (TypeError, AttributeError, ValueError, RecursionError) as broken:
        raise _unusable(path, f"it is malformed: {broken}") from None


def _check_known(found: Any) -> None:
    """Refuse what would change who we are or whom we trust, and is not understood."""
    for listed, inner, names in (
        ("clusters", "cluster", ("tls-server-name", "proxy-url")),
        ("users", "user", ("as", "as-uid", "as-groups", "as-user-extra", "auth-provider")),
    ):
        for entry in found[listed] or ():
            for name in names:
                if name in (entry.get(inner) or {}):
                    raise ValueError(f"{inner} {entry.get('name')} has {name}, which is not understood")


def _context(known: KubeConfig, name: str, path: Path) -> SingleConfig:
    if name not in known.contexts:
        near = difflib.get_close_matches(name, known.contexts, 1)
        has = ", ".join(sorted(map(str, known.contexts))) or "none"
        what = f"{path} has no context {name}; it has {has}"
        fix = f"write {near[0]}, if you mean that" if near else "name one of its contexts in fleet.yaml"
        raise fail("TRM0721", printable(what), printable(fix))
    try:
        found = known.get(name)
    except KeyError as missing:
        raise _unusable(path, f"the context {name} names {missing}, which it does not have") from None
    assert found is not None  # noqa: S101 - only without a name and a default
    return found


def _unusable(path: Path, why: str) -> TrimaranError:
    what = printable(f"the kubeconfig {path} cannot be used: {why}")
    return fail("TRM0720", what, "mend the file, or name another in fleet.yaml (kubeconfig)")


class PluginAuth(httpx2.Auth):
    """A token from a credential plugin (client.authentication.k8s.io), asked again when it is refused."""

    def __init__(self, plugin: UserExec, folder: Path) -> None:
        self.plugin, self.folder, self.token = plugin, folder, ""

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
            response = yield request
            if response.status_code != httpx2.codes.UNAUTHORIZED:
                return
        self.token = self._ask()
        request.headers["Authorization"] = f"Bearer {self.token}"
        yield request

    def _ask(self) -> str:
        name = printable(self.plugin.command)
        command = self.plugin.command
        if "/" in command and not Path(command).is_absolute():
            command = str(self.folder / command)  # relative to the kubeconfig, as kubectl has it
        info = {
            "apiVersion": self.plugin.apiVersion,
            "kind": "ExecCredential",
            "spec": {"interactive": False},
        }
        environment = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        environment |= {each.name: each.value for each in self.plugin.env or ()}
        try:
            done = subprocess.run(
                [command, *(self.plugin.args or ())],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PLUGIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _refused(name, f"it did not end within {_PLUGIN_S:g}s") from None
        except OSError as broken:
            raise _refused(name, broken.strerror or str(broken), self.plugin.installHint or "") from None
        if done.returncode != 0:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [""]
            raise _refused(name, f"exit status {done.returncode}: {printable(last[0])[:200]}")
        try:
            token = json.loads(done.stdout)["status"]["token"]
        except (ValueError, KeyError, TypeError):
            # What it printed may be a credential: never shown.
            raise _refused(name, "it printed no ExecCredential with a token") from None
        if not isinstance(token, str) or not token.isprintable() or not token.isascii():
            raise _refused(name, "its token is not one line of text")
        return token


def _refused(name: str, why: str, hint: str = "") -> TrimaranError:
    what = f"the kubeconfig's credential plugin {name} failed: {why}"
    fix = (
        printable(hint.strip().splitlines()[0])[:200] if hint.strip() else "run it by hand, and log in again"
    )
    return TrimaranError(Problem("TRM0723", what, fix), status=Exit.AUTHENTICATION)
