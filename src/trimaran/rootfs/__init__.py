"""Root file systems of distributions, at hand: add them, measure them, run a program in them.

Public: `roots` and `find` read the store; `add`, `measure_again` and `remove` change it.
"""

from trimaran.rootfs.adding import Request, add, measure_again
from trimaran.rootfs.model import Contents, Root
from trimaran.rootfs.store import find, remove, roots

__all__ = ["Contents", "Request", "Root", "add", "find", "measure_again", "remove", "roots"]
