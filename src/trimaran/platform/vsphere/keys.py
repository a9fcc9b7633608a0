"""The guestinfo keys of a machine: what cloud-init reads, and what tells whose machine it is. Pure."""

import base64
import zlib
from collections.abc import Mapping

CLOUD_INIT = ("guestinfo.metadata", "guestinfo.userdata", "guestinfo.vendordata")
"""What cloud-init reads (its VMware datasource); each has an `.encoding` beside it."""

OURS = "guestinfo.trimaran."
SERVICE = OURS + "service"
MACHINE = OURS + "machine"
DIGEST = OURS + "digest"
LABELS = OURS + "labels"
TEMPLATE = OURS + "template"
DISK = OURS + "disk"
POLICY = OURS + "encryption-policy"

UNITS = OURS + "units"
"""Where each volume's disk is attached, as `NAME=BUS:UNIT,…`; kept by the session, not in the document."""
RESTARTED = OURS + "restarted"
"""The idempotency key of the last restart: kept by the session, no part of the document."""
KEPT_BY_SESSION = frozenset({UNITS, RESTARTED})

PLAIN_BYTES = 16 * 1024
"""User data whose base64 is longer is compressed first. The guest takes 64 KiB a value (open-vm-tools,
lib/include/guest_msg_def.h), and a machine's values share the 1 MiB of its VMX file
(tools.setInfo.sizeLimit); a quarter of the first leaves most machines readable with `base64 -d`."""

MOST_BYTES = 64 * 1024
"""The longest value that a guest can read."""

REDACTED = ("", "---")
"""What cloud-init leaves of a value that its metadata lists in `cleanup-guestinfo`."""


def encoded(key: str, text: str) -> dict[str, str]:
    """A text for cloud-init under `key`, with its encoding: gzip+base64 when it is long."""
    plain = base64.b64encode(text.encode()).decode("ascii")
    if len(plain) <= PLAIN_BYTES:
        return {key: plain, f"{key}.encoding": "base64"}
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: a gzip header, without a time
    packed = packer.compress(text.encode()) + packer.flush()
    return {key: base64.b64encode(packed).decode("ascii"), f"{key}.encoding": "gzip+base64"}


def decoded(keys: Mapping[str, str], key: str) -> str:
    """The text under `key`; what cannot be decoded is returned as it stands, so that it differs."""
    value, encoding = keys.get(key, ""), keys.get(f"{key}.encoding", "")
    try:
        match encoding:
            case "base64" | "b64":
                return base64.b64decode(value, validate=True).decode()
            case "gzip+base64" | "gz+b64":
                unpacker = zlib.decompressobj(31)
                # A guest may have written a bomb; what was ours is never this long.
                return unpacker.decompress(base64.b64decode(value, validate=True), 1 << 24).decode()
    except (ValueError, zlib.error):
        return value
    return value


def owned(keys: Mapping[str, str]) -> dict[str, str]:
    """The keys that belong into a document: ours, and cloud-init's; not those that the session keeps."""
    read = {key for name in CLOUD_INIT for key in (name, f"{name}.encoding")}
    return {
        key: value
        for key, value in sorted(keys.items())
        if key in read or (key.startswith(OURS) and key not in KEPT_BY_SESSION)
    }


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels as one value; neither a label's name nor its value can hold `=` or `,`."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def pairs(text: str) -> dict[str, str]:
    """`a=b,c=d` as a mapping; what has no `=` is left out."""
    found = (part.partition("=") for part in text.split(","))
    return {name: value for name, mark, value in found if mark}
