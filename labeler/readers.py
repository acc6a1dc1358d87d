"""One reader for each kind of corpus: bytes in, records out, nothing decided yet.

No reader alters a text: what the file holds between two separators is what the model reads.
"""

from __future__ import annotations

import codecs
import csv
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from labeler.errors import CorpusError, LabelerError, did_you_mean

_OTHER_BOMS = {
    b"\xff\xfe": "UTF-16 or UTF-32",
    b"\xfe\xff": "UTF-16",
    b"\x00\x00\xfe\xff": "UTF-32",
}
_OTHER_SEPARATORS = set(";\t|")
_LINE_END = re.compile(r"\r\n|\r|\n|\Z")
_LONGEST_FIELD = 2**31 - 1
_SHOWN_COLUMNS = 12
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class Record:
    """What stood in a corpus at one place; `text` is checked later, and is None where null."""

    where: str
    id: str
    text: object


def printable(value: str, limit: int = 400) -> str:
    """A name from outside on one line, control characters escaped and the middle left out."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)
    return shown if len(shown) <= limit else f"{shown[: limit // 2]}…{shown[-limit // 2 :]}"


def first_line(error: Exception, limit: int = 400) -> str:
    """What a library says of an error in its first line, or else the kind of error."""
    lines = str(error).strip().splitlines()
    return printable(lines[0] if lines else type(error).__name__, limit)


@contextmanager
def _blamed_on(what: str, advice: str) -> Iterator[None]:
    """Whatever a library raises inside becomes one line about `what`."""
    try:
        yield
    except LabelerError:
        raise
    except Exception as error:
        raise CorpusError(f"{what} cannot be read ({first_line(error)}); {advice}") from error


def _without_bom(head: bytes, name: str) -> bytes:
    for mark, encoding in _OTHER_BOMS.items():
        if head.startswith(mark):
            raise CorpusError(
                f"{name} is {encoding} (byte-order mark at byte 0); expected UTF-8: convert it, "
                "for example with iconv -f UTF-16 -t UTF-8"
            )
    return head.removeprefix(codecs.BOM_UTF8)


def _decoded(raw: bytes, name: str, offset: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        at = offset + error.start
        raise CorpusError(
            f"{name} is not UTF-8: byte 0x{raw[error.start]:02x} at byte offset {at} "
            f"({error.reason}); save it as UTF-8"
        ) from error


def _whole(file: BufferedIOBase, name: str) -> str:
    raw = file.read()
    content = _without_bom(raw, name)
    return _decoded(content, name, len(raw) - len(content))


def _lines(file: BufferedIOBase, name: str) -> Iterator[str]:
    """Lines with their ends; only LF ends one, since JSON strings may hold the other kinds."""
    offset = 0
    for raw in file:
        content = _without_bom(raw, name) if offset == 0 else raw
        yield _decoded(content, name, offset + len(raw) - len(content))
        offset += len(raw)


def _blocks(text: str) -> list[list[tuple[int, int, int]]]:
    """Runs of lines that are not blank: of each line its number, start and end."""
    blocks: list[list[tuple[int, int, int]]] = [[]]
    start = 0
    for number, end in enumerate(_LINE_END.finditer(text), 1):
        if text[start : end.start()].strip():
            blocks[-1].append((number, start, end.start()))
        elif blocks[-1]:
            blocks.append([])
        start = end.end()
    return [block for block in blocks if block]


def filled_lines(text: str) -> list[str]:
    """Its lines that are not blank."""
    return [text[start:end] for block in _blocks(text) for _, start, end in block]


def read_text(file: BufferedIOBase, name: str) -> Iterator[Record]:
    """A prompt a paragraph where a blank line parts two paragraphs, else a prompt a line.

    A blank line holds nothing but white space; only the separators themselves are left out.
    """
    text = _whole(file, name)
    blocks = _blocks(text)
    if len(blocks) == 1:
        blocks = [[line] for line in blocks[0]]
    for block in blocks:
        line = block[0][0]
        inside = text[block[0][1] : block[-1][2]]
        yield Record(f"{name}:{line}", f"{_short(name)}:{line}", inside)


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _default_id(value: object, default: str) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        return str(value)
    return default


def _one_column(where: str, column: str, columns: Sequence[str]) -> None:
    if column not in columns:
        raise _no_column(where, column, columns)
    if list(columns).count(column) > 1:
        raise CorpusError(f"{where} has more than one column {column!r}; rename all but one")


def _no_column(where: str, column: str, columns: Iterable[object]) -> CorpusError:
    names = [str(name) for name in columns]
    shown = ", ".join(repr(printable(name, _SHOWN_CHARACTERS)) for name in names[:_SHOWN_COLUMNS])
    more = f" and {len(names) - _SHOWN_COLUMNS} more" if len(names) > _SHOWN_COLUMNS else ""
    hint = did_you_mean(column, names)
    near = printable(hint) if hint.startswith("did you mean") else "name the column with --column"
    return CorpusError(f"{where} has no column {column!r}; it has {shown or 'none'}{more}; {near}")


def read_jsonl(file: BufferedIOBase, name: str, column: str) -> Iterator[Record]:
    """A JSON object a line, its text under `column`, its name under `id` if it has one."""
    for number, line in enumerate(_lines(file, name), 1):
        where = f"{name}:{number}"
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or str(error)
            raise CorpusError(
                f"{where}: not a line of JSON ({printable(reason)}); expected an object a line, "
                f'like {{"{column}": "…"}}'
            ) from error
        if not isinstance(value, dict):
            raise CorpusError(
                f"{where}: expected a JSON object with the key {column!r}, not {json_kind(value)}"
            )
        if column not in value:
            raise _no_column(where, column, value)
        default = f"{_short(name)}:{number}"
        yield Record(where, _default_id(value.get("id"), default), value[column])


def json_kind(value: object) -> str:
    """What a value read from a corpus is, in words."""
    kinds: dict[type, str] = {
        bool: "a boolean", int: "a number", float: "a number", str: "a string",
        list: "a list", dict: "an object", bytes: "bytes", type(None): "null",
    }  # fmt: skip
    return kinds.get(type(value), f"a {type(value).__name__}")


def read_csv(file: BufferedIOBase, name: str, column: str) -> Iterator[Record]:
    """A prompt a row under a header; commas, double quotes, and texts of any length."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        rows = csv.reader(_lines(file, name), strict=True)
        header = next(rows, [])
        if header:
            if len(header) == 1 and header[0] != column and _OTHER_SEPARATORS & set(header[0]):
                raise CorpusError(
                    f"{name} has one column, {printable(header[0], _SHOWN_CHARACTERS)!r}; columns "
                    "must be parted by commas: save it again so, or as .jsonl"
                )
            _one_column(name, column, header)
        for number, row in enumerate((row for row in rows if row), 1):
            where = f"{name}:{rows.line_num}"
            if len(row) != len(header):
                raise CorpusError(
                    f"{where}: a row of {len(row)} fields under a header of {len(header)}; a text "
                    "with a comma in it needs quotes around it"
                )
            fields = dict(zip(header, row, strict=True))
            yield Record(
                where, _default_id(fields.get("id"), f"{_short(name)} row {number}"), fields[column]
            )
    except csv.Error as error:
        raise CorpusError(f"{name}:{rows.line_num}: not a row of CSV ({error})") from error
    finally:
        csv.field_size_limit(before)


def read_parquet(path: Path | BufferedIOBase, name: str, column: str) -> Iterator[Record]:
    """A prompt a row of a Parquet file; only `column` and `id` are read."""
    with _blamed_on(name, "expected a Parquet file"):
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _one_column(name, column, names)
            number = 0
            wanted = sorted({column, "id"} & set(names))
            for batch in file.iter_batches(batch_size=1024, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    default = f"{_short(name)} row {number}"
                    text_id = _default_id(row.get("id"), default)
                    yield Record(f"{name} row {number}", text_id, row[column])


def read_folder(path: Path, name: str) -> Iterator[Record]:
    """A prompt a .txt file, in the order of their names; hidden files and subfolders are passed."""
    files = sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() == ".txt" and not file.name.startswith(".") and file.is_file()
    )
    if not files:
        raise CorpusError(
            f"folder {name} has no .txt file in it; expected one prompt a file, subfolders are "
            "not searched"
        )
    for file in files:
        where = printable(str(file))
        with file.open("rb") as opened:
            text = _whole(opened, where)
        lines = [line for block in _blocks(text) for line in block]
        inside = text[lines[0][1] : lines[-1][2]] if lines else ""
        yield Record(where, printable(file.name), inside)


@contextmanager
def _hushed(*names: str) -> Iterator[None]:
    """Keep a library's warnings off the terminal: what matters in them comes as an exception."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def read_hub(source: str, column: str) -> Iterator[Record]:
    """The rows of `hf:NAME[:split]`, streamed through `datasets`; the split is `train` if none."""
    name, _, split = source.removeprefix("hf:").partition(":")
    if not name.strip():
        raise CorpusError(f"{source!r} names no dataset; expected hf:NAME or hf:NAME:split")
    split = split or "train"
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise CorpusError(
            f"reading {source!r} needs the package datasets: pip install 'head-labeler[hf]'"
        ) from error
    shown = f"{printable(source)} (split {printable(split)})"
    with (
        _hushed("datasets", "huggingface_hub"),
        _blamed_on(shown, "check the name, the split and the network, or pass a local file"),
    ):
        rows: Iterable[dict[str, Any]] = load_dataset(name, split=split, streaming=True)
        for number, row in enumerate(rows, 1):
            where = f"{shown} row {number}"
            if column not in row:
                raise _no_column(where, column, row)
            yield Record(where, _default_id(row.get("id"), f"{name} row {number}"), row[column])


Reader = Callable[[BufferedIOBase, str, str], Iterator[Record]]
READERS: dict[str, Reader] = {
    ".txt": lambda file, name, _column: read_text(file, name),
    ".jsonl": read_jsonl,
    ".csv": read_csv,
}


def read_url(source: str, column: str, kinds: str) -> Iterator[Record]:
    """A file behind a URL that fsspec knows: s3://, gs://, hf://datasets/, https:// and others."""
    name = printable(source)
    kind = Path(source.split("?")[0]).suffix.lower()
    if kind not in READERS and kind != ".parquet":
        raise CorpusError(f"corpus {name} is of an unknown kind; expected {kinds}")
    import fsspec

    with (
        _blamed_on(name, "check the address, the network and what may be read, or copy it here"),
        fsspec.open(source, "rb") as file,
    ):
        if kind == ".parquet":
            yield from read_parquet(file, name, column)
        else:
            yield from READERS[kind](file, name, column)
