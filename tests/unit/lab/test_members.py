import re

import pytest

from trimaran.lab import members
from trimaran.lab.members import CLUSTERS, PORTS, ROLES, Member, Settings
from trimaran.lab.recipes import recipes

ROOT = "/home/u/.local/state/trimaran/lab"


def settings(credentials: str = "c1", **ports: int) -> Settings:
    numbers = {name: 20_000 + place for place, name in enumerate(PORTS)} | ports
    programs = {name: f"/cache/{name}" for name in recipes().names}
    return Settings(ROOT, numbers, programs, "/cache/stages.yaml", credentials)


def by_name() -> dict[str, Member]:
    return {member.name: member for member in members.members(settings())}


def test_each_member_runs_a_program_of_the_recipes() -> None:
    found = members.members(settings())
    assert len({member.name for member in found}) == len(found) == 10
    for member in found:
        assert member.program in recipes().names
        assert member.argv[0] == f"/cache/{member.program}"


def test_every_address_on_a_command_line_is_the_loopback_address() -> None:
    for member in members.members(settings()):
        text = " ".join(member.argv)
        assert not re.findall(r"0\.0\.0\.0|\[::\]|localhost:", text)
        hosts = re.findall(r"(?:https?://|listen=|bind-address=|advertise-address=)([0-9.]+)", text)
        assert set(hosts) <= {"127.0.0.1"}, member.name
        if member.ports:
            assert hosts, member.name
            assert member.address == f"127.0.0.1:{member.ports[0]}"


def test_all_ports_are_used_by_exactly_one_member() -> None:
    used = [port for member in members.members(settings()) for port in member.ports]
    assert sorted(used) == sorted(settings().ports.values())


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_api_server_asks_for_a_token_and_for_rights(cluster: str) -> None:
    argv = by_name()[f"{cluster}-api"].argv
    assert {"--anonymous-auth=false", "--authorization-mode=RBAC"} <= set(argv)
    assert f"--etcd-prefix=/{cluster}" in argv
    assert not [word for word in argv if word.startswith("--insecure")]


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("kind", ["controllers", "scheduler"])
def test_what_need_not_listen_does_not(cluster: str, kind: str) -> None:
    assert "--secure-port=0" in by_name()[f"{cluster}-{kind}"].argv
    assert "--leader-elect=false" in by_name()[f"{cluster}-{kind}"].argv


def test_etcd_lets_in_only_who_has_our_key() -> None:
    argv = by_name()["etcd"].argv
    assert {"--client-cert-auth", "--peer-client-cert-auth", f"--trusted-ca-file={ROOT}/ca.crt"} <= set(argv)


def test_new_credentials_or_ports_make_a_process_out_of_date() -> None:
    one = members.members(settings())[2]
    same = members.digest(one, settings())
    assert same == members.digest(one, settings())
    assert same != members.digest(one, settings(credentials="c2"))
    other = settings(kubernetes=31_999)
    assert same != members.digest(members.members(other)[2], other)


def test_a_cluster_that_moves_to_another_port_takes_all_its_members_along_and_no_others() -> None:
    before, after = settings(), settings(openshift=31_999)
    changed = [
        old.name
        for old, new in zip(members.members(before), members.members(after), strict=True)
        if members.digest(old, before) != members.digest(new, after)
    ]
    assert changed == [f"openshift-{kind}" for kind in ("api", "controllers", "scheduler", "kwok")]


def test_the_reader_is_in_no_group_and_each_role_has_its_own_token() -> None:
    tokens = {role: f"token-of-{role}" for role in ROLES}
    lines = members.tokens_csv(tokens).splitlines()
    assert len(lines) == len(ROLES)
    (reader,) = [line for line in lines if line.startswith("token-of-reader")]
    assert "masters" not in reader
    assert 'token-of-admin,lab-admin,lab-admin,"system:masters"' in lines
