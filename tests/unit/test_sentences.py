"""Where sentences begin after abbreviations."""

import pytest

from labeler.pipeline import Pipeline

STRINGS = {
    "We need Plan B. Then we can go.": ["We", "Then"],
    "He lives on Main St. He has a dog.": ["He", "He"],
    "They left at 5 p.m. She stayed.": ["They", "She"],
    "Capt. Fox met J. Bear.": ["Capt."],
    "We saw No. 5 win. It ran.": ["We", "It"],
    "We ate plums, figs, etc. and left.": ["We"],
}


@pytest.mark.parametrize("name", ["embedded", "none"])
def test_sentences_begin_after_some_abbreviations(name):
    for string, parse in zip(STRINGS, Pipeline(name).parse(STRINGS), strict=True):
        assert parse.text[sorted(set(parse.sentence_start.tolist()))].tolist() == STRINGS[string]


def test_no_word_and_one_word_are_read():
    assert [len(parse) for parse in Pipeline("embedded").parse(["", ".", "Inc."])] == [0, 1, 1]
