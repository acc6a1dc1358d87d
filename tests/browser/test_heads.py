"""The head table and the head pages as a reader uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labeler.results import open_run, write_table
from reports.render import render

NAMES = "#head-table tbody tr:not([hidden]) th"


def names(page: Any) -> list[str]:
    return page.locator(NAMES).all_inner_texts()


def figures(page: Any, key: str) -> list[float]:
    cells = page.locator("#head-table tbody tr")
    found = [cells.nth(i).get_attribute(f"data-{key}") for i in range(cells.count())]
    return [float(text) for text in found if text]


def test_columns_sort_both_ways_and_say_so(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    header = page.locator('#head-table th[data-sort="r2"]')
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    down = figures(page, "r2")
    assert down == sorted(down, reverse=True)
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert figures(page, "r2") == sorted(down)
    assert page.locator("th[aria-sort]").count() == 1


def test_what_was_not_measured_sorts_last_either_way(watched: Any, plain: Path) -> None:
    """Unlabelled heads have no share."""
    page = watched.open(plain)
    for _ in range(2):
        page.locator('#head-table th[data-sort="share"] button').click()
        cells = page.locator("#head-table tbody tr")
        texts = [cells.nth(i).get_attribute("data-share") for i in range(cells.count())]
        measured = [bool(text) for text in texts]
        assert not all(measured)
        assert measured == sorted(measured, reverse=True)


@pytest.fixture
def short(folder: Path) -> Path:
    """The plain report, its labels in short beside them."""
    table = open_run(folder).heads
    write_table(folder, "heads.parquet", table.assign(gist="Gist of " + table["name"]))
    return render(open_run(folder), folder / "report")


def test_a_label_is_in_short_until_it_is_asked_for_in_full(watched: Any, short: Path) -> None:
    page = watched.open(short)
    row = page.locator("#head-table tbody tr:not(.unlabelled)").first
    name = row.get_attribute("data-name")
    assert row.locator(".gist").inner_text() == f"Gist of {name}"
    words = row.locator(".words")
    assert not words.is_visible()
    row.locator("summary").click()
    assert words.is_visible()
    full = page.locator("#head-table .full .words")
    page.check("#in-full")
    assert all(one.is_visible() for one in full.all())
    page.uncheck("#in-full")
    assert not any(one.is_visible() for one in full.all())
    assert page.locator(f"#{name} .sentence .words").count() == 1
    assert page.locator(f"#{name} .gist").count() == 0


def test_a_readers_words_take_the_place_of_the_short_ones(watched: Any, short: Path) -> None:
    page = watched.open(short)
    name = page.locator("#head-table tbody tr:not(.unlabelled)").first.get_attribute("data-name")
    page.evaluate("name => { location.hash = name; }", name)
    page.wait_for_selector(f"#{name} .form")
    page.keyboard.press("e")
    page.locator(f"#{name} textarea").first.fill("Seen anew.")
    page.goto(short.as_uri() + "#overview")
    row = page.locator(f'tr[data-name="{name}"]')
    row.locator(".words", has_text="Seen anew.").wait_for()
    assert not row.locator(".gist, summary").first.is_visible()
    assert row.locator(".words").is_visible()


def test_the_filter_knows_words_places_and_conditions(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    assert page.locator("#count").inner_text() == "12 heads"
    page.fill("#filter", "previous token")
    labels = page.locator("#head-table tbody tr:not([hidden]) .words").all_inner_texts()
    assert labels
    assert all("previous" in label and "token" in label for label in labels)
    page.fill("#filter", "r2>=0.5")
    shown = [
        float(row.get_attribute("data-r2"))
        for row in page.locator("#head-table tbody tr:not([hidden])").all()
    ]
    assert shown == [value for value in figures(page, "r2") if value >= 0.5]
    assert page.locator("#count").inner_text() == f"{len(shown)} of 12 heads"
    page.fill("#filter", "layer:1")
    assert names(page) == [f"L1H{i}" for i in range(6)]


def test_confidence_boxes_hide_and_show(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    page.uncheck('input[value="unlabelled"]')
    kinds = {
        row.get_attribute("data-confidence")
        for row in page.locator("#head-table tbody tr:not([hidden])").all()
    }
    assert "unlabelled" not in kinds


def test_a_deep_link_opens_the_head_with_its_patterns(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#L1H2")
    page.wait_for_selector("#L1H2 canvas")
    assert page.locator("article.current").count() == 1
    assert page.locator("#overview").is_hidden()
    assert page.locator("#L1H2 .panels canvas").count() == 3
    assert "L1H2" in page.title()
    loaded = [url.rsplit("/", 1)[1] for url in watched.requests if url.endswith(".js")]
    assert sorted(loaded) == ["heads-L1.js", "patterns-L1.js"]


def test_a_query_shows_where_it_looks_by_mouse_and_by_keyboard(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#L0H0")
    tokens = page.locator("#L0H0 .patterns button.tok")
    tokens.nth(5).click()
    assert "(position 5)" in page.locator("#L0H0 .readout").inner_text()
    page.keyboard.press("ArrowRight")
    assert "(position 6)" in page.locator("#L0H0 .readout").inner_text()
    page.keyboard.press("End")
    assert f"(position {tokens.count() - 1})" in page.locator("#L0H0 .readout").inner_text()
    heights = tokens.evaluate_all(
        "nodes => nodes.map((node) => parseFloat(node.firstChild.firstChild.style.height))"
    )
    assert max(heights) > 0


def test_the_picture_is_the_pattern(watched: Any, plain: Path) -> None:
    """L0H0 puts 93% on the previous token: the label panel is darkest just below the diagonal."""
    page = watched.open(plain, "#L0H0")
    page.wait_for_selector("#L0H0 canvas")
    level = """(canvas, [q, k]) => {
      const n = document.querySelectorAll("#L0H0 .patterns button.tok").length;
      const at = (i) => Math.floor((i + 0.5) * canvas.width / n);
      return canvas.getContext("2d").getImageData(at(k), at(q), 1, 1).data.slice(0, 3)
        .reduce((sum, channel) => sum + channel, 0);
    }"""
    canvas = page.locator('#L0H0 canvas[data-kind="label"]')
    assert canvas.evaluate(level, [20, 19]) < canvas.evaluate(level, [20, 10]) - 200
    watched.complaints.clear()  # Chromium advises on reading a canvas back, which only tests do


def test_the_sign_of_a_difference_is_told_without_colour(watched: Any, plain: Path) -> None:
    """Of the cells 5% or more apart those with too little are crossed by a line, no others."""
    page = watched.open(plain, "#L0H3")
    page.wait_for_selector("#L0H3 canvas")
    hatched, even = page.evaluate(
        """async () => {
          const [prompt] = cells(await load("patterns-L0"), "L0H3");
          const canvas = document.querySelector("#L0H3 canvas[data-kind=difference]");
          const side = canvas.width / prompt.n;
          const context = canvas.getContext("2d");
          const colours = (q, k) => {
            const cell = context.getImageData(k * side + 1, q * side + 1, side - 2, side - 2).data;
            const every = Array.from({ length: cell.length / 4 }, (_, i) => cell.slice(4 * i, 4 * i + 3));
            return new Set(every.map(String)).size;
          };
          const found = [[], []];
          for (let q = 2; q < prompt.n - 1; q++) for (let k = 1; k < q - 1; k++) {
            const a = prompt.difference(q, k);
            if (Math.abs(a) > 0.05) found[a < 0 ? 0 : 1].push(colours(q, k));
          }
          return found; }"""
    )
    assert hatched
    assert min(hatched) > 1
    assert even
    assert max(even) == 1
    watched.complaints.clear()  # Chromium advises on reading a canvas back, which only tests do


def test_j_and_k_move_as_the_table_is_filtered(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    page.fill("#filter", "layer:1")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#L1H1.current")
    page.keyboard.press("j")
    page.wait_for_selector("#L1H2.current")
    page.keyboard.press("k")
    page.wait_for_selector("#L1H1.current")
    page.keyboard.press("Escape")
    page.wait_for_selector("#overview.current")


def test_the_map_changes_its_figure(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    cell = page.locator('#map a[data-index="3"]')
    assert (
        cell.inner_text()
        == page.locator('tr[data-name="L0H3"] .figure').first.inner_text().split("\n")[0]
    )
    page.select_option("#metric", "beyond_distance")
    assert cell.get_attribute("class").startswith("w")
    page.select_option("#metric", "entropy")
    assert cell.get_attribute("class").startswith("v")


def test_without_scripts_everything_of_the_heads_is_there(browser: Any, plain: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(plain.as_uri() + "#L0H3")
    assert page.locator("#head-table tbody tr").count() == 12
    assert page.locator("article.component h1").count() == 12
    assert page.locator("#L0H3 table.shares").is_visible()
    assert page.locator("#neuron-table tbody tr").count() > 0
    assert not page.locator("#filter").is_visible()
    context.close()


def test_relations_are_said_as_labels_say_them_with_their_names(watched: Any, folder: Path) -> None:
    table = open_run(folder).predictions
    table.loc[table["prediction"] == "nearby (8)", ["lift", "lift_low", "lift_high"]] = (2, 1.96, 3)
    write_table(folder, "predictions.parquet", table)
    page = watched.open(render(open_run(folder), folder / "report"), "#L0H0")
    details = page.locator("#L0H0 .relations details")
    details.locator("summary").click()
    rows = {row.strip(" ✓") for row in details.locator("tbody th").all_inner_texts()}
    # A name that is the words is not said twice.
    assert "the last 8 or so tokens, the nearer the more nearby (8)" in rows
    assert "the previous token" in rows
    row = details.locator("tbody tr", has_text="nearby (8)")
    # An interval in the digits of its figure, so that neither seems to lie outside of the other.
    assert row.locator("td").last.inner_text() == "2.0× 2.0–3.0"
