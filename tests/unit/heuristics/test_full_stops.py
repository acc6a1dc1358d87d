"""Dots that end a sentence, and dots that do not."""

import re

import pytest

from heuristics import wordlists
from heuristics.full_stops import FULL_STOP

from .making import make_text, words


@pytest.mark.parametrize(
    ("string", "kept"),
    [
        # A word of a closed class has a capital only where a sentence begins.
        ("We need Plan B. Then we go.", ["B", "go"]),
        ("He lives on Main St. He has a dog.", ["St", "dog"]),
        ("He left at 5 p.m. “It is late.”", ["m", "late"]),
        ("I DON'T. Tom does.", ["T", "does"]),
        # A name has one everywhere.
        ("St. Ives and J. A. Fox of the U.S. Army", []),
        ("No. J. Fox did", ["No"]),
        # The name of a person may look like a word of a closed class.
        ("Dr. No met Mrs. It.", ["It"]),
        # The line is at its end.
        ("We moved to the U.S.\nShe did so at 5 a.m.", ["S", "m"]),
        ("“It is 5 p.m.”", ["m"]),
        # What goes on in small letters or in figures goes on.
        ("Fox Inc. has plums, figs, etc. and a shop. Fox Ltd. Too", ["shop", "Ltd"]),
        ("No. 5 won on Jan. 5, on p. 3.", ["3"]),
        ("Tom said no. 5 men ran.", ["no", "ran"]),
        ("Tom vs. Ann Fox", []),
        ("Write to ann.Fox@a.org.", ["org"]),
        # An ellipsis; the first dot may be a stop of its own.
        ("So . . . he ran. ... Off", ["ran"]),
    ],
)
def test_full_stops(string, kept):
    found = [found.start() for found in re.finditer(FULL_STOP, string)]
    assert [re.search(r"\w*$", string[:at])[0] for at in found] == kept


def test_every_title_is_one():
    for title in wordlists.TITLE_ABBREVIATIONS:
        for form in (title.capitalize(), title.upper()):
            assert re.search(FULL_STOP, f"{form}. Fox ran") is None


def test_dots_with_spaces_between_are_an_ellipsis():
    assert words("ellipsis", make_text("So| .| .| .| no|.| Yes|..")) == [".", ".", ".", ".."]
