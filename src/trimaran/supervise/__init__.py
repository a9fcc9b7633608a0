"""How a host keeps a service running: our own small supervisor, and unit text for systemd."""
