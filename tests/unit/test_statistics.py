"""Statistics as bytes and as sums."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.errors import RunFolderError
from labeler.score import Size
from labeler.shape import Shape
from labeler.statistics import EXTREMES, LARGE, SUMS, SYMMETRIC, Statistics, merge, summed

SHAPE = Shape("t", "t", 2, 2, 2, 4, 2, 3, 20, 9, (None, 4))
SIZE = Size(SHAPE, n_classes=3, n_relations=4, n_predictors=5)


def made(seed: int, whole: bool = False) -> Statistics:
    """Statistics of random values; whole numbers add exactly."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, zeros in SIZE.zeros().items():
        values = (
            rng.integers(0, 50, zeros.shape).astype(float)
            if whole
            else rng.normal(size=zeros.shape)
        )
        if name in SYMMETRIC:
            values = values + np.swapaxes(values, -1, -2)
        arrays[name] = values.astype(zeros.dtype)
    return Statistics(arrays)


def _same(a: Statistics, b: Statistics) -> bool:
    return set(a.arrays) == set(b.arrays) and all(
        a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name]) for name in a.arrays
    )


def test_packing_is_bit_exact() -> None:
    rounded = made(0).rounded()
    assert _same(Statistics.unpack(rounded.pack()), rounded)
    assert all(rounded[name].dtype == np.float32 for name in LARGE)
    # What was packed before rounding reads the same as what was rounded before packing.
    assert made(0).pack() == rounded.pack()


def test_packing_depends_on_the_contents_alone() -> None:
    assert made(1).pack() == made(1).pack()
    assert made(1).pack() != made(2).pack()


@pytest.mark.parametrize(
    "where", ["header", "name", "shape", "middle", "end", "cut", "empty", "no newline"]
)
def test_damaged_bytes_are_refused(where: str) -> None:
    raw = bytearray(made(0).pack())
    line = raw.index(b"\n")
    if where == "header":
        raw[2] ^= 1
    elif where == "name":
        raw = raw.replace(b'"mass"', b'"mask"')
    elif where == "shape":
        raw = raw.replace(b'"first", "<f8", [4, 3]', b'"first", "<f8", [3, 4]')
        assert bytes(raw) != made(0).pack()
    elif where == "middle":
        raw[(line + len(raw)) // 2] ^= 0x55
    elif where == "end":
        raw[-1] ^= 0xFF
    elif where == "cut":
        raw = raw[:-10]
    elif where == "empty":
        raw = bytearray()
    else:
        del raw[line]
    with pytest.raises(RunFolderError, match="statistics of a shard cannot be read"):
        Statistics.unpack(bytes(raw))


def test_every_flipped_bit_of_the_contents_is_noticed() -> None:
    raw = made(0).pack()
    start = raw.index(b"\n") + 1
    rng = np.random.default_rng(3)
    for place in rng.integers(start, len(raw), 60):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << int(rng.integers(8))
        try:
            assert _same(Statistics.unpack(bytes(damaged)), made(0).rounded())
        except RunFolderError:
            continue


def test_another_format_is_refused() -> None:
    raw = made(0).pack().replace(b'"format": ', b'"format": 9', 1)
    with pytest.raises(RunFolderError):
        Statistics.unpack(raw)


def test_sums_add_and_extremes_do_not() -> None:
    a, b = made(4, whole=True), made(5, whole=True)
    total = a + b
    for name in SUMS:
        assert np.array_equal(total[name], a[name] + b[name])
    for name, kept in EXTREMES.items():
        assert np.array_equal(total[name], kept(a[name], b[name]))


def test_every_array_is_listed_once() -> None:
    assert set(SIZE.zeros()) == set(SUMS) | set(EXTREMES)
    assert set(SUMS).isdisjoint(EXTREMES)
    assert set(SUMS) >= LARGE
    assert SYMMETRIC <= LARGE


def test_single_precision_parts_are_added_in_double() -> None:
    # 2²⁴ + 1 is no float32; the sum of two that are must still be exact.
    first, second = made(6, whole=True).rounded(), made(7, whole=True).rounded()
    first.arrays["mass"][:] = np.float32(2**24)  # type: ignore[index]
    second.arrays["mass"][:] = np.float32(1)  # type: ignore[index]
    assert (summed([first, second], "mass") == 2**24 + 1).all()


def test_merging_into_nothing_changes_nothing() -> None:
    zero, a = Statistics(SIZE.zeros()), made(8)
    assert _same(zero + a, a)
    assert _same(a + zero, a)
    assert _same(merge([zero, a, zero]), a)
