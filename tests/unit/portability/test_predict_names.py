"""Names of Go packages that are gone without cgo, and files that use them."""

import pytest

from trimaran.portability.predict_names import declared, gone, mentioned, used

WITH_C = b"""package pcap

// #include <pcap.h>
import "C"

type Handle struct {
\tcount int
}

const (
\tFast, slow = 1, 2
\t// Deep is deep.
\tDeep = 3
)

var Default = 7

func Version() string {
\tvar inside = 1
\treturn C.GoString(C.pcap_lib_version())
}

func (h *Handle) Close() {}

func init() {}
"""
WITHOUT = b"""package pcap

const Deep = 3

func open(h *Handle) {}
"""


def test_what_a_file_declares_stands_at_its_top() -> None:
    names = {b"Handle", b"Fast", b"slow", b"Deep", b"Default", b"Version", b"init"}
    assert declared(WITH_C) == names


def test_a_name_is_gone_that_no_other_file_declares() -> None:
    assert gone([WITH_C], [WITHOUT]) == {b"Handle", b"Fast", b"slow", b"Default", b"Version"}
    assert mentioned(WITHOUT, gone([WITH_C], [WITHOUT])) == {b"Handle"}
    assert gone([WITH_C], [WITH_C]) == frozenset()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (b'import "a.b/x/pcap"\n\nvar v = pcap.Version()\n', {b"Version"}),
        (b'import (\n\t"fmt"\n\t"a.b/x/pcap"\n)\n\nvar h *pcap.Handle\n', {b"Handle"}),
        (b'import ("fmt"; "a.b/x/pcap")\nvar h *pcap.Handle\n', {b"Handle"}),
        (b'import p "a.b/x/pcap"\n\nvar v = p.Version() + pcap.Fast\n', {b"Version"}),
        (b'import _ "a.b/x/pcap"\n\nvar v = pcap.Version()\n', set()),
        (b'import "a.b/x/pcap/sub"\n\nvar v = pcap.Version()\n', set()),
        (b'import "a.b/x/pcap"\n\nvar v = pcap.Deep\n', set()),
    ],
)
def test_a_name_is_used_by_a_file_that_imports_its_package(source: bytes, found: set[bytes]) -> None:
    assert used(source, "a.b/x/pcap", "pcap", gone([WITH_C], [WITHOUT])) == found
