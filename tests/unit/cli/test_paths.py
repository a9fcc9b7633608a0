"""Our three lines and platformdirs, which knows every system's folders, name the same places."""

import pwd
from pathlib import Path

import platformdirs
import pytest

from trimaran.cli import paths
from trimaran.errors import TrimaranError


@pytest.mark.parametrize("named", [None, "/somewhere/else", ""])
def test_the_folders_are_those_that_the_library_names(
    monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
        if named is not None:
            monkeypatch.setenv(variable, named)
    monkeypatch.setenv("HOME", "/home/of/somebody")
    ours = (paths.cache(), paths.state(), paths.data())
    theirs = (platformdirs.user_cache_path, platformdirs.user_state_path, platformdirs.user_data_path)
    assert ours == tuple(each("trimaran") for each in theirs)
    assert ours[0] == Path(named or "/home/of/somebody/.cache", "trimaran")


def test_a_relative_path_is_ignored_as_the_specification_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/somebody")
    monkeypatch.setenv("XDG_DATA_HOME", "here")
    assert paths.data() == Path("/home/of/somebody/.local/share/trimaran")


def test_who_has_no_home_is_told_which_variable_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    # What `os.path.expanduser` answers where HOME is not set and the system knows no home of the user.
    for variable in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert not paths.has_data("rootfs")
    with pytest.raises(TrimaranError) as caught:
        paths.state()
    assert caught.value.problems[0].code == "TRM0006"
    assert "XDG_STATE_HOME" in caught.value.problems[0].fix


def test_data_is_looked_for_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert not paths.has_data("rootfs")
    (paths.data() / "rootfs").mkdir(parents=True)
    assert paths.has_data("rootfs")
