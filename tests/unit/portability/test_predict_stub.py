"""Go sources read for pragmas, functions that only fail, and calls of C."""

import time

from trimaran.portability.predict_stub import Pragma, c_calls, cgo_calls, failing, pragmas

STUB = b"""//go:build !cgo

package x

import (
	"errors"
)

var errNoCgo = errors.New("x needs cgo")

func Open(name string) (*DB, error) {
	return nil, errors.New("x was compiled without cgo, which it needs")
}

func (db *DB) Close() error { return errNoCgo }

func Version() string {
	return ""
}
"""
REAL = b"""package x

func Sum(values []int) int {
	total := 0
	for _, value := range values {
		total += value
	}
	return total
}

func Read(name string) error {
	if err := open(name); err != nil {
		return err
	}
	return nil
}
"""


def test_functions_that_only_fail_are_counted() -> None:
    seen = failing(STUB)
    assert (seen.functions, seen.failing) == (3, 2)
    assert seen.message == "x was compiled without cgo, which it needs"


def test_a_real_implementation_is_none() -> None:
    seen = failing(REAL)
    assert seen.functions == 2
    assert 2 * seen.failing < seen.functions or seen.failing == 0


def test_pragmas_name_symbols_and_libraries() -> None:
    source = b"""package x

//go:cgo_import_dynamic purego_dlopen dlopen "libdl.so.2"
//go:cgo_import_dynamic _ _ "libc.so.6"
//go:cgo_import_dynamic free
// A comment about //go:cgo_import_dynamic a b "c"
"""
    assert pragmas(source) == (Pragma("dlopen", "libdl.so.2"), Pragma("_", "libc.so.6"), Pragma("free", ""))
    assert pragmas(b"package x\n") == ()


def test_calls_in_comments_do_not_count_where_that_is_asked() -> None:
    source = b"/* open(1) */ int f(void) { // read(2)\n return stat64(3); }"
    assert c_calls(source, careful=True) == {"stat64"}
    assert {"open", "read"} <= c_calls(source, careful=False)


def test_calls_of_c_in_go_are_found() -> None:
    assert cgo_calls(b"x := C.getaddrinfo(a)\ny := C.int(7); z := C.FOO(1)") == {"getaddrinfo", "int"}


def test_odd_sources_take_no_time() -> None:
    started = time.perf_counter()
    for source in (
        b"func f() {" * 20_000,
        b"/*" * 200_000,
        b'"' * 500_000,
        b"a(" * 500_000,
        b"func " + b"x" * 1_000_000,
    ):
        failing(source)
        pragmas(b"//go:cgo_import_dynamic " + source)
        c_calls(source, careful=True)
    assert time.perf_counter() - started < 3
