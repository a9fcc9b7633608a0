"""How people name distributions, and which of those that are known they may mean. Pure."""

import re
from collections.abc import Collection

_NAMED = re.compile(r"(?:([a-z]+)(?:[ ._:-]*(?:linux|stream))?[ ._:-]*v?)([0-9]+)(\.[0-9]+)?(?:\.[0-9]+)*")
# Rebuilt from the sources of the same release of RHEL, or what that is made from; and short names.
_FAMILIES = {
    "alma": "rhel",
    "almalinux": "rhel",
    "centos": "rhel",
    "el": "rhel",
    "ol": "rhel",
    "oracle": "rhel",
    "oraclelinux": "rhel",
    "redhat": "rhel",
    "rocky": "rhel",
    "rockylinux": "rhel",
    "al": "amazon",
    "amazonlinux": "amazon",
    "amzn": "amazon",
}
# As `/etc/os-release` of each has it (VERSION_CODENAME).
_CODENAMES = {
    "buster": "debian-10",
    "bullseye": "debian-11",
    "bookworm": "debian-12",
    "trixie": "debian-13",
    "bionic": "ubuntu-18.04",
    "focal": "ubuntu-20.04",
    "jammy": "ubuntu-22.04",
    "noble": "ubuntu-24.04",
    "plucky": "ubuntu-25.04",
    "questing": "ubuntu-25.10",
}


def meant(name: str, known: Collection[str]) -> str:
    """The one of `known` that `name` most likely stands for; empty where none is near.

    `centos:7` stands for `rhel-7`, `jammy` for `ubuntu-22.04`: a suggestion, for a person to take.
    """
    import difflib

    text = name.strip().lower()
    if _CODENAMES.get(text) in known:
        return _CODENAMES[text]
    found = _NAMED.fullmatch(text)
    if found is not None:
        family, major, minor = _FAMILIES.get(found[1], found[1]), found[2], found[3] or ""
        for each in (f"{family}-{major}{minor}", f"{family}-{major}"):
            if each in known:
                return each
    near = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    return near[0] if near else ""
