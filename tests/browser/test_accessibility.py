"""Every page without findings of axe-core, in light and in dark; keys do all the work."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labeler.results import open_run
from reports.compare import compare, write_comparison
from tests.browser.conftest import report_of
from tests.data.synthetic_heads import Size

AXE = "axe-core@4.14.1"
PLACES = ("overview", "L0H0", "neurons", "L0N1", "activations", "review", "run")
READY = {
    "L0H0": "#L0H0 canvas",
    "neurons": "#neuron-table tbody a",
    "L0N1": "#neuron .strip-row",
    "activations": "#heat td",
}


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of axe.min.js, from npm: the report itself ships no script of others."""

    def without(reason: str) -> None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

    npm = shutil.which("npm")
    if npm is None:
        without("no npm to fetch axe-core with: apt-get install npm")
    folder = tmp_path_factory.mktemp("axe")
    command = [str(npm), "install", "--prefix", str(folder), "--no-save", "--ignore-scripts"]
    command += ["--no-audit", "--no-fund", "--prefer-offline", AXE]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        without("npm did not fetch axe-core within two minutes")
    if done.returncode != 0:
        without(f"npm could not fetch axe-core: {done.stderr.strip().splitlines()[-1:]}")
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of everything: axe looks at every element, and more of the same says nothing new."""
    return report_of(tmp_path_factory.mktemp("small"), Size(n_layers=1, n_heads=4, d_mlp=12))


def findings(page: Any, axe: str, rules: dict[str, Any]) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run({ resultTypes: ['violations'], ...rules })", rules)
    return [
        f"{rule['impact']}: {rule['id']}: {node['html'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


SCHEMES = [("light", {}), ("dark", {"runOnly": ["color-contrast", "link-in-text-block"]})]


@pytest.mark.parametrize(("scheme", "rules"), SCHEMES)
def test_axe_finds_nothing(
    browser: Any, small: Path, axe: str, scheme: str, rules: dict[str, Any]
) -> None:
    """Not even what axe calls minor. The page's own policy would keep axe out: it is not applied."""
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    complaints = []
    for place in PLACES:
        page.goto(f"{small.as_uri()}#{place}")
        page.reload()
        if place in READY:
            page.wait_for_selector(READY[place])
        complaints += [f"{place}: {found}" for found in findings(page, axe, rules)]
    context.close()
    assert complaints == []


@pytest.mark.parametrize(("scheme", "rules"), SCHEMES)
def test_axe_finds_nothing_in_a_comparison(
    browser: Any, small: Path, axe: str, tmp_path: Path, scheme: str, rules: dict[str, Any]
) -> None:
    run = open_run(small.parents[1])
    written = write_comparison(compare([run, run, run]), tmp_path / "compare.html")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(written.as_uri())
    found = findings(page, axe, rules)
    context.close()
    assert found == []


def test_axe_would_find_something(browser: Any, small: Path, axe: str) -> None:
    """The same call on a page with a picture that says nothing and a field without a name."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(small.as_uri())
    page.set_content("<html lang=en><title>x</title><img src='data:,'><input></html>")
    page.evaluate(axe)
    found = page.evaluate("axe.run()")
    context.close()
    assert {"image-alt", "label"} <= {rule["id"] for rule in found["violations"]}


def test_everything_is_reached_by_keyboard(watched: Any, plain: Path) -> None:
    """From the address bar on: filter, sort, open a head, decide, read a prompt, come back."""
    page = watched.open(plain)
    page.keyboard.press("/")
    page.keyboard.type("layer:1")
    assert page.locator("#count").inner_text() == "6 of 12 heads"
    page.keyboard.press("Escape")
    page.locator('#head-table th[data-sort="r2"] button').focus()
    page.keyboard.press("Enter")
    assert page.locator('#head-table th[data-sort="r2"]').get_attribute("aria-sort") == "descending"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".component.current .tok.query")
    name = page.evaluate("location.hash.slice(1)")
    page.keyboard.press("a")
    assert page.locator(f"#{name} button[value=agree]").get_attribute("aria-pressed") == "true"
    page.locator(f"#{name} .patterns button.tok.query").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert "(position 1)" in page.locator(f"#{name} .readout").inner_text()
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_selector("#overview.current")


def test_no_key_is_taken_while_one_writes(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#L0H1")
    page.locator("#L0H1 textarea").last.fill("")
    page.locator("#L0H1 textarea").last.focus()
    page.keyboard.type("jar")
    assert page.evaluate("location.hash") == "#L0H1"
    assert page.locator("#L0H1 textarea").last.input_value() == "jar"
