"""What the terminal shows: the head table, one component, progress, and nobody's markup."""

from __future__ import annotations

import io
from typing import ClassVar

import pandas as pd
import pytest
from rich.console import Console

from labeler import terminal
from labeler.component_terminal import component
from labeler.terminal import TerminalProgress, head_table, replacement_table

HEADS = pd.DataFrame(
    {
        "name": ["L0H0", "L0H1", "L0H2", "L0H3"],
        "label": ["Attends to [bold]x[/bold].", "Second.", "Third.", ""],
        "confidence": ["clear", "likely", "weak", "unlabelled"],
        "r2": [0.61, 0.3, 0.104, 0.0],
    }
)


def shown(*parts: object, width: int = 110, color: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=color)
    for part in parts:
        console.print(part)
    return file.getvalue()


def test_the_head_table_marks_how_sure_a_label_is():
    lines = [line.split() for line in shown(head_table(HEADS)).splitlines() if line.strip()]
    assert lines[0] == ["Head", "Description", "held-out", "R²"]
    assert lines[2] == ["L0H1", "~", "Second.", "0.30"]
    assert lines[3] == ["L0H2", "~~", "Third.", "0.10"]
    assert lines[4] == ["L0H3", "unlabelled", "0.00"]


def test_the_head_table_is_in_short_where_a_run_has_labels_so():
    text = shown(head_table(HEADS.assign(gist=["Attends to x.", None, "", None])))
    lines = [line.split() for line in text.splitlines() if line.strip()]
    assert lines[1] == ["L0H0", "Attends", "to", "x.", "0.61"]
    assert lines[2] == ["L0H1", "~", "Second.", "0.30"]
    assert lines[3] == ["L0H2", "~~", "Third.", "0.10"]


def test_exceptions_stand_on_lines_of_their_own():
    label = (
        "Attends to a (40%); the rest spread over all visible tokens (60%) (aside from x: attends "
        'to b (30%), also to c (20%); the rest spread over all visible tokens (50%); on "y": '
        'attends to d); on "but" and on "so", only to itself.'
    )
    assert terminal.laid_out(label) == [
        "Attends to a (40%); the rest spread over all visible tokens (60%).",
        "on x: attends to b (30%), also to c (20%); the rest spread over all visible tokens (50%)",
        'on "y": attends to d',
        'on "but" and on "so", only to itself',
    ]
    plain = "Attends to the previous token."
    assert terminal.laid_out(plain) == [plain]
    assert terminal.laid_out("unlabelled") == ["unlabelled"]


def test_labels_are_text_and_never_markup():
    """Words of the corpus stand in labels."""
    assert "[bold]x[/bold]" in shown(head_table(HEADS))


def test_a_narrow_terminal_wraps_labels_and_loses_nothing():
    long = HEADS.head(1).assign(label=["word " * 40])
    text = shown(head_table(long), width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("word") == 40


class Folder:
    """A run folder with one head, as far as `component` reads it."""

    heads = HEADS.assign(r2_low=0.5, r2_high=[0.7, 0.4, float("nan"), float("nan")])
    neurons = pd.DataFrame({"name": []})
    predictions = pd.DataFrame(
        {
            "name": ["L0H0"] * 4,
            "prediction": ["previous token", "comma [dim]", "fading [dim]", "comma"],
            "phrase": ["the previous token", "the comma", "the last few", "the comma"],
            "query_class": ["", "", "closing speech mark", "bracket"],
            "order": [0, None, 0, 0],
            "share": [0.62, None, 0.25, 0.048],
            "lift": [1.5, 2.0, None, None],
            "q": [0.001, None, 0.04, None],
            "selected": [True, False, True, True],
        }
    )
    evidence_heads = pd.DataFrame(
        {
            "name": ["L0H0"] * 2,
            "kind": ["best", "exception: closing speech mark"],
            "prompt": ["a[1]", "b"],
            "query": [7, 7],
            "start": [5, 5],
            "tokens": [["⟨start⟩", "[red]", "\n"]] * 2,
            "real": [[0.5, 0.25, 0.25]] * 2,
        }
    )
    run: ClassVar = {
        "query_classes": [{"name": "closing speech mark", "wording": "on the closing mark"}]
    }
    evidence_neurons = pd.DataFrame({"name": []})


def test_a_component_shows_its_label_shares_exceptions_and_evidence():
    text = shown(*component(Folder(), "L0H0"))  # type: ignore[arg-type]
    assert "held-out R² 0.610 [0.500, 0.700]  (clear)" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["on", "attends", "to", "share", "lift", "q"] in rows
    # Its name is not said where it is the words.
    assert ["any", "query", "the", "previous", "token", "62%", "1.5", "0.001"] in rows
    assert [
        "the",
        "closing",
        "mark",
        "the",
        "last",
        "few",
        "(fading",
        "[dim])",
        "25%",
        "0.04",
    ] in rows
    assert "[dim]" not in text.replace("(fading [dim])", "")  # not selected: not said
    # In the order of the label, not by the names of the classes.
    assert [row[0] for row in rows if row[-1:] in (["0.001"], ["0.04"], ["4.8%"])] == [
        "any",
        "the",
        "bracket",
    ]
    assert "explained best · a[1]" in text
    assert "on the closing mark · b" in text
    assert "[red][⏎]" in text  # the query in brackets; the corpus is printed, not interpreted
    assert "from ‘⏎’ at 7 to ‘⟨start⟩’ 50%, ‘[red]’ 25%, ‘⏎’ 25%" in text


def test_a_table_of_predictions_has_the_columns_that_its_rows_fill():
    class Other(Folder):
        neurons = Folder.heads.assign(name="L0N0", r2=0.5).head(1)
        predictions = Folder.predictions.assign(name="L0N0")
        evidence_neurons = pd.DataFrame({"name": [], "kind": []})

    said = shown(*component(Other(), "L0N0"))  # type: ignore[arg-type]
    rows = [line.split() for line in said.splitlines()]
    assert ["prediction", "weight", "q"] in rows  # a neuron has no queries and no lift
    assert ["the", "previous", "token", "+0.620", "0.001"] in rows
    assert "attends to" not in shown(*component(Other(), "L0H0"))  # type: ignore[arg-type]


def test_rises_of_perplexity_have_a_title_and_no_minus_before_nothing():
    point = {"label": -0.0002, "dense": -0.012, "distance_profile": 0.061}
    point |= {"fraction": 0.25, "uniform": 1.0, "first_position": 71.0382}

    class Verified(Folder):
        run: ClassVar = {"replacement_curve": [point]}

    title, head, row = shown(replacement_table(Verified())).splitlines()  # type: ignore[arg-type]
    assert title.startswith("Rise of perplexity")
    assert head.split()[:4] == ["heads", "replaced", "label", "dense"]
    assert row.split() == ["25%", "+0.0%", "-1.2%", "+6.1%", "+100.0%", "+7,103.8%"]


def test_what_verify_found_is_shown_of_a_label_and_of_an_even_spread():
    class Verified(Folder):
        heads = Folder.heads.assign(cost=[0.01, None, 0.02, 0.03], recovered=[0.8, None, None, 0])

    def said(name: str) -> str:
        return shown(*component(Verified(), name))  # type: ignore[arg-type]

    assert "put in the head's place it costs +1.01% perplexity, recovered 0.80" in said("L0H0")
    assert "perplexity" not in said("L0H1")
    assert "it costs +2.02% perplexity, inert here" in said("L0H2")
    assert "spread evenly it costs +3.05% perplexity\n" in said("L0H3")


def test_a_component_without_interval_says_nothing_of_nan():
    assert "nan" not in shown(*component(Folder(), "L0H2"))  # type: ignore[arg-type]


def test_what_would_steer_a_terminal_is_escaped():
    assert terminal.visible("a\x1b[2Jb\r\u202ec\n") == "a\\x1b[2Jb\\r\\u202ec⏎"
    assert terminal.visible("👩‍👩‍👧 “é” שלום") == "👩‍👩‍👧 “é” שלום"


def test_plain_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch):
    now = iter([0.0, 0.0, 4.0, 12.0, 13.0, 30.0])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(now))
    file = io.StringIO()
    with TerminalProgress(Console(file=file, width=110)) as progress:
        progress.stage("score", 1000, "prompts")
        progress.advance(100)  # 4 s: too soon
        progress.advance(200)  # 12 s: 300 at 25/s, 700 left
        progress.advance(100)  # 13 s: told a second ago
        progress.advance(600)  # done: nothing left to tell
    assert file.getvalue().splitlines() == [
        "score: 1,000 prompts",
        "  300 of 1,000 prompts, 25.0/s, 28 s left",
    ]


def test_a_bar_with_rate_on_a_terminal():
    file = io.StringIO()
    with TerminalProgress(Console(file=file, width=110, force_terminal=True)) as progress:
        progress.stage("score", 10, "prompts")
        progress.advance(5)
        assert progress.bars is not None
        progress.bars.refresh()
    assert "score" in file.getvalue()
    assert "5/10" in file.getvalue()
    assert "/s" in file.getvalue()
