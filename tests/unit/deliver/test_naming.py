"""An object is found by its name or by any part of it that names no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimaran.action import ObjectRef
from trimaran.deliver.naming import joined, matching, meant
from trimaran.errors import TrimaranError

WEB = ObjectRef("east", "Deployment", "web", "shop")
WEST = ObjectRef("west", "Deployment", "web", "shop")
SERVICE = ObjectRef("east", "Service", "web", "shop")
LONGER = ObjectRef("east", "Deployment", "web-api", "shop")
FILE = ObjectRef("host", "File", "/etc/web/motd")
KNOWN = (WEB, WEST, SERVICE, LONGER, FILE)


@pytest.mark.parametrize(
    ("words", "ref"),
    [
        ("east Deployment/shop/web", WEB),
        ("east deployment/web", WEB),
        ("EAST DEPLOYMENT/SHOP/WEB", WEB),
        ("Service/web", SERVICE),
        ("web-api", LONGER),
        ("api", LONGER),
        ("host File//etc/web/motd", FILE),
        ("/etc/web/motd", FILE),
        ("motd", FILE),
        ("  motd ", FILE),
    ],
)
def test_a_part_that_names_no_other_is_enough(words: str, ref: ObjectRef) -> None:
    assert meant(words, KNOWN) == ref


def test_a_part_of_several_is_told_with_all_of_them() -> None:
    with pytest.raises(TrimaranError, match="TRM0774") as caught:
        meant("Deployment/web", KNOWN)
    assert caught.value.problems[0].detail == (str(WEB), str(WEST))
    many = [ObjectRef("t", "File", f"/x{number}") for number in range(30)]
    with pytest.raises(TrimaranError, match="names 30 objects") as caught:
        meant("/x", many)
    assert caught.value.problems[0].detail[-1] == "and 10 more"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(TrimaranError, match="TRM0773") as caught:
        meant("Service/wep", KNOWN)
    assert "'east Service/shop/web'" in caught.value.problems[0].fix
    with pytest.raises(TrimaranError, match="TRM0773"):
        meant("", ())


def test_a_target_and_what_follows_are_one_name() -> None:
    targets = {"east", "host"}
    words = ("east", "Service/web", "motd", "host", "/etc/web/motd")
    assert joined(words, targets) == ("east Service/web", "motd", "host /etc/web/motd")
    assert joined(("east",), targets) == ("east",)
    assert joined((), targets) == ()


@given(st.text())
def test_any_text_is_answered(words: str) -> None:
    assert set(matching(words, KNOWN)) <= set(KNOWN)
