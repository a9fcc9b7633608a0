"""Which revision is meant, and what a target held then."""

from datetime import UTC, datetime

import pytest

from trimaran.action import ObjectRef
from trimaran.deliver.rollback import back_to, check_services, chosen_revision
from trimaran.errors import TrimaranError
from trimaran.ledger import Applied, Revision, RevisionState
from trimaran.platform import platform

HOST = platform("host")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def held(*names: str, kind: str = "File") -> dict[ObjectRef, Applied]:
    found = {}
    for name in names:
        document = {"service": name.partition("-")[0], "status": {"pid": 1}}
        found[ObjectRef("local", kind, name)] = Applied(document, 1, "k", NOW)
    return found


def revisions(*states: RevisionState) -> tuple[Revision, ...]:
    count = len(states)
    return tuple(
        Revision(count - index, "apply", "alice@box", {}, NOW, 1, state) for index, state in enumerate(states)
    )


DONE, FAILED, OPEN = RevisionState.DONE, RevisionState.FAILED, RevisionState.OPEN


@pytest.mark.parametrize(
    ("states", "number"),
    [((DONE, DONE), 1), ((FAILED, DONE, DONE), 2), ((DONE, FAILED, OPEN, DONE), 1)],
)
def test_without_a_number_it_is_the_last_that_went_well_before_the_newest(
    states: tuple[RevisionState, ...], number: int
) -> None:
    assert chosen_revision(None, revisions(*states)).number == number


@pytest.mark.parametrize("states", [(), (DONE,), (DONE, FAILED)])
def test_without_an_earlier_one_that_went_well_there_is_nothing_to_go_back_to(
    states: tuple[RevisionState, ...],
) -> None:
    with pytest.raises(TrimaranError, match="TRM0771"):
        chosen_revision(None, revisions(*states))


def test_a_number_names_its_revision_and_another_one_the_nearest() -> None:
    known = revisions(DONE, FAILED, DONE)
    assert chosen_revision(2, known).state is FAILED
    with pytest.raises(TrimaranError, match="TRM0770") as caught:
        chosen_revision(9, known)
    assert "the nearest is 3" in caught.value.problems[0].fix
    with pytest.raises(TrimaranError, match="TRM0770"):
        chosen_revision(1, ())


def test_what_was_held_comes_back_and_what_came_since_goes() -> None:
    back = back_to(held("web", "web-2"), held("web", "api"), HOST)
    assert [item.ref.name for item in back.objects] == ["web", "web-2"]
    assert back.services == {"web", "api"}
    assert all("status" not in item.document for item in back.objects)


def test_one_service_can_go_back_alone() -> None:
    back = back_to(held("web", "api"), held("web", "api", "new"), HOST, ["web"])
    assert [item.ref.name for item in back.objects] == ["web"]
    assert back.services == {"web"}
    assert back_to({}, held("new"), HOST, ["new"]).services == {"new"}


def test_objects_come_back_in_the_order_of_their_waves() -> None:
    back = back_to(held("web", kind="Process") | held("web"), {}, HOST)
    assert [item.ref.kind for item in back.objects] == ["File", "Process"]


def test_a_service_that_was_never_applied_is_an_error() -> None:
    check_services(["web"], {"web"})
    with pytest.raises(TrimaranError, match="TRM0772") as caught:
        check_services(["wep"], {"web"})
    assert caught.value.problems[0].fix == "did you mean web?"
