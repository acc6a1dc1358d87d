"""The texts of shards end to end in one array, which all workers of a machine share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from labeler.corpus import Prompt, Shard


@dataclass(frozen=True, eq=False)
class Places:
    """Where each shard is in the array: its fold, first byte and last."""

    of: Mapping[str, tuple[int, int, int]]

    def shard(self, texts: UInt8[ndarray, " byte"], name: str) -> Shard:
        """The shard of that id."""
        fold, start, end = self.of[name]
        prompts = json.loads(texts[start:end].tobytes())
        return Shard(name, fold, tuple(Prompt(id_, text) for id_, text in prompts))


def laid_out(shards: Sequence[Shard]) -> tuple[UInt8[ndarray, " byte"], Places]:
    """The texts of shards as bytes, and where each of them is."""
    parts, places, start = [], {}, 0
    for shard in shards:
        prompts = [[prompt.id, prompt.text] for prompt in shard.prompts]
        part = json.dumps(prompts, ensure_ascii=False).encode()
        parts.append(part)
        places[shard.id] = (shard.fold, start, start + len(part))
        start += len(part)
    return np.frombuffer(b"".join(parts), dtype=np.uint8), Places(places)
