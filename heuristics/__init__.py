"""Predictions made from text alone: the vocabulary in which heads and neurons are labelled."""

from heuristics.contract import Heuristic, feature, relation
from heuristics.errors import LabelerError, PluginError
from heuristics.registry import load_heuristics
from heuristics.targets import Targets
from heuristics.text import Parse, Text

__all__ = [
    "Heuristic",
    "LabelerError",
    "Parse",
    "PluginError",
    "Targets",
    "Text",
    "feature",
    "load_heuristics",
    "relation",
]
