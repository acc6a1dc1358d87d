"""Files of a run folder that a stranger may have made: nothing in them is run, nothing may swell.

Whatever is wrong with one of them is a RunFolderError that names the file.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy import ndarray

from labeler.errors import RunFolderError
from labeler.readers import printable

LARGEST = 8 * 2**30
"""Bytes that a table, or the arrays of a file, may take in memory."""

LARGEST_BATCH = 4 * 2**30
MOST_ROWS = 100_000_000
LARGEST_JSON = 2**30

TEXT = {
    *("name", "label", "confidence", "kind", "role", "prediction", "query_class", "hook"),
    *("scope", "condition", "prompt"),
}
WHOLE = {"layer", "head", "neuron", "rank", "query", "position", "start", "distance", "count"}
FLAGS = {"selected"}
TEXTS = {"promotes", "suppresses"}
NUMBERS = {"edges", "counts", "real", "predicted", "values", "precision_deciles"}
"""What the columns hold: strings, integers, booleans, lists of strings, of numbers; others
numbers."""

OPTIONAL = {"label", "role", "query_class"}
"""Strings that may be null."""


def read_json(path: Path, kind: type) -> Any:
    """A JSON file whose outermost value is of a kind: `dict` or `list`."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError(f"it is larger than {LARGEST_JSON >> 20} MiB")
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, kind):
            raise ValueError(f"expected {'an object' if kind is dict else 'a list'}")
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{shown(path)} cannot be read: {printable(str(error))}") from error
    return value


@contextmanager
def blamed(run: Path) -> Iterator[None]:
    """What making something of a run folder stumbles over is the folder's fault, and is said so.

    Tables and run.json are checked when they are read; the rest has too many forms to be.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        what = printable(f"{type(error).__name__}: {error}", 200)
        raise RunFolderError(
            f"{shown(run)} holds something that is not as docs/run-folder.md says ({what}); if it "
            "was made here and nobody changed it, please report that"
        ) from error


def shown(path: Path) -> str:
    """A path on one line."""
    return printable(str(path))


def read_table(path: Path, file: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """A Parquet file with at least these columns, each of its kind."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as opened:
            names = opened.schema_arrow.names
            missing = [column for column in columns if column not in names]
            if missing:
                found = printable(", ".join(map(repr, names)))
                raise RunFolderError(
                    f"{shown(path)} lacks the column {missing[0]!r}; it has {found}"
                )
            table = _bounded(opened)
        if table.num_rows:
            for name in dict.fromkeys([*columns, *(set(names) & NUMBERS)]):
                _check_column(table.column(name), name, file)
        frame = table.to_pandas(ignore_metadata=True)
        bare = [name for name in columns if pa.types.is_null(table.schema.field(name).type)]
        for name in bare:
            if _kind(name, file) == "numbers":  # of which none was measured: NaN, as among others
                frame[name] = frame[name].astype(float)
    except RunFolderError:
        raise
    except (Exception, pa.ArrowException) as error:
        reason = printable(str(error) or type(error).__name__)
        raise RunFolderError(
            f"{shown(path)} is damaged: {reason}; run the labelling again"
        ) from error
    return frame


def _bounded(opened: Any) -> Any:
    """The table, read in batches so small that no trick of compression makes one large."""
    import pyarrow as pa

    meta = opened.metadata
    if meta.num_rows > MOST_ROWS:
        raise ValueError(f"it has {meta.num_rows:,} rows")
    if len(set(opened.schema_arrow.names)) < len(opened.schema_arrow.names):
        raise ValueError("two columns have one name")
    # A value is at most as large as the row group it stands in, which may repeat it for free. The
    # metadata of columns are not looked at: pyarrow 26 aborts the process where they are damaged.
    groups = [meta.row_group(group).total_byte_size for group in range(meta.num_row_groups)]
    size = min(max(LARGEST_BATCH // max(*groups, 1, 1), 1), 65536)
    batches, total = [], 0
    for batch in opened.iter_batches(batch_size=size):
        total += batch.nbytes
        if total > LARGEST:
            raise ValueError(f"it takes more than {LARGEST >> 30} GiB")
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=opened.schema_arrow).combine_chunks()


def _check_column(column: Any, name: str, file: str) -> None:
    kind = _kind(name, file)
    if not _is(column.type, kind):
        raise ValueError(f"column {name!r} is {column.type}; expected {kind}")
    if column.null_count and kind in ("strings", "integers", "booleans") and name not in OPTIONAL:
        raise ValueError(f"column {name!r} has a null in it")


def _kind(name: str, file: str) -> str:
    evidence = file.startswith("evidence/")
    if name == "tokens":
        return "lists of strings" if evidence else "numbers"
    if file == "pairs.parquet" and name in ("head", "neuron"):
        return "strings"
    kinds = {
        "strings": TEXT, "integers": WHOLE, "booleans": FLAGS,
        "lists of strings": TEXTS, "lists of numbers": NUMBERS,
    }  # fmt: skip
    return next((kind for kind, names in kinds.items() if name in names), "numbers")


def _is(found: Any, kind: str) -> bool:
    from pyarrow import types

    if kind == "booleans":
        return bool(types.is_boolean(found))
    if kind == "integers":
        return bool(types.is_integer(found))
    if types.is_null(found):
        return True
    if kind.startswith("lists"):
        listed = types.is_list(found) or types.is_large_list(found)
        return listed and _is(found.value_type, kind.removeprefix("lists of "))
    if kind == "strings":
        return bool(types.is_string(found) or types.is_large_string(found))
    return bool(types.is_integer(found) or types.is_floating(found))


def read_arrays(path: Path) -> Mapping[str, ndarray]:
    """The arrays of a .npz file; no pickle, and none larger than the file says it is."""
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > LARGEST:
                raise ValueError(f"it unpacks to more than {LARGEST >> 30} GiB")
            found = {}
            for member in packed.infolist():
                with packed.open(member) as file:
                    found[member.filename.removesuffix(".npy")] = _array(file, member.file_size)
    except Exception as error:
        reason = printable(str(error) or type(error).__name__)
        raise RunFolderError(f"{shown(path)} cannot be read: {reason}") from error
    return found


def _array(file: Any, size: int) -> ndarray:
    """One array; what its header claims is held against its size before room is made for it."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, fortran, dtype = read(file)
    count = 1
    for length in shape:
        count *= int(length)
    if dtype.hasobject or count < 0 or count * dtype.itemsize > size:
        raise ValueError(f"an array of shape {shape} and type {dtype} is not in {size} bytes")
    flat = np.frombuffer(file.read(count * dtype.itemsize), dtype=dtype, count=count)
    return flat.reshape(shape, order="F" if fortran else "C")
