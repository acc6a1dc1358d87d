"""Verdicts of readers, as far as the report and the exports show them.

`review.json`, in the run folder and as the page saves it:

    {"schema": 1, "run": "<corpus hash>+<model hash>", "reviewer": "who",
     "verdicts": {"L0H6": {"verdict": "agree" | "edit" | "reject" | "",
                           "label": "the description given, when edited; another reader's that
                                     is agreed with; empty where that is the automatic one",
                           "note": "anything", "when": "2026-11-23T10:00:00.000Z"}}}

A merged file (`labeler review`) carries `reviewer` inside each verdict, and under `others` the
verdicts of other readers; the outer reviewer is the default. A verdict of "" is a note alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.wording import sentence

VERDICTS = ("agree", "edit", "reject")


@dataclass(frozen=True)
class Verdict:
    """What a reader said about one component."""

    verdict: str
    label: str
    note: str
    reviewer: str
    when: str


def verdicts(review: Mapping[str, Any]) -> dict[str, Verdict]:
    """The verdicts of `review.json`, by component; what is malformed is left out."""
    found = review.get("verdicts")
    if not isinstance(found, Mapping):
        return {}
    reviewer = str(review.get("reviewer") or "")
    return {
        str(name): Verdict(
            verdict=str(item["verdict"]) if item.get("verdict") in VERDICTS else "",
            label=str(item.get("label") or ""),
            note=str(item.get("note") or ""),
            reviewer=str(item.get("reviewer") or reviewer),
            when=str(item.get("when") or ""),
        )
        for name, item in found.items()
        if isinstance(item, Mapping)
    }


def worded(label: Any, verdict: Verdict | None) -> tuple[str, str]:
    """The wording to show and, where a reader's is in its place, the automatic one."""
    automatic = label.strip() if isinstance(label, str) else ""
    if verdict and verdict.verdict in ("agree", "edit") and verdict.label.strip():
        return sentence(verdict.label.strip()), sentence(automatic)
    return sentence(automatic), ""


def gist_of(gist: Any, label: str, automatic: str) -> str:
    """The label in short; empty where that is no shorter, or a reader worded the label anew."""
    short = sentence(gist.strip()) if isinstance(gist, str) and not automatic else ""
    return "" if short == label else short


def in_short(row: Mapping[str, Any], verdict: Verdict | None) -> str:
    """A component's wording for a table: in short where there is such."""
    label, automatic = worded(row["label"], verdict)
    return gist_of(row.get("gist"), label, automatic) or label


def said(verdict: Verdict | None) -> str:
    """What a reader decided, who and when, and the note: "Reworded by Ada on 2026-11-23: …"."""
    if verdict is None or not (verdict.verdict or verdict.note):
        return ""
    what = {"agree": "Agreed", "edit": "Reworded", "reject": "Rejected", "": "Noted"}
    text = what[verdict.verdict]
    text += f" by {verdict.reviewer}" if verdict.reviewer else ""
    text += f" on {verdict.when[:10]}" if verdict.when else ""
    return sentence(f"{text}: {verdict.note}" if verdict.note else text)


def agreement(found: Mapping[str, Verdict], names: Iterable[str]) -> Counter[str]:
    """How many of `names` have each verdict."""
    return Counter(found[name].verdict for name in names if name in found and found[name].verdict)
