"""What is known of packages that need cgo."""

import re

import pytest

from trimaran.facts import Scope, alternatives, dynamic_modules, refusals, stubs


def test_a_stub_says_what_is_seen_when_it_is_used() -> None:
    known = {stub.id: stub for stub in stubs()}
    sqlite = known["go-sqlite3"]
    seen = "Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub"
    assert re.search(sqlite.message, seen)
    assert sqlite.literal in seen
    assert (sqlite.module, sqlite.scope, sqlite.since) == (
        "github.com/mattn/go-sqlite3",
        Scope.PACKAGE,
        "v1.7.0",
    )
    assert known["plugin"].packages == ("plugin",)


def test_what_works_in_pure_go_is_no_stub() -> None:
    packages = {package for stub in stubs() for package in stub.packages}
    assert not packages & {"net", "os/user", "github.com/coreos/go-systemd/v22/journal"}


@pytest.mark.parametrize("stub", stubs(), ids=lambda stub: stub.id)
def test_a_stub_is_of_its_module_and_its_message_is_an_expression(stub) -> None:  # type: ignore[no-untyped-def] # a case
    assert stub.packages
    assert stub.calls
    if stub.module == "std":
        assert not stub.measured
    else:
        assert all((package + "/").startswith(stub.module + "/") for package in stub.packages)
        assert re.fullmatch(r"v\d+\.\d+\.\d+(-\S+)?", stub.measured)
    # The literal may lack what the program fills in; the expression then has room for it.
    assert re.search(stub.message.replace(".*", ""), stub.literal) or ".*" in stub.message


def test_a_package_either_compiles_to_a_stub_or_does_not_compile() -> None:
    stubbed = {package for stub in stubs() for package in stub.packages}
    refused = {refusal.package for refusal in refusals()}
    dynamic = {module.package for module in dynamic_modules() if module.tag is None}
    assert len(refused) == len(refusals()) > 20
    assert not stubbed & refused
    assert not dynamic & (stubbed | refused)


def test_an_alternative_replaces_something_that_is_known_or_standard() -> None:
    known = {package for stub in stubs() for package in stub.packages}
    known |= {refusal.package for refusal in refusals()} | {each.package for each in dynamic_modules()}
    for each in alternatives():
        assert (each.module is None) != (each.tag is None)
        assert set(each.replaces) <= known | {"net", "os/user"}
        assert each.effect
