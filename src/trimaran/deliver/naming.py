"""Which object a person means by a few words. Pure."""

import difflib
from collections.abc import Collection, Iterable, Sequence

from trimaran.action import ObjectRef
from trimaran.errors import Problem, TrimaranError, fail

_MOST = 20  # of the objects that a word may mean, so many are listed


def meant(words: str, known: Collection[ObjectRef]) -> ObjectRef:
    """The one object that `words` name: `kubernetes Deployment/web/podinfo`, or a part that names no other.

    Raises TRM0773 when there is none, with the nearest name; TRM0774 when there are several, with all.
    """
    found = matching(words, known)
    if len(found) == 1:
        return found[0]
    if not found:
        raise _unknown(words, known)
    names = tuple(str(ref) for ref in found[:_MOST])
    more = (f"and {len(found) - _MOST} more",) if len(found) > _MOST else ()
    what = f"{words!r} names {len(found)} objects"
    raise TrimaranError(Problem("TRM0774", what, "write more of its name", detail=names + more))


def matching(words: str, known: Iterable[ObjectRef]) -> tuple[ObjectRef, ...]:
    """Every object that `words` may name: the whole name wins over a part of it, that over any text in it."""
    refs, wanted = sorted(known), words.strip().casefold()
    for fits in (_whole, _part, _text):
        found = tuple(ref for ref in refs if fits(wanted, ref))
        if found:
            return found
    return ()


def _whole(words: str, ref: ObjectRef) -> bool:
    return words == str(ref).casefold()


def _part(words: str, ref: ObjectRef) -> bool:
    scoped = f"{ref.scope}/{ref.name}"
    forms = [f"{ref.kind}/{scoped}", f"{ref.kind}/{ref.name}", scoped, ref.name]
    return words in {f"{head}{form}".casefold() for form in forms for head in ("", f"{ref.target} ")}


def _text(words: str, ref: ObjectRef) -> bool:
    return words in str(ref).casefold()


def _unknown(words: str, known: Iterable[ObjectRef]) -> TrimaranError:
    names = {form: ref for ref in known for form in (str(ref), f"{ref.kind}/{ref.name}", ref.name)}
    near = difflib.get_close_matches(words, names, n=1)
    fix = f"did you mean {str(names[near[0]])!r}?" if near else "`trimaran audit list` shows what was done"
    return fail("TRM0773", f"nothing that was applied is called {words!r}", fix)


def joined(words: Sequence[str], targets: Collection[str]) -> tuple[str, ...]:
    """Arguments as names: a target and what follows it are one, as `local Process/web`."""
    found: list[str] = []
    waiting = ""
    for word in words:
        if not waiting and word in targets:
            waiting = word
            continue
        found.append(f"{waiting} {word}".strip())
        waiting = ""
    return (*found, waiting) if waiting else tuple(found)
