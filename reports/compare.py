"""`labeler compare`: which heads and neurons changed their label between runs, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from labeler.results import EVENLY, RunFolder, write_atomic
from reports.label import Line, lines_of
from reports.render import environment, read, source_hash
from reports.reviewed import gist_of, verdicts, worded
from reports.series import series_chart
from reports.shapes import Chart
from reports.wording import MARKS, decimal, number, percent, plural, sentence, short_name

SETTLED = 0.25
"""A head is settled once its labels are no farther than this from that of the last run."""

N_NEURONS = 20
REST, NOTHING = "all visible tokens alike", "unlabelled"
STYLES = ("theme.css", "compare.css")


@dataclass(frozen=True)
class Told:
    """What one run says of a head or neuron; `gist` is as in the report."""

    label: str
    confidence: str
    r2: float | None
    r2_low: float | None
    r2_high: float | None
    gist: str = ""

    @property
    def said(self) -> str:
        """The label, and for an unlabelled component nothing."""
        return "" if self.confidence == "unlabelled" else self.label

    @property
    def brief(self) -> str:
        """The label in short where there is such."""
        return self.said and (self.gist or self.said)

    @property
    def lines(self) -> list[Line]:
        """The label laid out, as in the report."""
        return lines_of(self.label)

    @property
    def mark(self) -> str:
        """Its confidence in the notation of the table."""
        return MARKS.get(self.confidence, "")

    def repeats(self, before: Told | None) -> bool:
        """Whether it says what another run said, as surely."""
        return before is not None and (self.said, self.confidence) == (
            before.said,
            before.confidence,
        )


@dataclass(frozen=True)
class Compared:
    """One component across runs; None where a run has no such component.

    `steps` are distances between labels of neighbouring runs, `distance` that of the first and the
    last, 0 to 1; `change` is the difference of held-out R². `settled` is the index of the run from
    which on the label stays near the last one.
    """

    name: str
    told: tuple[Told | None, ...]
    steps: tuple[float | None, ...]
    distance: float | None
    change: float | None
    moved: tuple[tuple[str, float, float], ...]
    settled: int | None

    @property
    def farthest(self) -> float:
        """The largest of all its distances."""
        return max((step for step in (*self.steps, self.distance) if step is not None), default=0.0)

    @property
    def silent(self) -> bool:
        """Whether neither the first run nor the last has a label for it."""
        return not any(told and told.said for told in (self.told[0], self.told[-1]))


@dataclass(frozen=True)
class Comparison:
    """Everything that the page and the terminal show."""

    titles: tuple[str, ...]
    cautions: tuple[str, ...]
    heads: tuple[Compared, ...]
    only: tuple[tuple[str, int], ...]
    neurons: tuple[Compared, ...]
    counts: tuple[dict[str, Any], ...]

    @property
    def chart(self) -> Chart | None:
        """Mean R² and the share labelled over a series of three runs or more."""
        return series_chart(self.titles, self.counts)

    @property
    def summary(self) -> str:
        """How many heads say something else, in a sentence."""
        far = sum(head.distance > SETTLED for head in self.heads if head.distance is not None)
        silent = sum(head.silent for head in self.heads)
        kept = sum(head.distance == 0 and not head.silent for head in self.heads)
        text = (
            f"Of {len(self.heads)} heads in the first and the last run {far} changed their label "
            f"by more than {SETTLED:.0%} of their attention; {kept} say the same, figures included"
        )
        if silent:
            text += f"; {silent} {'is' if silent == 1 else 'are'} unlabelled in both"
        alone = [f"{plural(count, 'head')} of {sentence(title)}" for title, count in self.only]
        return f"{text}. Not in both: {', '.join(alone)}." if alone else f"{text}."


def compare(folders: Sequence[RunFolder]) -> Comparison:
    """Two runs or more, in the order given."""
    shares = [dict(head_shares(folder)) for folder in folders]
    said = [_told(folder, folder.heads) for folder in folders]
    names = list(dict.fromkeys(name for run in said for name in run))
    phrases = _phrases(folders)
    heads = [_compared(name, said, shares, phrases) for name in names]
    shared = [head for head in heads if head.distance is not None]
    alone = [
        (title, sum(head.distance is None and head.told[index] is not None for head in heads))
        for index, title in enumerate(titles(folders))
    ]
    return Comparison(
        titles=titles(folders),
        cautions=tuple(cautions(folders)),
        heads=tuple(sorted(shared, key=lambda head: -head.farthest)),
        only=tuple((title, count) for title, count in alone if count),
        neurons=tuple(_neurons(folders)),
        counts=tuple(_counts(folder) for folder in folders),
    )


def titles(folders: Sequence[RunFolder]) -> tuple[str, ...]:
    """Names of the runs: their folders, or their places where those are the same."""
    names = [folder.path.resolve().name for folder in folders]
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{name} ({index})" for index, name in enumerate(names, start=1))


def head_shares(folder: RunFolder) -> Iterator[tuple[str, dict[str, float]]]:
    """For each head the share of its attention that its label gives to each prediction.

    An exception counts by the part of the queries that its class has; what no prediction gets is
    spread over all visible tokens. An unlabelled head gives everything to `unlabelled`.
    """
    rows = {item["name"]: float(item["rows"]) for item in folder.run.get("query_classes", [])}
    total = max(float(folder.run["corpus"].get("tokens") or 0), 1.0)
    chosen = folder.predictions
    chosen = chosen[chosen["selected"].astype(bool)]
    by_head = {str(name): part for name, part in chosen.groupby("name")}
    for name, sure in zip(folder.heads["name"], folder.heads["confidence"], strict=True):
        if sure == "unlabelled" or name not in by_head:
            yield name, {NOTHING: 1.0}
            continue
        yield name, _spread(by_head[name], rows, total)


def _spread(own: pd.DataFrame, rows: Mapping[str, float], total: float) -> dict[str, float]:
    classes = own["query_class"].fillna("").astype(str)
    part = {name: min(rows.get(name, 0.0) / total, 1.0) for name in classes.unique() if name}
    part[""] = max(0.0, 1.0 - sum(part.values()))
    found: dict[str, float] = {}
    for name, weight in part.items():
        left = 1.0
        for prediction, share in own.loc[classes == name, ["prediction", "share"]].to_numpy():
            key = REST if prediction == EVENLY else str(prediction)
            found[key] = found.get(key, 0.0) + weight * float(share)
            left -= float(share)
        found[REST] = found.get(REST, 0.0) + weight * max(0.0, left)
    return found


def _phrases(folders: Sequence[RunFolder]) -> dict[str, str]:
    """How labels say each prediction: in the words of the last run that says it."""
    found: dict[str, str] = {}
    for folder in folders:
        chosen = folder.predictions.query("selected")
        found |= dict(zip(chosen["prediction"], map(sentence, chosen["phrase"]), strict=True))
    return found


def distance(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Half the sum of absolute differences of shares: the attention that two labels place apart."""
    return min(1.0, 0.5 * sum(abs(a.get(key, 0.0) - b.get(key, 0.0)) for key in {*a, *b}))


def _told(folder: RunFolder, table: pd.DataFrame) -> dict[str, Told]:
    """What a run says of its heads or neurons, as reviewed."""
    review, rows = verdicts(folder.review), table.to_dict("records")
    wordings = {row["name"]: worded(row["label"], review.get(row["name"])) for row in rows}
    return {
        row["name"]: Told(
            label=wordings[row["name"]][0],
            confidence=str(row["confidence"]),
            r2=number(row["r2"]),
            r2_low=number(row["r2_low"]),
            r2_high=number(row["r2_high"]),
            gist=gist_of(row.get("gist"), *wordings[row["name"]]),
        )
        for row in rows
    }


def _compared(
    name: str,
    said: Sequence[Mapping[str, Told]],
    shares: Sequence[Mapping[str, Mapping[str, float]]],
    phrases: Mapping[str, str],
) -> Compared:
    told = tuple(run.get(name) for run in said)
    own = [run.get(name) for run in shares]
    steps = tuple(None if a is None or b is None else distance(a, b) for a, b in pairwise(own))
    first, last = own[0], own[-1]
    if first is None or last is None:
        return Compared(name, told, steps, None, None, (), None)
    apart = [1.0 if one is None else distance(one, last) for one in own]
    settled = len(own) - 1
    while settled > 0 and apart[settled - 1] <= SETTLED:
        settled -= 1
    moved = [(key, first.get(key, 0.0), last.get(key, 0.0)) for key in {*first, *last}]
    moved = [item for item in moved if percent(item[1]) != percent(item[2])]
    moved.sort(key=lambda item: (-abs(item[1] - item[2]), item[0]))
    moved = [(phrases.get(key, key), before, after) for key, before, after in moved[:4]]
    return Compared(name, told, steps, distance(first, last), _change(told), tuple(moved), settled)


def _change(told: Sequence[Told | None]) -> float | None:
    a, b = told[0], told[-1]
    return b.r2 - a.r2 if a and b and a.r2 is not None and b.r2 is not None else None


def _neurons(folders: Sequence[RunFolder]) -> Iterator[Compared]:
    """The neurons whose label changed, the largest change of R² first."""
    tables = [folder.neurons for folder in folders]
    if not all(len(table) for table in tables):
        return
    first, last = (t.set_index("name")[["label", "r2"]] for t in (tables[0], tables[-1]))
    both = first.add_suffix("_a").join(last.add_suffix("_b"), how="inner")
    both = both[both["label_a"].fillna("") != both["label_b"].fillna("")]
    change = (both["r2_b"] - both["r2_a"]).abs().fillna(-1.0)
    names = change.sort_values(ascending=False, kind="stable").index[:N_NEURONS]
    parts = [table[table["name"].isin(names)] for table in tables]
    said = [_told(folder, part) for folder, part in zip(folders, parts, strict=True)]
    for name in names:
        told = tuple(run.get(name) for run in said)
        yield Compared(str(name), told, (), None, _change(told), (), None)


def _counts(folder: RunFolder) -> dict[str, Any]:
    neurons, figures = folder.neurons, folder.run.get("figures") or {}
    return {
        "heads": len(folder.heads),
        "by_effect": (folder.run.get("settings") or {}).get("choose_by") == "effect",
        "labelled": int((folder.heads["confidence"] != "unlabelled").sum()),
        "mean_r2": number(folder.heads["r2"].mean()),
        "neurons": len(neurons),
        "with_class": figures.get("neurons_with_class"),
        "with_class_copy": figures.get("neurons_with_class_reinitialised"),
        "neurons_median": number(neurons["r2"].median()) if len(neurons) else None,
        "neurons_median_copy": figures.get("neurons_r2_median_reinitialised"),
        "prompts": folder.run["corpus"]["prompts"],
        "model": short_name(folder.run["model"]["name"]),
        "place": folder.run["model"]["name"],
        "revision": folder.run["model"].get("revision") or "",
    }


def cautions(folders: Sequence[RunFolder]) -> Iterator[str]:
    """What else differs between the runs, so that a change of label may not be one of the model."""
    runs = [folder.run for folder in folders]
    different = {
        "The models differ": [run["model"].get("hash") for run in runs],
        "The architectures differ": [run["model"].get("architecture") for run in runs],
        "The corpora differ": [run["corpus"].get("hash") for run in runs],
        "The pipelines differ": [(run.get("pipeline") or {}).get("hash") for run in runs],
        "The vocabularies of heuristics differ": [_vocabulary(run) for run in runs],
        "The versions of head-labeler differ": [run["versions"].get("labeler") for run in runs],
        "The thresholds differ": [
            str(sorted((run["settings"].get("thresholds") or {}).items())) for run in runs
        ],
        "Labels of heads were chosen by pattern in one, by effect in the other": [
            run["settings"].get("choose_by", "pattern") for run in runs
        ],
        "The numbers of layers or heads differ: heads are compared where names agree": [
            (run["model"].get("n_layers"), run["model"].get("n_heads")) for run in runs
        ],
    }
    for caution, values in different.items():
        if len(set(values)) > 1:
            yield f"{caution}."


def _vocabulary(run: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((str(h.get("name")), str(h.get("hash"))) for h in run.get("heuristics") or [])


def write_comparison(found: Comparison, out: Path) -> Path:
    """One page, offline and without scripts."""
    ours = Markup  # our own files, which no text of a run has entered
    style = "\n".join(read(name) for name in STYLES)
    text = (
        environment()
        .get_template("compare.html")
        .render(
            found=found,
            style=ours(style),
            policy=f"default-src 'none'; style-src 'sha256-{source_hash(style)}'; img-src data:; "
            "base-uri 'none'; form-action 'none'",
            settled=SETTLED,
            decimal=decimal,
            percent=percent,
        )
    )
    write_atomic(out, text.encode("utf-8", errors="backslashreplace"))
    return out
