"""Neurons: search, pages, and what is loaded when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from labeler.results import open_run, write_table
from reports.render import render


def test_the_list_is_searched_by_label_token_and_statistic(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#neurons")
    count = page.locator("#neuron-count")
    page.locator("#neuron-count", has_text="80 neurons").wait_for()
    page.fill("#neuron-filter", "proper noun")
    words = page.locator("#neuron-table .words").all_inner_texts()
    assert words
    assert all("proper noun" in text for text in words)
    page.fill("#neuron-filter", "kind:dead")
    kinds = page.locator("#neuron-table .kind").all_inner_texts()
    assert set(kinds) <= {"dead"}
    assert count.inner_text() == f"{len(kinds)} of 80 neurons"
    page.fill("#neuron-filter", "auroc>0.7")
    figures = page.locator("#neuron-table td:nth-child(6)").all_inner_texts()
    assert figures
    assert all(float(figure) >= 0.7 for figure in figures)
    page.fill("#neuron-filter", "L1N7")
    assert "L1N7" in page.locator("#neuron-table th a").all_inner_texts()


def test_headers_sort_the_neurons_and_say_so(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#neurons")
    page.locator("#neuron-count", has_text="80 neurons").wait_for()
    assert page.locator("#neuron-table th[aria-sort]").inner_text() == "R²"
    page.locator('#neuron-table [data-sort="auroc"] button').click()
    header = page.locator("#neuron-table th[aria-sort]")
    assert (header.inner_text(), header.get_attribute("aria-sort")) == ("AUROC", "descending")
    assert page.locator("#neuron-order").input_value() == "auroc"
    cells = page.locator("#neuron-table td:nth-child(6)").all_inner_texts()
    figures = [float(text) for text in cells if text != "–"]
    assert figures == sorted(figures, reverse=True)
    assert cells[len(figures) :] == ["–"] * (len(cells) - len(figures))
    page.select_option("#neuron-order", "std")
    assert page.locator("#neuron-table th[aria-sort]").count() == 0


def test_a_neuron_has_its_page(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#L1N7")
    page.wait_for_selector("#neuron .strip-row")
    assert page.locator("#neuron h1").inner_text().startswith("L1N7")
    titles = page.locator("#neuron section h2").all_inner_texts()
    assert titles == [
        "Strongest activations, one a prompt",
        "The label says so, the neuron does not",
        "The neuron fires, the label does not say so",
        "One example from each tenth of its activations",
    ]
    assert page.locator("#neuron .density .bars").get_attribute("d").startswith("M0 48V0.0")
    assert page.locator("#neuron [data-figure=r2_reinitialised]").is_visible()
    assert page.locator("#neuron [data-tokens=promotes] bdi").count() == 4


def test_a_neurons_predictions_have_their_weights_and_gains(watched: Any, folder: Path) -> None:
    said = pd.DataFrame(
        {
            "name": "L1N7",
            "prediction": ["full stop", 'token "a" | "b"'],
            "phrase": ["full stops", None],  # as of an older folder
            **{"query_class": "", "share": [0.404, -1.5], "gain": [0.0734, 0.5]},
            **{"selected": True, "order": [0, 1]},
        }
    )
    heads = open_run(folder).predictions.query("name.str.contains('H')")
    write_table(folder, "predictions.parquet", pd.concat([heads, said], ignore_index=True))
    page = watched.open(render(open_run(folder), folder / "report"), "#L1N7")
    page.wait_for_selector("#neuron .strip-row")
    lines = page.locator("#neuron [data-list=said]").inner_text().split("\n")
    assert [line for line in lines if line] == [
        "full stops +0.40 0.073",
        'token "a", "b" −1.50 0.500',
    ]
    page.evaluate("location.hash = 'L1N8'")
    page.locator("#neuron h1", has_text="L1N8").wait_for()
    page.wait_for_selector("#neuron .strip-row")
    assert not page.locator("#neuron [data-list=said]").is_visible()


def test_the_list_is_in_short_and_the_page_in_full(watched: Any, folder: Path) -> None:
    table = open_run(folder).neurons
    write_table(folder, "neurons.parquet", table.assign(gist="Gist of " + table["name"]))
    page = watched.open(render(open_run(folder), folder / "report"), "#neurons")
    page.locator("#neuron-count", has_text="80 neurons").wait_for()
    full = table.set_index("name").loc["L1N7", "label"]
    page.fill("#neuron-filter", "L1N7")
    words = page.locator('tr[data-name="L1N7"] .words')
    assert words.inner_text() == "Gist of L1N7"
    page.evaluate("location.hash = 'L1N7'")
    page.wait_for_selector("#neuron .form")
    assert page.locator("#neuron .sentence .words").inner_text() == full
    page.keyboard.press("e")
    page.locator("#neuron textarea").first.fill("Seen anew.")
    page.evaluate("location.hash = 'neurons'")
    page.locator('tr[data-name="L1N7"] .words', has_text="Seen anew.").wait_for()


def test_a_layer_is_loaded_only_when_opened(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    assert not [url for url in watched.requests if url.endswith(".js")]
    page.goto(plain.as_uri() + "#L1N7")
    page.wait_for_selector("#neuron .strip-row")
    loaded = {url.rsplit("/", 1)[1] for url in watched.requests if url.endswith(".js")}
    assert loaded == {"neurons-L1.js", "details-L1-0.js"}


def test_a_neuron_that_is_not_there_is_said_to_be_missing(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#L0N999")
    page.wait_for_selector("#neuron .warning")
    assert "not in this run" in page.locator("#neuron").inner_text()


def test_a_missing_data_file_is_named(watched: Any, tmp_path: Path, plain: Path) -> None:
    alone = tmp_path / "index.html"
    alone.write_bytes(plain.read_bytes())
    page = watched.open(alone, "#L0N3")
    page.wait_for_selector("#neuron .warning")
    assert "data/neurons-L0.js is not beside this page" in page.locator("#neuron").inner_text()
    watched.complaints.clear()
