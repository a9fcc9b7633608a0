"""What is known of distributions here: the facts, and what was measured in root file systems at hand."""

from collections.abc import Mapping
from dataclasses import replace

from trimaran.cli import paths
from trimaran.facts import Distribution, distributions


def measured() -> Mapping[str, Distribution]:
    """The root file systems at hand, by name."""
    # Most people have none, and need not wait for the room that knows them.
    if not paths.has_data("rootfs"):
        return {}
    from trimaran.rootfs import roots

    # A verdict names its distribution as the user names the root file system.
    return {
        name: replace(root.distribution, id=name) for name, root in roots(paths.data() / "rootfs").items()
    }


def known() -> Mapping[str, Distribution]:
    """Every distribution of the facts, as it was measured where its root file system is at hand."""
    facts = distributions()
    return {**facts, **{name: found for name, found in measured().items() if name in facts}}
