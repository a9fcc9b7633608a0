"""How a build is repeated from what its file says, and what is not believed."""

import pytest

from trimaran.binary import GoBuild, Module
from trimaran.portability.blame_recipe import differences, recipe
from trimaran.toolchain.golist import Package


def built(*settings: tuple[str, str], modules: tuple[Module, ...] = ()) -> GoBuild:
    return GoBuild("go1.26.8", "a.b/c", Module("a.b/c"), modules, settings)


def test_flags_and_settings_are_repeated() -> None:
    found = recipe(
        built(
            ("-buildmode", "pie"),
            ("-tags", "sqlite_fts5,netgo"),
            ("-trimpath", "true"),
            ("-gcflags", "all=-N -l"),
            ("-ldflags", "-s -w"),
            ("CGO_ENABLED", "1"),
            ("CGO_CFLAGS", "-O2 -DSQLITE_MAX=4"),
            ("GOAMD64", "v3"),
            ("DefaultGODEBUG", "x=1"),
        )
    )
    assert found.flags == ("-trimpath", "-tags=sqlite_fts5,netgo", "-buildmode=pie", "-gcflags=all=-N -l")
    assert found.settings == {
        "GOFLAGS": "-buildvcs=false",
        "GOAMD64": "v3",
        "CGO_ENABLED": "1",
        "CGO_CFLAGS": "-O2 -DSQLITE_MAX=4",
    }
    assert found.left_out == ()


@pytest.mark.parametrize(
    "setting",
    [
        ("CGO_CFLAGS", "-O2 -fplugin=/tmp/evil.so"),
        ("CGO_CFLAGS", "-include /etc/passwd"),
        ("CGO_LDFLAGS", "-Wl,-rpath,/tmp"),
        ("CGO_LDFLAGS", "@/tmp/flags"),
        ("CGO_CFLAGS", "-B/tmp"),
        ("CGO_CFLAGS", "-D$(touch /tmp/x)"),
        ("-gcflags", "-o /tmp/x"),
        ("-gcflags", "all=-N -cpuprofile=/tmp/x"),
        ("-tags", "a -toolexec=/tmp/x"),
        ("-buildmode", "exe -toolexec=/tmp/x"),
    ],
)
def test_what_could_load_code_or_name_a_file_is_left_out_and_told(setting: tuple[str, str]) -> None:
    found = recipe(built(setting))
    assert found.left_out == (f"{setting[0]}={setting[1]}",)
    assert not any("/tmp" in flag for flag in found.flags)
    assert set(found.settings) == {"GOFLAGS"}


def test_a_platform_that_is_no_word_is_not_taken() -> None:
    assert recipe(built(("GOOS", "linux GOFLAGS=-toolexec"), ("CGO_ENABLED", "2"))).settings == {
        "GOFLAGS": "-buildvcs=false"
    }


def here(module: str, version: str) -> Package:
    return Package(f"{module}/x", module=module, version=version)


def test_a_file_of_the_same_modules_and_go_does_not_differ() -> None:
    build = built(
        modules=(Module("d.e/f", "v1.0.0"), Module("old/one", "v1.0.0", "", Module("new/one", "v2.0.0")))
    )
    packages = [
        here("d.e/f", "v1.0.0"),
        here("new/one", "v2.0.0"),
        here("a.b/c", ""),
        Package("fmt", standard=True),
    ]
    assert differences(build, packages, "go1.26.8") == ()


def test_every_difference_is_told() -> None:
    build = built(modules=(Module("d.e/f", "v1.0.0"), Module("gone/x", "v1.0.0")))
    found = differences(build, [here("d.e/f", "v1.1.0"), here("new/y", "v0.1.0")], "go1.25.0")
    assert len(found) == 4
    assert "go1.26.8 built the file, and go1.25.0" in found[0]
    assert "d.e/f is v1.0.0 in the file, v1.1.0 here" in found[1]
    assert "gone/x" in found[2]
    assert "new/y" in found[3]
