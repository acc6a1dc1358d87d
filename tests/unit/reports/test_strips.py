"""Token strips and what a label costs: which rows, in which order, in what words."""

from __future__ import annotations

from typing import Any

from labeler.results import RunFolder
from reports import pack
from reports.costs import SHOWN, dearest
from reports.neuron_parts import _fires_on
from reports.pack import Dictionary
from reports.parts import parts
from reports.strips import head_strips, neuron_strips


def row(kind: str, **more: Any) -> dict[str, Any]:
    base = {"kind": kind, "prompt": "s1", "start": 4, "tokens": [" a", "b", "c"]}
    return base | more


def test_groups_of_a_head_keep_their_order_and_say_whose_rows_they_are() -> None:
    given = [
        row(kind, query=6, real=[0, 0.5, 0.5], predicted=[0.1, 0.2, 0.7], r2=0.5)
        for kind in ("best", "worst", "exception: comma")
    ]
    tokens: Dictionary[str] = Dictionary()
    classes = {"comma": "on a comma"}
    groups = head_strips(given, True, tokens, classes)
    assert [group["title"] for group in groups] == [
        "Rows that the label explains best",
        "Rows that the label explains worst",
        "Exception: on a comma",
    ]
    first = groups[0]["rows"][0]
    assert (first["under"], first["at"]) == (["s1:6", "R² 0.50"], 2)
    assert [tokens.items[i] for i in first["t"]] == ["·a", "b", "c"]
    titles = [group["title"] for group in head_strips(given, False, Dictionary(), classes)]
    assert titles[0] == "Rows explained best"  # by what held, which is no label


def test_attention_that_a_strip_does_not_reach_is_said() -> None:
    given = [
        row("best", query=6, real=real, predicted=[0, 0, 0], r2=0.5)
        for real in ([0.1, 0.1, 0.0], [0.5, 0.2, 0.15])
    ]
    (group,) = head_strips(given, True, Dictionary(), {})
    assert [one["under"][1] for one in group["rows"]] == ["R² 0.50; 80% further left", "R² 0.50"]


def test_tenths_carry_how_often_the_label_speaks_there() -> None:
    rows = [row(f"decile {d}", position=5, value=d / 10, values=[0, 1, 2]) for d in (1, 10)]
    rows.append(row("top", position=5, value=3.0, values=[0, 3, 0]))
    groups = neuron_strips(rows, [0.02, *[0.5] * 8, 0.9], Dictionary())
    assert [len(group["rows"]) for group in groups] == [1, 2]
    assert groups[1]["rows"][0]["under"] == ["0.10", "tenth 1, label on 2%"]
    assert groups[1]["rows"][1]["under"] == ["1.00", "tenth 10, label on 90%"]
    assert neuron_strips(rows, [], Dictionary())[1]["rows"][0]["under"][1] == "tenth 1"


def test_the_dearest_labels_come_first_with_their_dearest_token_framed(run: RunFolder) -> None:
    shown = dearest(run)
    costs = run.heads[run.heads["confidence"].ne("unlabelled")].set_index("name")["cost"]
    assert [one.name for one in shown] == costs.nlargest(SHOWN).index.tolist()
    first = shown[0]
    assert [token.rise for token in first.tokens] == ["3.25", "1.50"]
    table = run.costs[run.costs["name"].eq(first.name)].sort_values("rise", ascending=False)
    given = table.iloc[0]
    place = int(given["position"]) - int(given["start"])
    assert first.tokens[0].token == given["tokens"][place].replace(" ", "·").replace("\n", "⏎")
    assert len(first.tokens[0].before) == place


def test_parts_carry_strips_costs_and_what_a_neuron_follows(run: RunFolder) -> None:
    found = {name: pack.unpack(make())[0] for name, make in parts(run)}
    head = found["heads-L1"]["heads"]["L1H0"]
    assert head["costs"][0]["rows"][0]["under"][1] == "+3.25 nats"
    details = found["details-L0-0"]["neurons"]
    assert list(details) == [f"L0N{i}" for i in range(24)]
    _, low, high = details["L0N3"]["histogram"]
    assert (low, high) == (-0.17, 4.0)
    pairs = run.pairs.groupby("neuron")["head"].apply(list)
    name = pairs.index[0]
    layer = name[1:].split("N")[0]
    followed = found[f"details-L{layer}-0"]["neurons"][name]["heads"]
    assert [item[0] for item in followed] == pairs[name]


def test_a_neuron_peaks_on_the_character_of_a_byte() -> None:
    strip = ["n", "é", "◌", "◌", "a"]
    rows = [{"kind": "top", "position": at, "start": 7, "tokens": strip} for at in (10, 8, 11)]
    tokens: Dictionary[str] = Dictionary()
    assert [tokens.items[i] for i in _fires_on(rows, tokens)] == ["é", "a"]
