"""Which rows are shown for a label: those of its general rule, of several tokens, to be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from labeler.classes import Group
from labeler.evidence import MAX_STRIP, HeadEvidence, strings
from labeler.labels import HeadLabel, Rule, Term
from labeler.predict import baseline
from labeler.prepare import Prepared
from tests.unit.heuristics.making import make_text
from tests.unit.made_texts import prepared, random_letters, vocabulary_of

TERM = (Term(0, 0.9, 1.0),)


def _made(longest: int) -> list[Prepared]:
    found = random_letters(np.random.default_rng(0), 30, longest)
    texts = [text for text in found if len(text) > longest // 2]
    return prepared(texts, vocabulary_of(texts))


def _at(item: Prepared, keys: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.from_numpy(keys), len(item)).float()[None]


def _watched(items: list[Prepared], label: HeadLabel, keys) -> dict[str, list[dict]]:
    rows = HeadEvidence([label], 1)
    for item in items:
        real = _at(item, keys(item))
        rows(item, 0, real, real)
    found: dict[str, list[dict]] = {}
    for row in rows.table():
        found.setdefault(row["kind"], []).append(row)
    return found


def test_the_best_rows_are_of_the_general_rule_and_of_several_tokens() -> None:
    items = _made(40)
    classes = sorted({int(leaf) for item in items for leaf in item.classes})
    inside, outside = classes[-1:], classes[:-1]
    group = Group("last", "on the last", tuple(inside))
    label = HeadLabel("L0H0", Rule(TERM, tuple(outside)), (Rule(TERM, tuple(inside), group),))
    by_id = {item.id: item for item in items}
    found = _watched(items, label, lambda item: np.maximum(np.arange(len(item)) - 1, 0))
    for kind, leaves in (("best", outside), ("exception: last", inside)):
        assert found[kind]
        for row in found[kind]:
            assert by_id[row["prompt"]].classes[row["query"]] in leaves
    tokens = [by_id[row["prompt"]].text.token_ids[row["query"]] for row in found["best"]]
    assert len(set(tokens)) == len(tokens) == 3


def test_a_sharp_row_that_is_explained_badly_is_no_best_row() -> None:
    items = [item for item in _made(40) if len(item) > 30]
    classes = tuple(sorted({int(leaf) for item in items for leaf in item.classes}))
    rows = HeadEvidence([HeadLabel("L0H0", Rule(TERM, classes))], 1)
    for item in items:
        n = len(item)
        real, said = baseline(n, None)[None].clone(), baseline(n, None)[None].clone()
        previous = _at(item, np.maximum(np.arange(n) - 1, 0))
        # Half of query 10's attention is on one key, and the label has it; all of query 20's is,
        # and the label has a fifth: 9/25 of a four times larger square, against all of it.
        real[0, 10] = said[0, 10] = (real[0, 10] + previous[0, 10]) / 2
        real[0, 20] = previous[0, 20]
        said[0, 20] = (4 * baseline(n, None)[20] + previous[0, 20]) / 5
        rows(item, 0, real, said)
    found = [row for row in rows.table() if row["kind"] == "best"]
    assert {row["query"] for row in found} == {10}


def test_a_row_that_shows_where_it_attends_is_preferred() -> None:
    items = _made(2 * MAX_STRIP)
    classes = tuple(sorted({int(leaf) for item in items for leaf in item.classes}))
    label = HeadLabel("L0H0", Rule(TERM, classes))

    def far_unless_early(item: Prepared) -> np.ndarray:
        return np.where(np.arange(len(item)) < MAX_STRIP, 1, 0)

    for row in _watched(items, label, far_unless_early)["best"]:
        assert max(row["real"]) > 0.5, "what it attends to is in the strip"
    alone = [replace(item) for item in items if len(item) > MAX_STRIP]
    assert _watched(alone, label, lambda item: np.zeros(len(item), dtype=int))["best"]


def test_a_character_in_byte_pieces_is_shown_once() -> None:
    text = make_text("n|é×2| 🙂×3|a")
    assert strings(text) == ["⟨start⟩", "n", "é", "◌", " 🙂", "◌", "◌", "a"]
    assert strings(text, 3, 5) == ["◌", " 🙂"]
    offsets = text.offsets.copy()
    offsets[5:7, 0] += 1  # the first of its pieces is joined to the space
    assert strings(replace(text, offsets=offsets)) == strings(text)
