"""Hostile text is shown and never run; a large run stays light; one file can be mailed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from labeler.results import open_run
from reports.render import SCRIPTS, read, render, squeeze
from tests.browser.conftest import report_of
from tests.data.synthetic_heads import HOSTILE, Size

MEGABYTE = 1_000_000
PLACES = ["", "#L0H0", "#L0H3", "#neurons", "#L0N1", "#activations", "#run", "#review"]


@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_does_not_run(watched: Any, hostile: Path, place: str) -> None:
    page = watched.open(hostile, place)
    page.wait_for_timeout(150)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, object, script[src*=':']").count() == 0


def test_hostile_tokens_are_shown_in_full(watched: Any, hostile: Path) -> None:
    page = watched.open(hostile, "#L0H3")
    page.wait_for_selector("#L0H3 canvas")
    page.locator("#L0H3 .prompts button").nth(3).click()
    shown = page.locator("#L0H3 .patterns button.tok bdi").evaluate_all(
        "nodes => nodes.map((node) => node.textContent)"
    )
    assert shown[1] == HOSTILE[0].replace(" ", "·")
    assert shown[2] == "⟨U+202E⟩right·to·left⟨U+202C⟩"
    assert shown[3] == "שלום"
    assert shown[4] == "nul␀byte"
    assert shown[5] == HOSTILE[4]
    assert shown[6] == "x" * 10_000
    assert shown[7] == HOSTILE[6].replace(" ", "·")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_policy_stops_scripts_of_others(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    page.evaluate(
        """() => { try {
             const script = document.createElement("script");
             script.textContent = "window.pwned = 1"; document.body.append(script);
           } catch { /* refused by Trusted Types */ } }"""
    )
    assert page.evaluate("window.pwned") is None
    assert watched.complaints
    watched.complaints.clear()


def test_index_sizes(large: Path, tmp_path: Path) -> None:
    """Of heads that say all that a label may: four predictions, three exceptions of three."""
    printed = open_run(large.parents[1]).predictions.query("selected and name.str.contains('H')")
    assert (printed.groupby("name").size() == 4 + 3 * 3).all()
    assert printed["name"].nunique() == 144
    small = report_of(tmp_path, Size(n_heads=16, d_mlp=4096, evidence=1, wordy=True))
    assert small.stat().st_size <= MEGABYTE
    assert large.stat().st_size <= 5 * MEGABYTE


def test_scripts_stay_small_and_never_write_markup() -> None:
    scripts = [squeeze(read(name)) for name in ("early.js", *SCRIPTS)]
    assert sum(len(text.encode()) for text in scripts) < 30_000
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\bfetch\("
    assert not any(re.search(forbidden, text) for text in scripts)


def test_a_large_run_opens_and_filters_at_once(watched: Any, large: Path) -> None:
    """Meant are 1.5 s and 100 ms; the best of five, and twice that, for machines at work."""
    page = watched.open(large)
    ready = []
    for _ in range(5):
        page.reload()
        ready.append(page.evaluate("performance.getEntriesByType('navigation')[0].domComplete"))
    assert min(ready) <= 3000
    page.evaluate("location.hash = 'neurons'")
    page.locator("#neuron-count", has_text="36,864").wait_for(timeout=20_000)
    took = page.evaluate(
        """() => { const box = document.querySelector("#neuron-filter");
             return ["banana", "banana r2>0.3", "kind:class auroc>0.8"].map((text) => {
               const times = [0, 1, 2, 3, 4].map(() => {
                 box.value = text; const begin = performance.now();
                 box.dispatchEvent(new Event("input")); return performance.now() - begin; });
               return Math.min(...times); }); }"""
    )
    assert max(took) <= 200


def test_one_file_needs_no_other(watched: Any, plain: Path, tmp_path: Path) -> None:
    index = render(open_run(plain.parents[1]), tmp_path / "one", single_file=True)
    assert [path.name for path in index.parent.iterdir()] == ["index.html"]
    page = watched.open(index, "#L1H2")
    page.wait_for_selector("#L1H2 canvas")
    page.evaluate("location.hash = 'L1N7'")
    page.wait_for_selector("#neuron .strip-row")
    assert not [url for url in watched.requests if url.endswith(".js")]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_no_view_is_wider_than_the_window(
    browser: Any, plain: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    for place in PLACES:
        page.goto(plain.as_uri() + place)
        page.wait_for_timeout(60)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    context.close()


def test_dark_and_light_differ_and_the_button_changes_them(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.click("#theme")
    assert page.evaluate(paper) != light
    page.reload()
    assert page.evaluate(paper) != light
