"""How people name distributions, and what is suggested to them."""

import pytest

from trimaran.facts import distributions, meant


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("centos-7", "rhel-7"),
        ("centos:7.9.2009", "rhel-7"),
        ("CentOS Stream 9", "rhel-9"),
        ("rocky9", "rhel-9"),
        ("almalinux-10.1", "rhel-10"),
        ("el8", "rhel-8"),
        ("RHEL-9", "rhel-9"),
        ("ubuntu:22.04", "ubuntu-22.04"),
        ("Ubuntu 24.04", "ubuntu-24.04"),
        ("alpine:3.23.4", "alpine-3.23"),
        ("debian12", "debian-12"),
        ("debian-12.7", "debian-12"),
        ("amazonlinux:2023", "amazon-2023"),
        ("jammy", "ubuntu-22.04"),
        ("Bookworm", "debian-12"),
        ("debain-12", "debian-12"),
        ("ubunut-20.04", "ubuntu-20.04"),
        ("plan9", ""),
        ("", ""),
        ("9" * 5000, ""),
    ],
)
def test_a_name_stands_for_what_is_known_or_for_nothing(name: str, expected: str) -> None:
    assert meant(name, distributions()) == expected


def test_what_is_known_stands_for_itself() -> None:
    assert {name: meant(name, distributions()) for name in distributions()} == {
        name: name for name in distributions()
    }
