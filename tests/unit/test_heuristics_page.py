"""docs/heuristics.md is what the code says, and defines every built-in exactly once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from heuristics import feature, load_heuristics
from heuristics.lifts import LIFTS
from labeler.heuristics_page import page

ROOT = Path(__file__).parents[2]


def built_in():
    return [item for item in load_heuristics() if item.built_in]


def test_the_page_is_what_the_code_says():
    written = (ROOT / "docs" / "heuristics.md").read_text(encoding="utf-8")
    assert written == page(built_in()), "`make docs` writes it again"


def test_every_built_in_and_every_lift_has_its_row():
    rows = re.findall(r"^\| (.+?) \|", page(built_in()), re.MULTILINE)
    expected = [item.name for item in built_in()] + [f"`{lift}`" for lift in LIFTS]
    assert sorted(row for row in rows if row not in ("name", "lift")) == sorted(expected)


def test_no_two_of_a_kind_have_the_same_definition():
    said = Counter((item.kind, item.description) for item in built_in())
    assert [key for key, count in said.items() if count > 1] == []


def test_what_markdown_would_read_is_escaped():
    item = feature("a|b")(lambda text: text.is_start)
    assert "| a\\|b | a\\|bs |" in page([item])
