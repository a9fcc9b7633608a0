"""`build`: from a declared main package to a binary in the cache.

The warm path, a module version that was built before in the same situation, reads one small file and one
`stat`; everything else is imported when it is needed.
"""

from pathlib import Path

from trimaran.toolchain import builds, disk
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

    with disk.explained(cache):
        built = steps.build_afresh(request, cache, progress)
        if request.module and steps.is_fixed(request.version):
            # The situation may have changed on the way: a Go was brought.
            builds.note(builds.asked(request, cache), built)
    return built
