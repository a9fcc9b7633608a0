"""The `h1:` hash over a module's content, as golang.org/x/mod/sumdb/dirhash defines it. Pure."""

import base64
import hashlib
from collections.abc import Mapping


def h1(digests: Mapping[str, str]) -> str:
    """The hash over files.

    Args:
        digests: file name, with the prefix that the module's zip gives it, to the SHA-256 of its content
            in hexadecimal digits.

    Raises ValueError for a name with a line end, which would make two contents hash alike.
    """
    whole = hashlib.sha256()
    for name in sorted(digests, key=lambda each: each.encode("utf-8", "surrogateescape")):
        if "\n" in name:
            raise ValueError("a file name holds a line end")
        whole.update(f"{digests[name]}  {name}\n".encode("utf-8", "surrogateescape"))
    return "h1:" + base64.b64encode(whole.digest()).decode()
