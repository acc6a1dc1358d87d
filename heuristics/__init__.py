"""Predictions made from text alone: the vocabulary in which heads and neurons are labelled."""

from heuristics.contract import Heuristic, feature, relation
from heuristics.errors import LabelerError, PluginError
from heuristics.parse import Parse
from heuristics.registry import builtin, load_heuristics
from heuristics.sentences import from_sentence
from heuristics.targets import Targets
from heuristics.text import Text

__all__ = [
    "Heuristic",
    "LabelerError",
    "Parse",
    "PluginError",
    "Targets",
    "Text",
    "builtin",
    "feature",
    "from_sentence",
    "load_heuristics",
    "relation",
]
