"""Changes one key in a TOML text, and leaves everything else as people wrote it. Pure."""

import json
import re


def quoted(value: str) -> str:
    """A string as people write it in TOML, where one is for them to read."""
    if not set('"\\') & set(value) and value.isprintable():
        return f'"{value}"'
    if "'" not in value and value.isprintable():
        return f"'{value}'"
    # JSON's strings are TOML's too.
    return json.dumps(value)


def changed(text: str, entry: str, key: str, value: str, today: str) -> str:
    """The text with a new value, and today as the entry's day; the same text when the value is the old one.

    Args:
        entry: how the entry's text begins, as `["debian-12"]`.
        key: on a line of its own in that entry.
        value: as TOML writes it.

    Raises:
        KeyError: there is no such entry, or no such key in it.
    """
    begin = text.find(entry)
    if begin < 0:
        raise KeyError(entry)
    end = text.find("\n[", begin + len(entry))
    body = text[begin : end if end >= 0 else len(text)]
    held = re.search(rf"^{re.escape(key)} = (.*)$", body, re.MULTILINE)
    if held is None:
        raise KeyError(f"{entry} {key}")
    if held[1] == value:
        return text
    new = body[: held.start(1)] + value + body[held.end(1) :]
    new = re.sub(r"^checked = .*$", f"checked = {today}", new, count=1, flags=re.MULTILINE)
    return text[:begin] + new + text[begin + len(body) :]
