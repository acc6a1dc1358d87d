"""The page of activations as a reader uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labeler.results import open_run


def test_every_picture_is_drawn(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#activations")
    page.wait_for_selector("#heat td")
    run = open_run(plain.parents[1])
    assert page.locator("#activations .hooks tbody tr").count() >= len(run.hooks)
    assert page.locator("#activations .overlay svg").count() == 4
    assert page.locator("#activations .scatter").count() == 2
    assert page.locator("#activations .curves").count() == 2
    assert page.locator("#activations .boxes .hit").count() == 30
    loaded = [url.rsplit("/", 1)[1] for url in watched.requests if url.endswith(".js")]
    assert loaded == ["heat.js"]


def test_the_heat_map_is_the_prompt_chosen(watched: Any, plain: Path) -> None:
    """A cell's colour follows its value: five steps a side, the last from four deviations."""
    page = watched.open(plain, "#activations")
    page.wait_for_selector("#heat td")
    given = open_run(plain.parents[1]).activations["heat_maps"][1]
    page.select_option("#heat-prompt", "1")
    rows = page.locator("#heat tbody tr")
    assert rows.count() == len(given["neurons"])
    assert page.locator("#heat thead th").count() == len(given["tokens"])
    steps = rows.nth(4).locator("td").evaluate_all("nodes => nodes.map((node) => node.className)")
    exact = [max(-5.0, min(5.0, round(value, 1) / 0.8)) for value in given["values"][4]]
    assert len(steps) == len(exact)
    for step, value in zip(steps, exact, strict=True):
        assert abs(int(step[1:]) - 5 - value) <= 0.5 + 1e-9


def test_a_row_of_the_heat_map_speaks_by_keyboard_and_leads_to_its_neuron(
    watched: Any, plain: Path
) -> None:
    page = watched.open(plain, "#activations")
    page.locator("#heat tbody a").nth(2).focus()
    said = page.locator("#heat-says").inner_text()
    values = open_run(plain.parents[1]).activations["heat_maps"][0]["values"][2]
    assert said.startswith("L0N2 most on ")
    assert f" {max(round(value, 1) for value in values):.1f}" in said
    page.keyboard.press("Enter")
    page.wait_for_url("**#L0N2")


def test_the_map_fills_the_tokens_of_the_feature_chosen(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#activations")
    tokens = open_run(plain.parents[1]).activations["map"]["tokens"]
    for name, number in (("comma", 0), ("speech", 2)):
        page.select_option("#map-feature", label=name)
        carrying = [i for i, token in enumerate(tokens) if number in token["features"]]
        for plane in page.locator(".scatter").all():
            filled = plane.locator("circle").evaluate_all(
                "dots => dots.flatMap((dot, i) => dot.classList.contains('on') ? [i] : [])"
            )
            assert filled == carrying
        assert page.locator("#map-says").inner_text().startswith(f"{len(carrying)} of ")


def test_the_overview_shows_where_labels_cost_most(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    rows = page.locator(".dearest tbody tr")
    costs = [float(text) for text in page.locator(".dearest td.figure").all_inner_texts()]
    assert rows.count() == 8
    assert costs == sorted(costs, reverse=True)
    assert page.locator(".dearest .peak").count() == 16
    name = rows.first.locator("th").inner_text()
    rows.first.locator("a").click()
    page.wait_for_selector(f"#{name} .dear .strip-row")
    assert page.locator(f"#{name} .dear .strip-meta").first.inner_text().endswith("+3.25 nats")
