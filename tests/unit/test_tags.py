"""What is no word has no word's part of speech."""

import pytest

from labeler.pipeline import Pipeline
from labeler.tags import mended_tag


@pytest.mark.parametrize(
    ("form", "tag", "expected"),
    [
        ("Tom", "PROPN", "PROPN"),
        ("东京", "PROPN", "PROPN"),
        ("gr8", "ADJ", "ADJ"),
        ("|---|", "PROPN", "PUNCT"),
        ("。", "PROPN", "PUNCT"),
        ("\t", "NOUN", "SPACE"),
        ("-1.5", "PROPN", "NUM"),
        ("½", "NOUN", "NUM"),
        ("🙂", "NOUN", "SYM"),
        ("\u200d", "PROPN", "SYM"),
        # Of closed classes some are written with a sign or a figure.
        ("&", "CCONJ", "CCONJ"),
        ("2", "PART", "PART"),
        ("$", "SYM", "SYM"),
    ],
)
def test_a_word_has_a_letter(form, tag, expected):
    assert mended_tag(form, tag) == expected


def test_a_table_holds_no_names():
    (parse,) = Pipeline("embedded").parse(["1990\t697,119\t-1.5,2.25\n| a | b |\n|---|---|\n"])
    named = parse.text[parse.pos == "PROPN"].tolist()
    assert all(any(c.isalpha() for c in form) for form in named)
