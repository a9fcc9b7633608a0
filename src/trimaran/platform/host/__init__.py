"""One machine without a cluster: programs under our supervisor or systemd."""
