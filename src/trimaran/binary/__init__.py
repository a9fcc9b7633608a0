"""What a file needs in order to start, and on which distributions that is there."""

from trimaran.binary.buildinfo import GoBuild, Module
from trimaran.binary.model import Basis, File, Kind, Outcome, Rule, Verdict, VersionNeed
from trimaran.binary.reader import inspect_file
from trimaran.binary.verdict import Judge, cpu_level, linux_floor, verdict, verdicts
from trimaran.binary.verdict_needs import Conditions, NameService, Place

__all__ = [
    "Basis",
    "Conditions",
    "File",
    "GoBuild",
    "Judge",
    "Kind",
    "Module",
    "NameService",
    "Outcome",
    "Place",
    "Rule",
    "Verdict",
    "VersionNeed",
    "cpu_level",
    "inspect_file",
    "linux_floor",
    "verdict",
    "verdicts",
]
