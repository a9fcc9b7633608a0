"""What a proxy does wrong, as problems for a user; addresses are shown without their passwords. Pure."""

from trimaran.errors import TrimaranError, fail, printable
from trimaran.toolchain.goproxy import without_secret

_PASSES = (404, 410)  # what lets `,` in GOPROXY pass on to the next


class AbsentError(Exception):
    """The proxy says that it does not have it. `passes` when GOPROXY's `,` lets the next be asked."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.passes = status in _PASSES


class BusyError(TrimaranError):
    """A fault that may be gone at the next try."""


def busy(code: str, what: str, fix: str) -> BusyError:
    """Any other fault that may pass."""
    return BusyError(*fail(code, what, fix).problems)


def stalled(url: str, what: str) -> TrimaranError:
    """For an answer that does not come, or not on."""
    return busy("TRM0309", f"{shown(url)} {what}", "try again, or use another proxy")


def broke_off(url: str, what: str) -> TrimaranError:
    """For an answer that ended before it was whole."""
    return busy("TRM0310", f"{shown(url)} broke off {what}", "try again; what has arrived is kept")


def too_large(url: str, limit: int) -> TrimaranError:
    """For an answer that is larger than it can be."""
    what = f"{shown(url)} sends more than the {limit} bytes that are plausible"
    return fail("TRM0329", what, "do not use this proxy")


def shown(url: str) -> str:
    """An address for a message."""
    return printable(without_secret(url))
