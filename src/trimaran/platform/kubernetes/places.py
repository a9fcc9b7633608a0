"""Where the API keeps an object, and what is asked of it there. Pure."""

from urllib.parse import quote

from trimaran.action import ObjectRef
from trimaran.errors import TrimaranError, printable
from trimaran.facts import ClusterKind, cluster_kinds
from trimaran.platform.kubernetes import answers
from trimaran.platform.kubernetes.request import Request

MANAGED_BY = "app.kubernetes.io/managed-by"
NAME = "app.kubernetes.io/name"
OURS = "trimaran"
_PAGE = 2000  # objects


def kind_of(ref: ObjectRef) -> ClusterKind:
    """Raises TRM0727 for a kind that we never put on a cluster."""
    found = cluster_kinds().get(ref.kind)
    if found is None:
        raise unknown(ref.kind)
    return found


def unknown(kind: str) -> TrimaranError:
    """The error for a kind that is not in the facts."""
    return answers.unknown_kind(printable(kind), "not a kind that Trimaran applies", "the cluster")


def group_path(version: str) -> str:
    """Where the kinds of a group and version are told: `/apis/apps/v1`."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def collection(kind: ClusterKind, namespace: str) -> str:
    """Where the objects of a kind are."""
    return f"{group_path(kind.version)}/namespaces/{quote(namespace, safe='')}/{kind.plural}"


def place(ref: ObjectRef) -> str:
    """Where one object is."""
    name = quote(ref.name, safe="")
    # Dots alone would be taken for steps in the path; no object has such a name.
    return f"{collection(kind_of(ref), ref.scope)}/{name if name.strip('.') else '%2E'}"


def listing(kind: ClusterKind, namespace: str, service: str | None, go_on: str = "") -> Request:
    """One page of the objects of a kind: all of them, or those of one service.

    A read without a resource version is consistent: what was applied a moment ago is in it.
    """
    params = {"limit": str(_PAGE)}
    if service is not None:
        params["labelSelector"] = f"{MANAGED_BY}={OURS},{NAME}={service}"
    if go_on:
        params["continue"] = go_on
    return Request("GET", collection(kind, namespace), f"list {kind.plural} in {namespace}", params)


def getting(ref: ObjectRef) -> Request:
    """One object."""
    return Request("GET", place(ref), f"get {kind_of(ref).plural}/{printable(ref.name)} in {ref.scope}")
