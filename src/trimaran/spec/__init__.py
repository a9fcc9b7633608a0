"""What a user declares: services and fleets, read through a gate that names every problem with its place."""
