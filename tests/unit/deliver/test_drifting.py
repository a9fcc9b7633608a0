"""Every way to drift is told from the others, and what is as it should be is no drift."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from trimaran.action import Change, Gap, Json, Object, ObjectRef, Observation
from trimaran.deliver.adoption import put, to_adopt, value_at, with_adoptions, without_adoptions
from trimaran.deliver.drifting import Baseline, Drift, DriftKind, classify
from trimaran.ledger import Adoption, Applied
from trimaran.platform import platform
from trimaran.platform.compare import changes

HOST = platform("host")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def ref(name: str = "a") -> ObjectRef:
    return ObjectRef("local", "File", f"/{name}")


def obj(name: str, content: str, service: str | None = "web") -> Object:
    document: dict[str, Json] = {"path": f"/{name}", "content": content, "mode": "0444"}
    return Object(ref(name), document if service is None else {"service": service, **document})


def baseline(
    applied: tuple[Object, ...], desired: tuple[Object, ...] | None, adoptions: tuple[Adoption, ...] = ()
) -> Baseline:
    done = {item.ref: Applied(item.document, 1, "k", NOW) for item in applied}
    return Baseline(None if desired is None else {item.ref: item for item in desired}, done, adoptions)


def drifts(
    applied: tuple[Object, ...],
    desired: tuple[Object, ...] | None,
    seen: tuple[Object, ...],
    adoptions: tuple[Adoption, ...] = (),
    gaps: tuple[Gap, ...] = (),
) -> tuple[Drift, ...]:
    return classify(baseline(applied, desired, adoptions), Observation(seen, gaps, NOW), HOST)


def kinds(found: tuple[Drift, ...]) -> list[str]:
    return [each.kind for each in found]


A, B, C = obj("a", "1"), obj("a", "2"), obj("a", "3")


def test_what_is_as_declared_and_as_applied_has_not_drifted() -> None:
    assert drifts((A,), (A,), (A,)) == ()
    assert drifts((A,), None, (A,)) == ()
    assert drifts((), (), ()) == ()


def test_a_declaration_that_changed_since_is_local() -> None:
    (found,) = drifts((A,), (B,), (A,))
    assert (found.kind, found.changes) == (DriftKind.LOCAL, (Change("content", "1", "2"),))
    assert found.service == "web"


def test_what_was_never_applied_is_local() -> None:
    (found,) = drifts((), (A,), ())
    assert (found.kind, found.changes) == (DriftKind.LOCAL, ())


def test_a_field_that_changed_on_the_target_is_live() -> None:
    for desired in ((A,), None):
        (found,) = drifts((A,), desired, (B,))
        assert (found.kind, found.changes) == (DriftKind.LIVE, (Change("content", "2", "1"),))


def test_what_changed_here_and_there_is_both() -> None:
    local, live = drifts((A,), (B,), (C,))
    assert (local.kind, local.changes) == (DriftKind.LOCAL, (Change("content", "1", "2"),))
    assert (live.kind, live.changes) == (DriftKind.LIVE, (Change("content", "3", "2"),))


def test_what_changed_here_and_there_to_the_same_is_no_drift() -> None:
    assert drifts((A,), (B,), (B,)) == ()


def test_what_was_applied_and_is_gone_is_missing() -> None:
    assert kinds(drifts((A,), (A,), ())) == ["missing"]
    assert kinds(drifts((A,), None, ())) == ["missing"]


def test_what_is_gone_and_declared_no_more_is_no_drift() -> None:
    assert drifts((A,), (), ()) == ()


def test_what_is_ours_and_declared_no_more_is_an_orphan() -> None:
    assert kinds(drifts((A,), (), (A,))) == ["orphan"]
    assert kinds(drifts((), (), (A,))) == ["orphan"]
    assert drifts((), None, (A,)) == ()
    assert drifts((), (), (obj("a", "1", service=None),)) == ()


def test_what_stands_in_our_place_and_is_not_ours_is_foreign() -> None:
    for stranger in (obj("a", "1", service=None), obj("a", "1", service="other")):
        assert kinds(drifts((A,), (A,), (stranger,))) == ["foreign"]
        assert kinds(drifts((), (A,), (stranger,))) == ["foreign"]
        assert kinds(drifts((A,), None, (stranger,))) == ["foreign"]


def test_what_cannot_be_seen_is_unknown_and_not_missing() -> None:
    hidden = drifts((A, obj("b", "1")), None, (), gaps=(Gap("x", "locked", hides=A.ref),))
    assert [(each.ref, each.kind, each.reason) for each in hidden] == [
        (ref("a"), "unknown", "locked"),
        (ref("b"), "missing", ""),
    ]
    dark = drifts((A, obj("b", "1")), (A,), (B,), gaps=(Gap("x", "unreachable"),))
    assert kinds(dark) == ["live", "unknown"]
    assert not dark[1].is_drift


class Scaled:
    """A platform on which somebody else decides `content`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(HOST, name)

    def diff(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        found = changes(wanted.document, seen.document)
        return tuple(
            Change(each.path, each.before, each.after, "kubectl-edit")
            for each in found
            if each.path != "content"
        )

    def left_alone(self, wanted: Object, seen: Object) -> tuple[Change, ...]:
        return (Change("content", seen.document["content"], None, "autoscaler"),)


def test_what_is_left_to_others_is_told_and_is_no_drift() -> None:
    (found,) = classify(baseline((A,), (A,)), Observation((B,), (), NOW), Scaled())
    assert (found.kind, found.is_drift, found.owners) == (DriftKind.EXPECTED, False, ("autoscaler",))
    assert [change.path for change in found.left_alone] == ["content"]


def test_who_changed_a_field_is_named() -> None:
    changed = Object(A.ref, {**A.document, "mode": "0777"})
    (found,) = classify(baseline((A,), None), Observation((changed,), (), NOW), Scaled())
    assert (found.kind, found.owners) == (DriftKind.LIVE, ("kubectl-edit",))
    assert [change.path for change in found.left_alone] == ["content"]


def test_what_is_ours_by_its_label_alone_is_told_by_who_set_it() -> None:
    changed = Object(A.ref, {**A.document, "mode": "0777"})
    (found,) = classify(baseline((), (A,)), Observation((changed,), (), NOW), Scaled())
    assert found.kind is DriftKind.LIVE
    assert kinds(drifts((), (A,), (B,))) == ["local"]


def test_what_an_undo_restored_counts_without_its_status() -> None:
    restored = Object(A.ref, {**A.document, "status": {"state": "running"}})
    assert drifts((restored,), (A,), (A,)) == ()


# -- adoptions


def adopted(declared: Json = "1", value: Json = "2", path: str = "content") -> Adoption:
    return Adoption(A.ref, path, value, declared, NOW, "alice@box")


def test_a_value_that_was_adopted_is_no_drift() -> None:
    for desired in ((A,), None):
        assert drifts((A,), desired, (B,), (adopted(),)) == ()
        assert kinds(drifts((A,), desired, (C,), (adopted(),))) == ["live"]


def test_an_adoption_ends_when_the_declaration_changes() -> None:
    other = obj("a", "9")
    assert with_adoptions([A, other], [adopted()]) == (B, other)
    assert with_adoptions([other], [adopted()])[0].document == other.document
    assert kinds(drifts((A,), (C,), (B,), (adopted(),))) == ["local"]


def test_what_is_adopted_again_stays_bound_to_its_declaration() -> None:
    (live,) = drifts((A,), (A,), (C,), (adopted(),))
    (again,) = to_adopt(A, live.changes, [adopted()], NOW, "bob@box")
    assert (again.declared, again.value, again.actor) == ("1", "3", "bob@box")
    assert without_adoptions([C], [again])[0].document == A.document


DOCUMENT = {
    "spec": {
        "replicas": 3,
        "containers": [
            {"name": "web", "image": "a", "ports": [{"containerPort": 80}], "args": ["x", "y"]},
            {"name": "a]b", "image": "c"},
        ],
    },
    "metadata": {"labels": {"app.kubernetes.io/name": "web", "plain": "1"}, "x[y]z": 1},
}


def test_paths_reach_what_they_name() -> None:
    wanted = {
        "spec.replicas": 3,
        "spec.containers[name=web].image": "a",
        "spec.containers[name=web].ports[containerPort=80].containerPort": 80,
        "spec.containers[name=web].args[1]": "y",
        "spec.containers[name=a]b].image": "c",
        "metadata.labels[app.kubernetes.io/name]": "web",
        "metadata.labels.plain": "1",
        "metadata[x[y]z]": 1,
        "spec.nothing.below": None,
        "spec.containers[name=none].image": None,
        "spec.containers[name=web].args[7]": None,
        "spec.replicas.below": None,
        "": DOCUMENT,
    }
    assert {path: value_at(DOCUMENT, path) for path in wanted} == wanted


def test_a_value_is_put_where_its_path_says_and_nowhere_else() -> None:
    found = put(DOCUMENT, "spec.containers[name=web].image", "b")
    assert [each.path for each in changes(found, DOCUMENT)] == ["spec.containers[name=web].image"]
    gone = put(DOCUMENT, "spec.containers[name=a]b]", None)
    assert [each["name"] for each in gone["spec"]["containers"]] == ["web"]
    assert put({}, "metadata.labels[a/b]", "c") == {"metadata": {"labels": {"a/b": "c"}}}
    assert put(DOCUMENT, "spec.nothing", None) == DOCUMENT


NAMES = st.sampled_from(["a", "b-c", "d.e", "f/g", "h]i", "[j", "name", "k=l"])
LEAVES = st.sampled_from([1, 2, "x", True])
ITEMS = st.lists(
    st.builds(lambda name, leaf: {"name": name, "v": leaf}, NAMES, LEAVES),
    max_size=3,
    unique_by=lambda item: str(item["name"]),
)
TREES = st.recursive(
    LEAVES, lambda inner: st.dictionaries(NAMES, inner, max_size=3) | ITEMS | st.lists(LEAVES, max_size=3)
)
DOCUMENTS = st.dictionaries(NAMES, TREES, max_size=3)


@settings(max_examples=300)
@given(DOCUMENTS, DOCUMENTS)
def test_every_path_of_a_difference_reads_what_it_tells(wanted: Json, seen: Json) -> None:
    for change in changes(wanted, seen):
        assert value_at(wanted, change.path) == change.after
        assert value_at(seen, change.path) == change.before


@settings(max_examples=300)
@example({"f/g": []}, {"f/g": [1, 1]})
@example({"f/g": [1, 1]}, {"f/g": []})
@given(DOCUMENTS, DOCUMENTS)
def test_what_is_adopted_as_a_whole_is_no_difference_any_more(wanted: Json, seen: Json) -> None:
    found = list(changes(wanted, seen))
    kept = to_adopt(Object(A.ref, wanted), found, [], NOW, "alice@box")
    if any(isinstance(each.before, dict | list) or isinstance(each.after, dict | list) for each in found):
        return  # what a list or mapping replaced has other paths once it is there
    for order in (kept, kept[::-1]):
        (item,) = with_adoptions([Object(A.ref, wanted)], order)
        assert [each.path for each in changes(item.document, seen)] == []
