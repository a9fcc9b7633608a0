"""What a run for verification is given beside the file and the root file system. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trimaran.rootfs.sandbox_plan import Isolation


@dataclass(frozen=True, slots=True)
class How:
    """What else a run is given.

    Args:
        network: whether it shares this machine's network.
        environment: variables that the program sees beside PATH, HOME, USER, LANG and TERM.
        isolation: what makes the sandbox; None for the better one at hand.
        cpu: an x86-64 level (`v1` to `v3`) or a processor of QEMU's to play; empty for this machine's own.
        old_kernel: whether the kernel calls itself 2.6.
        trace: whether to tell which programs and files it asked for; that takes longer.
        cancelled: asked while it runs; True ends it.
    """

    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    isolation: Isolation | None = None
    cpu: str = ""
    old_kernel: bool = False
    trace: bool = False
    cancelled: Callable[[], bool] = lambda: False
