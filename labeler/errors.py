"""The errors that the labeler raises; the terminal shows each as one line and exits with 2."""

from __future__ import annotations

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
