from dataclasses import replace

import pytest

from trimaran.errors import TrimaranError
from trimaran.supervise.state import Restart
from trimaran.supervise.systemd import Unit, command_word, quoted, unit_text

WEB = Unit("web", ("/usr/bin/web",))


def test_a_unit_holds_exactly_what_was_declared() -> None:
    unit = Unit(
        "podinfo, the small web service",
        ("/usr/bin/podinfo", "--port=9898", "--motto=100% $HOME"),
        env={"LOG_LEVEL": "info", "MOTTO": "a b"},
        environment_file="/etc/podinfo/environment",
        restart=Restart.ON_FAILURE,
        restart_s=0.5,
        stop_s=30,
        read_only_root=True,
        cache=("podinfo",),
        writable=("/srv/data",),
        memory_bytes=268435456,
        cpu_milli=1500,
    )
    assert unit_text(unit) == (
        "[Unit]\n"
        "Description=podinfo, the small web service\n"
        "Wants=network-online.target\n"
        "After=network-online.target\n"
        "StartLimitIntervalSec=0\n"
        "\n"
        "[Service]\n"
        "Type=exec\n"
        'ExecStart=/usr/bin/podinfo --port=9898 "--motto=100%% $$HOME"\n'
        "Environment=LOG_LEVEL=info\n"
        'Environment="MOTTO=a b"\n'
        "EnvironmentFile=/etc/podinfo/environment\n"
        "DynamicUser=yes\n"
        "Restart=on-failure\n"
        "RestartSec=500ms\n"
        "TimeoutStopSec=30\n"
        "NoNewPrivileges=yes\n"
        "ProtectSystem=strict\n"
        "CacheDirectory=podinfo\n"
        "ReadWritePaths=/srv/data\n"
        "MemoryMax=268435456\n"
        "CPUQuota=150%\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n"
    )


def test_a_service_that_is_never_restarted_has_no_wait() -> None:
    text = unit_text(replace(WEB, restart=Restart.NEVER))
    assert "Restart=no\n" in text
    assert "RestartSec" not in text


def test_a_named_user_replaces_the_dynamic_one() -> None:
    text = unit_text(replace(WEB, user="web"))
    assert "User=web\n" in text
    assert "DynamicUser" not in text


def test_the_same_values_in_another_order_give_the_same_text() -> None:
    one = unit_text(replace(WEB, env={"A": "1", "B": "2"}, writable=("/a", "/b")))
    assert unit_text(replace(WEB, env={"B": "2", "A": "1"}, writable=("/b", "/a"))) == one


@pytest.mark.parametrize(
    ("word", "as_value", "as_argument"),
    [
        ("plain", "plain", "plain"),
        ("", '""', '""'),
        ("a b", '"a b"', '"a b"'),
        ('"', '"\\""', '"\\""'),
        ("it's", '"it\'s"', '"it\'s"'),
        ("\\", '"\\\\"', '"\\\\"'),
        ("%h", '"%%h"', '"%%h"'),
        ("$HOME", "$HOME", "$$HOME"),
        (";", '";"', '";"'),
    ],
)
def test_what_systemd_would_take_for_something_else_is_escaped(
    word: str, as_value: str, as_argument: str
) -> None:
    assert quoted(word) == as_value
    assert command_word(word) == as_argument


@pytest.mark.parametrize(
    ("bad", "part"),
    [
        (replace(WEB, argv=("/bin/a", "x\nExecStartPre=/bin/evil")), "line break"),
        (replace(WEB, env={"A": "x\nUser=root"}), "line break"),
        (replace(WEB, description="x\n[Service]"), "line break"),
        (replace(WEB, description="joins the next line \\"), "backslash"),
        (replace(WEB, environment_file="/etc/x\n"), "line break"),
        (replace(WEB, writable=("/srv\r",)), "line break"),
        (replace(WEB, argv=("/bin/a", "\udc80")), "control character"),
        (replace(WEB, argv=("web",)), "absolute"),
        (replace(WEB, argv=()), "absolute"),
        (replace(WEB, env={"A B": "x"}), "environment variable"),
        (replace(WEB, user="root\nX=1"), "name of a user"),
        (replace(WEB, cache=("../../etc",)), "beneath /var/cache"),
        (replace(WEB, working_directory="srv"), "absolute"),
    ],
)
def test_what_cannot_be_escaped_is_refused(bad: Unit, part: str) -> None:
    with pytest.raises(TrimaranError, match="TRM0510") as refused:
        unit_text(bad)
    assert any(part in problem.what for problem in refused.value.problems)


def test_all_that_is_wrong_with_a_unit_is_said_at_once() -> None:
    with pytest.raises(TrimaranError) as refused:
        unit_text(replace(WEB, argv=("web", "\n"), env={"1": ""}, user="A"))
    assert len(refused.value.problems) == 4
