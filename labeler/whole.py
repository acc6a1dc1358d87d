"""Weights that are all there: a part that transformers would draw at random is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from labeler.errors import ModelError


@dataclass(frozen=True)
class Whole:
    """Loads as transformers' class for causal language models does, and refuses what is not whole.

    TransformerBridge takes it for the class to load with. transformers itself loads a checkpoint
    that lacks weights, draws the rest at random and only says so.
    """

    name: str

    def from_pretrained(self, path: str, **options: Any) -> Any:
        """The model of a folder; ModelError where its weights are not those of its config.json."""
        from transformers import AutoModelForCausalLM

        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                path, **options, output_loading_info=True, ignore_mismatched_sizes=True
            )
        except RuntimeError as error:
            # Where transformers joins weights into one, as it does those of experts.
            if "conversion of the weights" not in str(error):
                raise
            raise ModelError(
                f"model {self.name} has weights that cannot be joined into one, as those of its "
                "experts are: some are missing or of another shape; expected a whole checkpoint"
            ) from error
        model, report = loaded
        self._check(model, report)
        return model

    def _check(self, model: Any, report: dict[str, Collection[Any]]) -> None:
        missing, unknown = report["missing_keys"], report["unexpected_keys"]
        if report["mismatched_keys"]:
            tensor, *shapes = min(report["mismatched_keys"])
            own, wanted = (" × ".join(map(str, shape)) for shape in shapes)
            raise ModelError(
                f"model {self.name} has {tensor} of shape {own} where its config.json asks for "
                f"{wanted}{_more(report['mismatched_keys'])}; expected the config.json that "
                "belongs to the weights"
            )
        if missing:
            instead = f", but {_listed(unknown)}, which it does not know" if unknown else ""
            raise ModelError(
                f"model {self.name} has no weights for {_listed(missing)}{instead}; expected a "
                "whole checkpoint, its weights named as transformers names them, and the "
                "config.json that belongs to it"
            )
        if beyond := _of_other_layers(model, unknown):
            raise ModelError(
                f"model {self.name} has weights for {_listed(beyond)}, for which its config.json "
                "has too few layers; expected the config.json that belongs to the weights"
            )


def _of_other_layers(model: Any, names: Iterable[str]) -> list[str]:
    """Names that differ from one of the model's in the number of the layer alone."""
    numberless = {_numberless(name) for name in model.state_dict()}
    # transformers leaves its prefix away where a checkpoint of the base model did.
    prefix = f"{model.base_model_prefix}."
    numberless |= {name.removeprefix(prefix) for name in numberless}
    return [name for name in names if _numberless(name) in numberless]


def _numberless(name: str) -> str:
    return re.sub(r"\b\d+\b", "#", name)


def _listed(names: Collection[str]) -> str:
    return f"{min(names)}{_more(names)}"


def _more(names: Collection[Any]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
