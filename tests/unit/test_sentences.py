"""Where sentences begin after abbreviations, line breaks and speech."""

import pytest

from labeler.pipeline import Pipeline

ABBREVIATIONS = {
    "We need Plan B. Then we can go.": ["We", "Then"],
    "He lives on Main St. He has a dog.": ["He", "He"],
    "They left at 5 p.m. She stayed.": ["They", "She"],
    "Capt. Fox met J. Bear.": ["Capt."],
    "We saw No. 5 win. It ran.": ["We", "It"],
    "We ate plums, figs, etc. and left.": ["We"],
}


LINES = {
    "Two Bears\n\nTom ran.\n“Stop!” he said.\nHe fell.": ["Two", "Tom", "“", "He"],
    "“Stop!” He ran.": ["“", "He"],
    'i ran. "so," he said': ["i", "so"],
    # Wrapped at a width.
    "Tom and\nAnn ran. So\ndid I.": ["Tom", "So"],
    "\nTom ran": ["\n"],
}


def starts(name, strings):
    """The words at which sentences begin, for each string."""
    return {
        string: parse.text[sorted(set(parse.sentence_start.tolist()))].tolist()
        for string, parse in zip(strings, Pipeline(name).parse(strings), strict=True)
    }


@pytest.mark.parametrize("name", ["embedded", "none"])
def test_sentences_begin_after_some_abbreviations(name):
    assert starts(name, ABBREVIATIONS) == ABBREVIATIONS


def test_lines_and_speech_without_a_parse():
    assert starts("none", LINES) == LINES


def test_no_word_and_one_word_are_read():
    assert [len(parse) for parse in Pipeline("embedded").parse(["", ".", "Inc."])] == [0, 1, 1]
