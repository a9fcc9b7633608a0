"""`build`: from a declared main package to a binary in the cache.

The warm path, a module version that was built before in the same situation, reads one small file and one
`stat`; everything else is imported when it is needed.
"""

import errno
from pathlib import Path

from trimaran.errors import Problem, TrimaranError, fail
from trimaran.toolchain import builds
from trimaran.toolchain.model import BuildRequest, Built, Progress, check


def build(request: BuildRequest, cache: Path, progress: Progress) -> Built:
    """Build what `request` names, or find it built.

    A module version is built once: its result is found again without a network and without running `go`.
    A folder is always given to `go build`, whose own cache makes that quick.

    Args:
        cache: Trimaran's cache folder.
        progress: told what takes time.

    Raises:
        TrimaranError: TRM03xx, one for each thing that can go wrong; `docs/go.md` lists them.
    """
    check(request)
    record = builds.asked(request, cache)
    if request.module:
        known = builds.recall(record)
        if known is not None:
            return known
    from trimaran.toolchain import steps

    try:
        built = steps.build_afresh(request, cache, progress)
        if request.module and steps.is_fixed(request.version):
            # The situation may have changed on the way: a Go was brought.
            builds.note(builds.asked(request, cache), built)
    except OSError as error:
        raise _disk(error, cache) from None
    return built


def _disk(error: OSError, cache: Path) -> TrimaranError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return fail(
            "TRM0316", "the disk is full", f"free some space; {cache} may be deleted, it is made again"
        )
    what = f"{error.filename or cache} cannot be used: {error.strerror or error}"
    return TrimaranError(Problem("TRM0332", what, "check the folder's owner and permissions"))
