"""Verdicts: given, kept, saved, shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labeler.results import open_run
from reports.render import render


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_verdicts_are_kept_saved_and_read_again(watched: Any, plain: Path, tmp_path: Path) -> None:
    page = watched.open(plain, "#L0H2")
    page.wait_for_selector("#L0H2 .form")
    press(page, "a", "j")
    page.wait_for_url("**#L0H3")
    automatic = page.locator("#L0H3 .sentence .words").text_content()
    press(page, "e")
    page.keyboard.type('Attends to <b>"pivots"</b>.')
    page.keyboard.press("Escape")
    press(page, "j", "r")
    page.reload()
    page.goto(plain.as_uri() + "#overview")
    cell = page.locator('tr[data-name="L0H3"] td.label')
    cell.locator(".automatic:not(:empty)").wait_for(state="attached")  # what was said is put in
    assert cell.locator(".words").inner_text() == 'Attends to <b>"pivots"</b>.'
    assert cell.locator(".automatic").text_content() == f"automatic: {automatic}"
    assert "1 agreed, 1 reworded, 1 rejected" in page.locator("#reviewed").inner_text()
    page.goto(plain.as_uri() + "#review")
    page.fill("#reviewer", "Ada")
    with page.expect_download() as download:
        page.click("#save-review")
    saved = tmp_path / "review.json"
    download.value.save_as(saved)
    review = json.loads(saved.read_text(encoding="utf-8"))
    assert (review["schema"], review["run"], review["reviewer"]) == (
        1,
        "b07c55e1aa90+3f9a1c0d7be2",
        "Ada",
    )
    assert {name: item["verdict"] for name, item in review["verdicts"].items()} == {
        "L0H2": "agree",
        "L0H3": "edit",
        "L0H4": "reject",
    }
    assert review["verdicts"]["L0H3"]["label"] == 'Attends to <b>"pivots"</b>.'
    page.evaluate("localStorage.clear()")
    page.reload()
    assert page.locator("#review tbody tr").count() == 0
    page.set_input_files("#read-review", str(saved))
    page.wait_for_selector("#review tbody tr")
    assert page.locator("#review tbody tr").count() == 3


def test_a_verdict_changes_the_page_that_it_is_given_on(watched: Any, plain: Path) -> None:
    """Head and neuron: the reader's words at once, the automatic beneath; undone, as before."""
    page = watched.open(plain)
    for name, place in (("L0H2", "#L0H2"), ("L1N3", "#neuron")):
        page.evaluate("name => { location.hash = name; }", name)
        sentence = page.locator(f"{place} .sentence")
        page.wait_for_selector(f"{place} .form")
        automatic = sentence.locator(".words").text_content()
        before = sentence.inner_html()
        press(page, "e")
        page.keyboard.type("Seen <b>anew</b>.")
        assert sentence.locator(".words").inner_text() == "Seen <b>anew</b>."
        assert sentence.locator(".automatic").text_content() == f"automatic: {automatic}"
        press(page, "Escape", "r")
        assert "rejected" in (sentence.locator(".words").get_attribute("class") or "")
        assert sentence.locator(".automatic").count() == 0
        press(page, "r")
        assert sentence.inner_html() == before
    page.evaluate("location.hash = 'overview'")
    page.fill("#filter", "anew")
    assert page.locator("#count").inner_text() == "0 of 12 heads"


def test_the_filter_finds_a_readers_words(watched: Any, plain: Path) -> None:
    page = watched.open(plain, "#L0H2")
    page.wait_for_selector("#L0H2 .form")
    press(page, "e")
    page.keyboard.type("Seen anew.")
    press(page, "Escape", "Escape")
    page.fill("#filter", "anew")
    assert page.locator("#count").inner_text() == "1 of 12 heads"


def test_a_review_of_another_run_is_refused(watched: Any, plain: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"schema": 1, "run": "x+y", "verdicts": {"L0H0": {}}}))
    page = watched.open(plain, "#review")
    page.set_input_files("#read-review", str(other))
    page.locator("#review-count", has_text="another run").wait_for()
    assert page.locator("#review tbody tr").count() == 0


def test_an_unlabelled_head_can_be_given_a_label(watched: Any, plain: Path) -> None:
    page = watched.open(plain)
    name = page.locator('tr[data-confidence="unlabelled"]').first.get_attribute("data-name")
    page.evaluate("name => { location.hash = name; }", name)
    page.wait_for_selector(f"#{name} .form")
    press(page, "e")
    assert page.locator(f"#{name} textarea").first.input_value() == ""
    page.keyboard.type("Seen before.")
    page.goto(plain.as_uri() + "#overview")
    assert page.locator(f'tr[data-name="{name}"] .words').inner_text() == "Seen before."


def test_one_agrees_with_the_words_that_stand_there(watched: Any, folder: Path) -> None:
    given = {"L0H0": {"verdict": "edit", "label": "Looks one back.", "when": "2026-11-23"}}
    review = {"schema": 1, "reviewer": "Ada", "verdicts": given}
    (folder / "review.json").write_text(json.dumps(review), encoding="utf-8")
    page = watched.open(render(open_run(folder), folder / "report"), "#L0H0")
    page.wait_for_selector("#L0H0 .form")
    press(page, "a", "j")
    page.wait_for_url("**#L0H1")
    press(page, "a")
    kept = page.evaluate("JSON.parse(localStorage.getItem(STORE)).verdicts")
    said = {name: (item["verdict"], item["label"]) for name, item in kept.items()}
    assert said == {"L0H0": ("agree", "Looks one back."), "L0H1": ("agree", "")}
    page.evaluate("location.hash = 'overview'")
    cell = page.locator('tr[data-name="L0H0"] td.label')
    assert cell.locator(".words").inner_text() == "Looks one back."
    assert cell.locator(".automatic").count() == 1


def test_a_merged_review_is_shown_wherever_its_component_is(watched: Any, folder: Path) -> None:
    """A folder with a review.json: list, head, neuron, overview; nothing of it is saved again."""
    given = {
        "L0H0": {"verdict": "edit", "label": "Looks one back.", "when": "2026-11-23T10:00:00Z"},
        "L1N7": {"verdict": "reject", "note": "By chance.", "reviewer": "Bob"},
    }
    review = {"schema": 1, "reviewer": "Ada", "verdicts": given}
    (folder / "review.json").write_text(json.dumps(review), encoding="utf-8")
    page = watched.open(render(open_run(folder), folder / "report"))
    assert page.locator('tr[data-name="L0H0"] .words').inner_text() == "Looks one back."
    assert "0 agreed, 1 reworded, 1 rejected" in page.locator("#overview").inner_text()
    page.evaluate("location.hash = 'L0H0'")
    assert page.locator("#L0H0 .verdict").inner_text() == "Reworded by Ada on 2026-11-23"
    page.evaluate("location.hash = 'L1N7'")
    page.wait_for_selector("#neuron .strip-row")
    assert page.locator("#neuron .verdict").inner_text() == "Rejected by Bob: By chance."
    page.evaluate("location.hash = 'review'")
    assert page.locator("#review tbody tr").all_inner_texts() == [
        "L0H0\tedit\tLooks one back.\t\tAda\t2026-11-23",
        "L1N7\treject\t\tBy chance.\tBob\t",
    ]
    assert page.locator("#review-count").inner_text() == "1 of 12 heads and 1 neuron judged."
    assert page.locator("#save-review").is_disabled()
