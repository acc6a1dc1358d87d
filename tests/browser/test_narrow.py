"""On a phone and on half a screen: what matters is on the page, whole and with its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reports.view import CURVES

PHONE = {"width": 400, "height": 800}
WITHIN = """(node) => {
  const box = node.getBoundingClientRect();
  return box.left >= 0 && box.right <= innerWidth && box.width > 0;
}"""


@pytest.mark.parametrize("width", [400, 640])
def test_every_part_can_be_reached_without_scrolling_aside(
    watched: Any, plain: Path, width: int
) -> None:
    page = watched.open(plain)
    page.set_viewport_size({"width": width, "height": 800})
    tools = page.locator("#theme").bounding_box()["x"]
    for link in page.locator(".top nav a").all():
        assert link.evaluate(WITHIN)
        box = link.bounding_box()
        assert box["x"] + box["width"] <= tools


def test_the_lines_of_the_chart_keep_their_names(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    key, names = page.locator(".chart-key span"), page.locator(".replacement .line > text")
    assert not key.first.is_visible()
    assert all(name.is_visible() for name in names.all())
    page.set_viewport_size(PHONE)
    assert sorted(key.all_inner_texts()) == sorted(CURVES.values())
    assert all(line.evaluate(WITHIN) for line in key.all())
    # The last point of each line is there, and not cut off.
    for line in page.locator(".chart .line").all():
        assert line.locator("circle").last.evaluate(WITHIN)
    dashes = [
        line.evaluate("(n) => getComputedStyle(n).strokeDasharray")
        for line in page.locator(".chart-key .stroke").all()
    ]
    assert len(set(dashes)) == len(CURVES) - 1  # two are solid, and differ in colour and width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_neurons_r2_stands_beside_that_of_the_copy(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#neurons")
    page.wait_for_selector("#neuron-table tr[data-name]")
    page.set_viewport_size(PHONE)
    figures = page.locator("#neuron-table tbody tr").first.locator(".figure")
    assert [figure.is_visible() for figure in figures.all()] == [True, True, False]
    named = "(node) => getComputedStyle(node, '::before').content"
    assert [figures.nth(i).evaluate(named) for i in (0, 1)] == ['"R² "', '"re-init. "']


def test_what_stands_before_a_strip_is_two_things(watched: Any, plain: Path) -> None:
    """An activation and a place, as "4.72 a074:188"."""
    page = watched.open(plain, "#L1N7")
    page.wait_for_selector("#neuron .strip-row")
    page.set_viewport_size(PHONE)
    said = page.locator("#neuron .strip-meta").first.inner_text()
    assert re.fullmatch(r"−?\d+\.\d\d \S+:\d+", said)
    assert page.locator("#neuron .key").is_visible()
