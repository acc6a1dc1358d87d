"""The page of `labeler compare` as a reader sees and prints it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labeler.results import open_run, write_table
from reports.compare import compare, write_comparison
from tests.data.make_run_folder import make_run_folder
from tests.data.synthetic_heads import Size

A4_ACROSS = round((297 - 2 * 14) / 25.4 * 96)
"""What 14 mm of margin leave of a landscape page, in pixels of CSS."""


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four checkpoints with the longest labels there are; each labels three heads more."""
    out = tmp_path_factory.mktemp("series")
    runs = []
    for step in range(4):
        path = make_run_folder(out / f"step-{step}", Size(1, 12, 24, evidence=1, wordy=True))
        heads = open_run(path).heads
        heads.loc[3 * step :, "confidence"] = "unlabelled"
        write_table(path, "heads.parquet", heads)
        runs.append(open_run(path))
    return write_comparison(compare(runs), out / "compare.html")


def test_a_series_shows_how_many_were_labelled(watched: Any, series: Path) -> None:
    page = watched.open(series)
    titles = page.locator(".chart .labelled title").all_text_contents()
    assert titles == [
        f"heads labelled, step-{i}: {share}" for i, share in enumerate(("0%", "25%", "50%", "75%"))
    ]
    last = page.locator(".heads tbody tr", has=page.get_by_text("L0H11", exact=True))
    assert [text.split()[0] for text in last.locator(".label").all_inner_texts()] == [
        "unlabelled",
        *["same"] * 3,
    ]


def test_nothing_is_wider_than_the_paper(watched: Any, series: Path) -> None:
    page = watched.open(series)
    page.set_viewport_size({"width": A4_ACROSS, "height": 700})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
