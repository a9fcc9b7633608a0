"""From desired to observed: render for every target, plan what differs, apply it, and see that it works."""
