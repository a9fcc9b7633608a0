"""Targets are reached from several threads at once, and each reads its kubeconfig first."""

import subprocess
import sys
from pathlib import Path

_RUNS = 8
_KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
"""
# A library that learned its models in two threads at once ended one such process in four by a bad pointer.
_PROGRAM = """
import sys, threading
from pathlib import Path
from trimaran.platform.kubernetes import kubeconfig
from trimaran.spec.fleet import KubernetesTarget
sys.setswitchinterval(1e-5)
settings = KubernetesTarget.model_validate(
    {"platform": "kubernetes", "context": "c", "kubeconfig": sys.argv[1]}
)
together, done = threading.Barrier(4), []
def connect():
    together.wait()
    done.append(kubeconfig.connect(settings))
threads = [threading.Thread(target=connect) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(len(done))
"""


def test_several_threads_may_read_kubeconfigs_at_once(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(_KUBECONFIG)
    for _ in range(_RUNS):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "4\n", "")
