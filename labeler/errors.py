"""The errors that the labeler raises; the terminal shows each as one line and exits with 2."""

from __future__ import annotations

from collections.abc import Sequence

from heuristics.errors import LabelerError, PluginError, did_you_mean

__all__ = [
    "ConfigError",
    "CorpusError",
    "EngineError",
    "LabelerError",
    "ModelError",
    "PluginError",
    "RunFolderError",
    "did_you_mean",
]


class ConfigError(LabelerError):
    """An option, a configuration file or a combination of them that cannot be meant."""


class CorpusError(LabelerError):
    """A corpus that cannot be read, or has nothing in it to label with."""


class ModelError(LabelerError):
    """A model that cannot be loaded, is not supported, or fails its self-test."""


class EngineError(LabelerError):
    """Workers that cannot be had, or that lost a shard in every attempt."""


class RunFolderError(LabelerError):
    """A run folder that is missing, damaged, in use, or of another run."""


def first_to_last(names: Sequence[str]) -> str:
    """What there is, where it is numbered: "L0H0 to L4H7"; empty where there is none."""
    return f"{names[0]} to {names[-1]}" if names else ""
