"""Our three lines and platformdirs, which knows every system's folders, name the same places."""

from pathlib import Path

import platformdirs
import pytest

from trimaran.cli import paths


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
