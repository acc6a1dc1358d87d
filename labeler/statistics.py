"""What one shard adds up to: arrays that add, so that shards merge in any grouping."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy import ndarray

from labeler.errors import RunFolderError

FORMAT = 2

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
    "hook_count": "[hook] values",
    "hook_sum": "[hook] Σ x",
    "hook_square": "[hook] Σ x²",
    "hook_buckets": "[hook, bucket] values in fixed logarithmic buckets",
}
"""Arrays that merge by addition, in float64."""

LARGE = {
    *("gram", "moment", "mass", "profile", "band_profile", "target_pairs", "class_target_pairs"),
    *("predictor_gram", "predictor_moment"),
}
"""Arrays that a shard keeps in single precision; shards are still added in double."""

SYMMETRIC = {"gram", "predictor_gram"}

EXTREMES = {
    "neuron_min": np.minimum,
    "neuron_max": np.maximum,
    "hook_min": np.minimum,
    "hook_max": np.maximum,
}
"""Arrays that merge by the smaller or the larger value."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """The sums of one or more shards. V_j = U_j − B where j has a target, else 0; B is uniform
    over all visible keys. See METHOD in docs/method.md for why centring makes sums enough."""

    arrays: Mapping[str, ndarray]

    def __getitem__(self, name: str) -> ndarray:
        return self.arrays[name]

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            {
                name: EXTREMES.get(name, np.add)(array, other[name])
                for name, array in self.arrays.items()
            }
        )

    def rounded(self) -> Statistics:
        """The large arrays in single precision, as they are stored: what is read is what was."""
        return Statistics(
            {
                name: array.astype(np.float32) if name in LARGE else array
                for name, array in self.arrays.items()
            }
        )

    def pack(self) -> bytes:
        """The arrays as bytes: a JSON header, then zstd-compressed contents with their hash."""
        stored = {name: _upper(name, array) for name, array in self.rounded().arrays.items()}
        content = b"".join(array.tobytes() for array in stored.values())
        layout = [[name, array.dtype.str, list(self[name].shape)] for name, array in stored.items()]
        header = {
            "format": FORMAT,
            "size": len(content),
            "hash": _hash(layout, content),
            "arrays": layout,
        }
        packed = _codec().compress(content, asbytes=True)
        return json.dumps(header).encode() + b"\n" + bytes(packed)

    @classmethod
    def unpack(cls, raw: bytes) -> Statistics:
        """The inverse of `pack`; RunFolderError where the bytes are damaged."""
        try:
            line, packed = raw.split(b"\n", 1)
            header = json.loads(line)
            if header["format"] != FORMAT:
                raise ValueError("it is of another format")
            content = bytes(_codec().decompress(packed, header["size"], asbytes=True))
            if _hash(header["arrays"], content) != header["hash"]:
                raise ValueError("its checksum is wrong")
            return cls(dict(_arrays(content, header["arrays"])))
        except Exception as error:
            raise RunFolderError(f"statistics of a shard cannot be read: {error}") from error


def _hash(layout: list[Any], content: bytes) -> str:
    digest = hashlib.blake2b(json.dumps(layout).encode(), digest_size=16)
    digest.update(content)
    return digest.hexdigest()


def _codec() -> pa.Codec:
    return pa.Codec("zstd", compression_level=1)


def _upper(name: str, array: ndarray) -> ndarray:
    """Symmetric matrices are stored as their upper triangles."""
    if name not in SYMMETRIC:
        return np.ascontiguousarray(array)
    rows, columns = np.triu_indices(array.shape[-1])
    return np.ascontiguousarray(array[..., rows, columns])


def _arrays(content: bytes, layout: list[Any]) -> Iterator[tuple[str, ndarray]]:
    start = 0
    for name, dtype, shape in layout:
        stored = list(shape)
        if name in SYMMETRIC:
            stored[-2:] = [shape[-1] * (shape[-1] + 1) // 2]
        count = int(np.prod(stored, dtype=np.int64))
        array = np.frombuffer(content, dtype=dtype, count=count, offset=start).reshape(stored)
        start += array.nbytes
        yield name, _whole(array, shape) if name in SYMMETRIC else array


def _whole(stored: ndarray, shape: list[int]) -> ndarray:
    n = shape[-1]
    place = np.empty((n, n), dtype=np.int64)
    place[np.triu_indices(n)] = np.arange(stored.shape[-1])
    place.T[np.triu_indices(n)] = np.arange(stored.shape[-1])
    return np.take(stored, place, axis=-1)


def merge(parts: Iterable[Statistics]) -> Statistics:
    """The sum of statistics, in the order given."""
    iterator = iter(parts)
    total = next(iterator)
    for part in iterator:
        total = total + part
    return total


def summed(parts: Iterable[Statistics], name: str) -> ndarray:
    """One array of statistics, added up in double precision."""
    arrays = [part[name].astype(np.float64) for part in parts]
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total


def split_folds(n_folds: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Choosing and judging folds, and the choosing ones in two halves."""
    if n_folds < 2:
        return [0], [0], [0], [0]
    even = list(range(0, n_folds, 2))
    return even, list(range(1, n_folds, 2)), even[0::2], even[1::2]
