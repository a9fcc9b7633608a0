from trimaran.lab import seeds


def test_each_document_has_its_place_in_the_api() -> None:
    paths = [seeds.path(each) for each in (*seeds.builtin(["standard"]), *seeds.defined("kubernetes"))]
    assert "/api/v1/namespaces/web" in paths
    assert "/api/v1/nodes/lab-0" in paths
    assert "/apis/storage.k8s.io/v1/storageclasses/standard" in paths
    assert "/apis/external-secrets.io/v1/clustersecretstores/vault" in paths
    assert "/apis/gateway.networking.k8s.io/v1/namespaces/web/gateways/public" in paths
    assert seeds.path(seeds.marker("x")) == "/api/v1/namespaces/kube-system/configmaps/trimaran-lab"


def test_only_the_first_cluster_has_a_gateway() -> None:
    assert "Gateway" not in {each["kind"] for each in seeds.defined("openshift")}


def test_a_change_of_anything_given_is_seen() -> None:
    one = seeds.digest("kubernetes", ("a",), "definitions-1")
    assert one == seeds.digest("kubernetes", ("a",), "definitions-1")
    others = {
        seeds.digest("kubernetes", ("b",), "definitions-1"),
        seeds.digest("kubernetes", ("a",), "definitions-2"),
        seeds.digest("openshift", ("a",), "definitions-1"),
    }
    assert len(others | {one}) == 4


def test_a_node_with_a_taint_is_not_ready() -> None:
    condition = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert seeds.ready(condition)
    assert not seeds.ready({**condition, "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}})
    assert not seeds.ready({})
    assert not seeds.ready({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})


def test_a_definition_is_served_when_it_is_established() -> None:
    assert seeds.established({"status": {"conditions": [{"type": "Established", "status": "True"}]}})
    assert not seeds.established({"status": {}})
