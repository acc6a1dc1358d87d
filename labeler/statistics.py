"""What one shard adds up to: arrays that add, so that shards merge in any grouping."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from labeler.errors import RunFolderError

FORMAT = 1

SUMS = {
    "rows": "query class → queries",
    "visible_rows": "[window, class] Σ_q 1 / keys visible",
    "gram": "[window, class, relation, relation] Σ_q ⟨V_i(q), V_j(q)⟩",
    "present": "[window, class, relation] queries with a target",
    "moment": "[head, class, relation] Σ_q ⟨A(q) − B(q), V_j(q)⟩",
    "energy": "[head, class] Σ_q ‖A(q) − B(q)‖²",
    "mass": "[head, class, relation] Σ_q A(q, T_j(q)), first position left out",
    "profile": "[head, class, bucket] Σ_q attention at a distance, first position left out",
    "profile_pairs": "[window, class, bucket] pairs at a distance",
    "band_profile": "[head, band, bucket] the same by query position",
    "band_pairs": "[window, band, bucket] pairs at a distance",
    "target_pairs": "[window, relation, band, bucket] target pairs at a distance",
    "class_target_pairs": "[window, class, relation, bucket] target pairs at a distance",
    "target_uniform": "[window, relation] Σ_q |T_j(q)| / keys visible",
    "first": "[head, class] Σ_q A(q, 0)",
    "entropy": "[head] Σ_q entropy of A(q), nats",
    "tokens": "[1] positions",
    "predictor_gram": "[predictor, predictor] Σ_t f_i f_j",
    "predictor_sum": "[predictor] Σ_t f_j",
    "predictor_moment": "[predictor, neuron] Σ_t f_j x",
    "neuron_sum": "[neuron] Σ_t x",
    "neuron_square": "[neuron] Σ_t x²",
}
"""Arrays that merge by addition, in float64."""

EXTREMES = {"neuron_min": np.minimum, "neuron_max": np.maximum}
"""Arrays that merge by the smaller or the larger value."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """The sums of one or more shards. V_j = U_j − B where j has a target, else 0; B is uniform
    over all visible keys. See METHOD in docs/method.md for why centring makes sums enough."""

    arrays: Mapping[str, ndarray]

    def __getitem__(self, name: str) -> ndarray:
        return self.arrays[name]

    def __add__(self, other: Statistics) -> Statistics:
        merged = {name: self[name] + other[name] for name in SUMS}
        merged |= {name: merge(self[name], other[name]) for name, merge in EXTREMES.items()}
        return Statistics(merged)

    def pack(self) -> bytes:
        """The arrays as a compressed .npz."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, format=np.array(FORMAT), **self.arrays)
        return buffer.getvalue()

    @classmethod
    def unpack(cls, content: bytes) -> Statistics:
        """The inverse of `pack`; RunFolderError where the bytes are damaged."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                if int(stored["format"]) != FORMAT:
                    raise ValueError("of another format")
                return cls({name: stored[name] for name in (*SUMS, *EXTREMES)})
        except Exception as error:
            raise RunFolderError(f"statistics of a shard cannot be read: {error}") from error


def merge(parts: Iterable[Statistics]) -> Statistics:
    """The sum of statistics, in the order given."""
    iterator = iter(parts)
    total = next(iterator)
    for part in iterator:
        total = total + part
    return total
