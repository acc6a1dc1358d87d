"""Readers' verdicts: `review.json` files as the report saves them, merged into a run folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labeler.errors import RunFolderError, did_you_mean
from labeler.folder import REVIEW, locked
from labeler.readers import printable
from labeler.results import RunFolder, open_run, write_json

SCHEMA = 1
VERDICTS = ("agree", "edit", "reject", "")
LARGEST = 64 << 20
LONGEST = 20_000
FIELDS = ("verdict", "label", "note", "when", "reviewer")

Said = dict[str, str]
"""What one reader said of one component: `FIELDS`."""


@dataclass(frozen=True)
class Conflict:
    """A component on which readers differ; `said` has all their verdicts, the shown one first."""

    name: str
    said: tuple[Said, ...]


@dataclass(frozen=True)
class Merged:
    """What a merge did: components new to the review, changed, and left as they were."""

    new: int
    changed: int
    same: int
    conflicts: tuple[Conflict, ...]
    readers: tuple[str, ...]
    counts: Mapping[str, int]


def merge_review(run: str | Path, file: Path) -> Merged:
    """Merge a reader's file into a run folder's review.json, in one write or not at all.

    Of one reader the later verdict on a component counts; of several readers all are kept, the
    latest is shown and the others lie beside it under `others`. Raises RunFolderError for a file
    that is no review, of another run, or about components that the run has not.
    """
    folder = open_run(run)
    given = _verdicts(_read(file), folder, file)
    with locked(folder.path):
        known = _verdicts(folder.review, folder, folder.path / REVIEW)
        new = changed = same = 0
        for name, said in given.items():
            before = known.get(name)
            known[name] = _together([*(before or []), *said])
            new += before is None
            changed += before is not None and known[name] != before
            same += known[name] == before
        write_json(folder.path / REVIEW, _document(folder, known))
    shown = [said[0] for said in known.values()]
    return Merged(
        new=new,
        changed=changed,
        same=same,
        conflicts=tuple(_conflicts(known)),
        readers=tuple(sorted({one["reviewer"] for said in known.values() for one in said})),
        counts={kind: sum(one["verdict"] == kind for one in shown) for kind in VERDICTS},
    )


def _read(file: Path) -> dict[str, Any]:
    shown = printable(str(file))
    try:
        if file.stat().st_size > LARGEST:
            raise RunFolderError(f"review {shown} is over 64 MiB; expected a review.json")
        found = json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunFolderError(f"review {shown} cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise RunFolderError(
            f"review {shown} is not UTF-8 at byte offset {error.start}; save it once more"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(
            f"review {shown} is not JSON: {printable(str(error), 120)}; save it once more"
        ) from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise RunFolderError(
            f'review {shown} is no review: expected an object with "schema": {SCHEMA}, as the '
            "report's page Review saves it"
        )
    return found


def _verdicts(review: Mapping[str, Any], folder: RunFolder, file: Path) -> dict[str, list[Said]]:
    """Every reader's verdicts by component, checked; an empty review has none."""
    if not review:
        return {}
    shown = printable(str(file))
    if review.get("run") != folder.key:
        raise RunFolderError(
            f"review {shown} belongs to another run (another model or corpus than {folder.path}); "
            "merge it into the run whose report it was saved from"
        )
    found = review.get("verdicts")
    if not isinstance(found, dict):
        raise RunFolderError(f'review {shown}: expected an object under "verdicts"')
    names = [*folder.heads["name"], *folder.neurons["name"]]
    known = set(names)
    reader = str(review.get("reviewer") or "")
    checked = {}
    for name, item in found.items():
        if name not in known:
            raise RunFolderError(
                f"review {shown} is about {printable(repr(name), 60)}, which the run has not; "
                f"{did_you_mean(name, names)}"
            )
        others = item.get("others") if isinstance(item, dict) else None
        every = [item, *(others if isinstance(others, list) else [])]
        checked[name] = _together([_said(one, reader, name, shown) for one in every])
    return checked


def _said(item: object, reader: str, name: str, shown: str) -> Said:
    if not isinstance(item, dict) or item.get("verdict", "") not in VERDICTS:
        raise RunFolderError(
            f'review {shown}, {name}: expected a "verdict" of agree, edit, reject or ""'
        )
    said = {field: item.get(field) or "" for field in FIELDS}
    said["reviewer"] = said["reviewer"] or reader
    for field, value in said.items():
        if not isinstance(value, str) or len(value) > LONGEST:
            raise RunFolderError(
                f"review {shown}, {name}: {field} is no string of up to {LONGEST:,} characters"
            )
    where = f"review {shown}, {name}"
    if not said["reviewer"].strip():
        raise RunFolderError(
            f'{where}: nobody said it; write a name on the page Review, or under "reviewer"'
        )
    if said["verdict"] == "edit" and not said["label"].strip():
        raise RunFolderError(f"{where}: the verdict is edit, but no description is given")
    said["when"] = _moment(said["when"], where)
    return {field: _utf8(value) for field, value in said.items()}


def _moment(when: str, where: str) -> str:
    """A time in UTC, so that times sort as they passed; empty where none was given."""
    if not when:
        return ""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError as error:
        raise RunFolderError(
            f"{where}: when is {printable(repr(when), 60)}; expected an ISO time"
        ) from error
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _utf8(value: str) -> str:
    """Half of a surrogate pair, which JSON can spell and UTF-8 cannot, written out."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _together(said: Iterable[Said]) -> list[Said]:
    """One verdict a reader, the latest of each; the latest judgement first, bare notes last."""
    ranked = sorted(said, key=lambda one: (one["when"], json.dumps(one, sort_keys=True)))
    latest = {one["reviewer"]: one for one in ranked}
    return sorted(latest.values(), key=_rank, reverse=True)


def _rank(said: Said) -> tuple[bool, str, str]:
    """A note without a judgement hides nobody's judgement; equal times go by name."""
    return bool(said["verdict"]), said["when"], said["reviewer"]


def _conflicts(known: Mapping[str, list[Said]]) -> Iterable[Conflict]:
    for name, said in known.items():
        judged = [one for one in said if one["verdict"]]
        if len({_meant(one) for one in judged}) > 1:
            yield Conflict(name, tuple(judged))


def _meant(one: Said) -> tuple[str, str]:
    """Who agrees with a reader's words wants them, as that reader does."""
    if one["verdict"] == "reject":
        return "reject", ""
    return "edit" if one["label"] else "agree", one["label"]


def _document(folder: RunFolder, known: Mapping[str, list[Said]]) -> dict[str, Any]:
    """`review.json` as the report reads it: the latest verdict, other readers' beside it."""
    verdicts: dict[str, Any] = {}
    for name in sorted(known, key=_order):
        first, *others = known[name]
        verdicts[name] = {**first, "others": others} if others else first
    return {"schema": SCHEMA, "run": folder.key, "reviewer": "", "verdicts": verdicts}


def _order(name: str) -> tuple[int, bool, int]:
    layer, _, number = name[1:].replace("N", "H").partition("H")
    return int(layer), "N" in name, int(number)
