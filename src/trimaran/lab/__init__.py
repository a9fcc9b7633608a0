"""A laboratory on this machine: two real Kubernetes control planes and a vCenter simulator."""

from trimaran.lab import members, standing
from trimaran.lab.build import programs
from trimaran.lab.desk import Desk, Running, down, look, up
from trimaran.lab.recipes import recipes

__all__ = ["Desk", "Running", "down", "look", "members", "programs", "recipes", "standing", "up"]
