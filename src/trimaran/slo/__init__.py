"""Is the service good? Objectives, the selectors that count events, and the numbers a service publishes."""
