"""Real peers on one machine: two Kubernetes control planes and a vCenter simulator, on loopback only."""
