"""What changed between runs: distances by hand, and a page that shows text without running it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from labeler.results import EVENLY, RunFolder, open_run, write_json, write_table
from reports.compare import (
    NOTHING,
    REST,
    SETTLED,
    Told,
    _spread,
    compare,
    distance,
    head_shares,
    write_comparison,
)
from reports.series import ROOM, series_chart


@pytest.fixture
def changed(run_path: Path, tmp_path: Path) -> RunFolder:
    """The same run, but L0H0 unlabelled, L0H1 moved, and on another corpus."""
    shutil.copytree(run_path, tmp_path / "later")
    folder = open_run(tmp_path / "later")
    heads = folder.heads.copy()
    heads.loc[heads["name"] == "L0H0", ["confidence", "r2"]] = ["unlabelled", 0.01]
    heads.loc[heads["name"] == "L0H1", "label"] = "Attends to </script><b>that</b>."
    predictions = folder.predictions.copy()
    own = (predictions["name"] == "L0H1") & predictions["selected"].astype(bool)
    general = own & (predictions["query_class"].fillna("") == "")
    largest = predictions[general].sort_values("share").index[-1]
    predictions.loc[largest, ["prediction", "phrase"]] = ["another", "something else"]
    write_table(folder.path, "heads.parquet", heads)
    write_table(folder.path, "predictions.parquet", predictions)
    facts = dict(folder.run)
    facts["corpus"] = facts["corpus"] | {"hash": "another"}
    write_json(folder.path / "run.json", facts)
    return open_run(folder.path)


def test_a_run_whose_labels_were_chosen_by_effect_is_said_to_be(
    run_path: Path, tmp_path: Path
) -> None:
    shutil.copytree(run_path, tmp_path / "effect")
    pattern, effect = open_run(run_path), open_run(tmp_path / "effect")
    settings = effect.run["settings"] | {"choose_by": "effect"}
    write_json(effect.path / "run.json", effect.run | {"settings": settings})
    page = write_comparison(compare([pattern, open_run(effect.path)]), tmp_path / "x.html")
    rows = re.findall(r'<tr><th scope="row"><bdi>.*?</tr>', page.read_text("utf-8"))
    assert ["chosen by effect" in row for row in rows] == [False, True]


def test_distances_by_hand() -> None:
    a = {"previous token": 0.6, REST: 0.4}
    assert distance(a, a) == 0
    assert distance(a, {NOTHING: 1.0}) == 1
    # 0.6 against 0.5 and 0.4 against 0.2 and 0 against 0.3: half of 0.1 + 0.2 + 0.3.
    assert distance(a, {"previous token": 0.5, REST: 0.2, "comma": 0.3}) == pytest.approx(0.3)


def test_spreading_evenly_is_one_thing_however_a_label_says_it(run: RunFolder) -> None:
    def shares(*rows: tuple[str, str, float]) -> dict[str, float]:
        table = pd.DataFrame(rows, columns=["query_class", "prediction", "share"])
        return _spread(table, {"comma": 10.0}, 100.0)

    said = shares(("", "previous token", 0.5), ("comma", EVENLY, 1.0))
    assert distance(said, shares(("", "previous token", 0.5), ("comma", "x", 0.0))) == 0
    assert said == pytest.approx({"previous token": 0.45, REST: 0.55})


def test_shares_of_a_head_add_up_to_all_of_its_attention(run: RunFolder) -> None:
    for name, shares in head_shares(run):
        assert sum(shares.values()) == pytest.approx(1.0, abs=0.011), name


def test_a_run_does_not_differ_from_itself(run: RunFolder) -> None:
    found = compare([run, run])
    assert found.cautions == ()
    assert [head.distance for head in found.heads] == [0.0] * len(run.heads)
    assert found.neurons == ()
    assert found.titles[0] != found.titles[1]


def test_a_model_is_named_in_short_and_in_full(run_path: Path, tmp_path: Path) -> None:
    shutil.copytree(run_path, tmp_path / "later")
    later = open_run(tmp_path / "later")
    model = later.run["model"] | {"name": '/checkpoints/1000/a" onclick="b'}
    write_json(later.path / "run.json", later.run | {"model": model})
    found = compare([open_run(run_path), open_run(later.path)])
    page = write_comparison(found, tmp_path / "c.html").read_text()
    full = "/checkpoints/1000/a&#34; onclick=&#34;b"
    assert f'<bdi title="{full}">a&#34; onclick=&#34;b</bdi>' in page


def test_figures_on_neurons_stand_beside_those_of_a_copy(
    run: RunFolder, changed: RunFolder, tmp_path: Path
) -> None:
    figures = changed.run["figures"] | {
        "neurons_with_class": 0.4,
        "neurons_with_class_reinitialised": 0.01,
        "neurons_r2_median_reinitialised": 0.32,
    }
    write_json(changed.path / "run.json", changed.run | {"figures": figures})
    found = compare([run, open_run(changed.path)])
    page = write_comparison(found, tmp_path / "page.html").read_text("utf-8")
    median = run.neurons["r2"].median()
    assert f'">40% (1%)</td><td class="figure">{median:.2f} (0.32)</td>' in page


def test_a_label_is_in_short_where_a_run_has_it_so(
    run: RunFolder, changed: RunFolder, tmp_path: Path
) -> None:
    write_table(changed.path, "heads.parquet", changed.heads.assign(gist="In <b>short</b>."))
    later = open_run(changed.path)
    moved = next(head for head in compare([run, later]).heads if head.name == "L0H1")
    assert [told.gist for told in moved.told if told] == ["", "In <b>short</b>."]
    page = write_comparison(compare([run, later]), tmp_path / "page.html").read_text()
    assert "In &lt;b&gt;short&lt;/b&gt;." in page
    assert "Attends to &lt;/script&gt;&lt;b&gt;that&lt;/b&gt;." in page


def test_what_changed_comes_first_and_says_how(run: RunFolder, changed: RunFolder) -> None:
    found = compare([run, changed])
    assert found.cautions == ("The corpora differ.",)
    first, second, *rest = found.heads
    assert (first.name, first.distance) == ("L0H0", 1.0)
    assert first.moved[0][0] == NOTHING
    assert second.name == "L0H1"
    gone = {name: (before, after) for name, before, after in second.moved}
    share = gone["something else"][1]
    assert second.distance == pytest.approx(share)
    assert all(head.distance == 0 for head in rest)


def test_heads_without_a_label_do_not_say_the_same(
    run: RunFolder, changed: RunFolder, tmp_path: Path
) -> None:
    """Of eight, L0H0 lost its label and L0H1 moved; in the last L1H3 is missing."""
    none = int((run.heads["confidence"] == "unlabelled").sum())
    assert none > 0
    far = sum((head.distance or 0.0) > SETTLED for head in compare([run, changed]).heads)
    heads = len(run.heads)
    assert compare([run, changed]).summary == (
        f"Of {heads} heads in the first and the last run {far} changed their label by more than "
        f"25% of their attention; {heads - 2 - none} say the same, figures included; {none} "
        f"{'is' if none == 1 else 'are'} unlabelled in both."
    )
    without = changed.heads[changed.heads["name"] != "L1H3"]
    write_table(changed.path, "heads.parquet", without)
    found = compare([run, open_run(changed.path)])
    assert found.summary.startswith(f"Of {heads - 1} heads in the first and the last run")
    assert found.summary.endswith(f"in both. Not in both: 1 head of {run.path.name}.")


def test_a_series_says_since_when(run: RunFolder, changed: RunFolder) -> None:
    found = {head.name: head for head in compare([changed, run, run]).heads}
    assert found["L0H0"].settled == 1
    assert found["L0H0"].steps == (1.0, 0.0)
    assert found["L0H2"].settled == 0


def test_the_page_shows_hostile_text_and_no_script(
    run: RunFolder, changed: RunFolder, tmp_path: Path
) -> None:
    page = write_comparison(compare([run, changed]), tmp_path / "page.html").read_text("utf-8")
    assert "&lt;/script&gt;&lt;b&gt;that&lt;/b&gt;" in page
    assert "<script" not in page
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in page
    assert "https://" not in page


def test_what_a_head_said_before_is_not_said_again(
    run: RunFolder, changed: RunFolder, tmp_path: Path
) -> None:
    """All heads but L0H0 and L0H1 say in both what they say."""
    page = write_comparison(compare([run, changed]), tmp_path / "page.html").read_text("utf-8")
    assert page.count('<span class="soft">same</span>') == len(run.heads) - 2


def test_a_label_that_is_no_longer_held_is_not_the_same() -> None:
    held = Told("Attends to itself.", "clear", 0.6, None, None)
    lost = replace(held, confidence="unlabelled")
    assert held.repeats(held)
    assert not held.repeats(lost)
    assert not lost.repeats(held)
    assert lost.repeats(replace(lost, label="Attends elsewhere."))
    assert not held.repeats(None)


def test_a_series_is_drawn_and_two_runs_are_not(run: RunFolder, changed: RunFolder) -> None:
    assert compare([run, changed]).chart is None
    chart = compare([run, run, changed]).chart
    assert chart is not None
    r2, labelled = chart.lines
    x, y, words = r2.points[-1]
    mean = changed.heads["r2"].mean()
    assert x == chart.width
    assert y == pytest.approx(chart.height * (1 - mean))
    assert words.endswith(f"{mean:.2f}")
    share = (changed.heads["confidence"] != "unlabelled").mean()
    assert labelled.points[-1][1] == pytest.approx(chart.height * (1 - share))
    assert len(labelled.points) == 3


def test_names_of_many_runs_do_not_run_into_one_another() -> None:
    counts = [{"mean_r2": 0.1 * i, "labelled": i, "heads": 9} for i in range(9)]
    chart = series_chart([f"a checkpoint with a long name {i}" for i in range(9)], counts)
    assert chart is not None
    places = [tick.at for tick in chart.x]
    assert places[-1] == chart.width
    assert min(b - a for a, b in pairwise(places)) >= ROOM
    assert max(len(tick.text) for tick in chart.x) <= 15
