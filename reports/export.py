"""`labeler export`: the labels of a run in the forms that others read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labeler.results import RunFolder, write_atomic
from reports.headvis import write_headvis
from reports.records import document, head_records, neuron_records
from reports.tables import latex_table, markdown_table


def export(run_folder: RunFolder, format: str, out: Path) -> Path:  # noqa: A002
    """Write a run in `format` (one of `FORMATS`) at `out`, and return what was written.

    markdown, latex, json and neuronpedia (JSON Lines) write a file. csv writes one with the heads
    where `out` ends in .csv, else a folder with heads.csv and neurons.csv. headvis writes a folder.
    Where a reader corrected a label, `label` is the correction and the automatic one is beside it.
    Raises ValueError for an unknown format, and RunFolderError where the run would be written over.
    """
    if format not in FORMATS:
        raise ValueError(f"unknown export format {format!r}; known are {', '.join(FORMATS)}")
    run_folder.refuse_own(Path(out))
    with run_folder.blamed():
        return FORMATS[format](run_folder, Path(out))


def _markdown(folder: RunFolder, out: Path) -> Path:
    return _write(out, markdown_table(folder))


def _latex(folder: RunFolder, out: Path) -> Path:
    return _write(out, latex_table(folder))


def _json(folder: RunFolder, out: Path) -> Path:
    return _write(out, json.dumps(document(folder), ensure_ascii=False, indent=1, allow_nan=False))


def _csv(folder: RunFolder, out: Path) -> Path:
    if out.suffix.lower() == ".csv":
        return _write_csv(out, head_records(folder))
    _write_csv(out / "heads.csv", head_records(folder))
    _write_csv(out / "neurons.csv", neuron_records(folder))
    return out


def _write_csv(path: Path, records: list[dict[str, Any]]) -> Path:
    """Numbers in full, null as an empty cell, lists as JSON."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(records[0]) if records else ["name"])
    writer.writeheader()
    for record in records:
        cells = {
            key: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
            for key, value in record.items()
        }
        writer.writerow(cells)
    return _write(path, text.getvalue())


def _neuronpedia(folder: RunFolder, out: Path) -> Path:
    """Explanation records, one a line; a bare layer number is Neuronpedia's source of neurons.

    Without any it is an empty list, since an empty file is no JSON.
    Where a reader reworded a neuron, `notes` has the automatic wording, which the score is of.
    """
    model = folder.run["model"]["name"]
    version = (folder.run.get("versions") or {}).get("labeler", "")
    lines = [
        {
            "modelId": model,
            "layer": str(record["layer"]),
            "index": str(record["neuron"]),
            "description": record["label"],
            "typeName": "head-labeler",
            "explanationModelName": f"head-labeler {version}".strip(),
            "scoreValue": record["r2"] if record["automatic_label"] else None,
            "scoreTypeName": "held-out R2",
            "notes": _notes(record),
        }
        for record in neuron_records(folder)
        if record["verdict"] != "reject" and (_stands(record) or _reworded(record))
    ]
    text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
    return _write(out, text or "[]\n")


def _stands(record: dict[str, Any]) -> bool:
    return bool(record["label"]) and record["confidence"] != "unlabelled"


def _reworded(record: dict[str, Any]) -> bool:
    return bool(record["label"] != record["automatic_label"])


def _notes(record: dict[str, Any]) -> str:
    if not _reworded(record):
        return ""
    automatic = record["automatic_label"] or "unlabelled"
    return f"reworded by {record['reviewer'] or 'a reader'}; automatic, and scored: {automatic}"


def _write(path: Path, text: str) -> Path:
    write_atomic(path, text.encode("utf-8", errors="backslashreplace"))
    return path


FORMATS: dict[str, Callable[[RunFolder, Path], Path]] = {
    "markdown": _markdown,
    "csv": _csv,
    "json": _json,
    "latex": _latex,
    "headvis": write_headvis,
    "neuronpedia": _neuronpedia,
}
"""Format → how it is written."""

ENDINGS = {
    ".md": "markdown",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "neuronpedia",
    ".tex": "latex",
}
"""Ending of a file's name → the format that it stands for."""
