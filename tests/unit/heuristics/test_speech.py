"""Speech marks by character."""

import numpy as np
import pytest

from heuristics.speech import match_speech

from .making import fires, make_text


@pytest.mark.parametrize(
    ("string", "spans"),
    [
        ('"a" b "c"', [(0, 2), (6, 8)]),
        ("“a” b", [(0, 2)]),
        ("«a»", [(0, 2)]),
        ("„a“ b", [(0, 2)]),
        ("„a” b", [(0, 2)]),
        ("»a«, b »c«", [(0, 2), (7, 9)]),
        ("« a » b", [(0, 4)]),
        ("a » b » c", []),
        ("「a『b』」", [(0, 5), (2, 4)]),
        ("「a。\nb", [(0, -3)]),
        # The single closing mark is an apostrophe inside a word.
        ("‘don’t’", [(0, 6)]),
        ("Tom’s dog", []),
        ("“a ‘b’ c”", [(0, 8), (3, 5)]),
        # A paragraph break closes what is open, a line break in a sentence does not.
        ('"a.\n\n"b"', [(0, -3), (5, 7)]),
        ('"a\nb"', [(0, 4)]),
        ('"a', [(0, -2)]),
        # A single mark without a pair, or before a word that begins with an apostrophe, is none.
        ("‘So. Tom left.", []),
        ("‘Twas the boys’ ball.", []),
        ("don‘t, the boys’", []),
        ("rock ‘n’ roll", []),
        # It keeps no other speech open.
        ("“‘So,” he said", [(0, 5)]),
        ('"‘So," he said', [(0, 5)]),
        # A mark with no word behind it opens nothing after a word or another mark.
        ('So," he said. "No."', [(14, 18)]),
        ('a 6", b "c"', [(8, 10)]),
        ('So"', []),
        ('("a")', [(1, 3)]),
        # A straight single mark closes at another mark, not where an apostrophe may stand.
        ("'Go,' said Tom. 'Do!'", [(0, 4), (16, 20)]),
        ("\"He said 'no'.\"", [(0, 14), (9, 12)]),
        ("'The boys' ball!'", [(0, 16)]),
        ("It's the boys' and the girls'.", []),
        ("'Tis 'em, 5'6\", the '90s'", []),
        # It needs its pair.
        ("'Go, he said.\n\n'So.'", [(15, 19)]),
        # TeX: the closing mark is where its first character is.
        ("``Go,'' he said", [(0, 5)]),
        ("``code`` and ``code``", []),
        # A string of code is not spoken, whatever follows in the list.
        ('x = "a"', []),
        ("f('a', 'b') is \"c\"", [(15, 17)]),
        ('{"a": "b",\n "c": ["d"]}', []),
        ('<a href="b">"c"</a>', [(12, 14)]),
        ('"""Say so."""', []),
        ('x["a"]\n"b"', [(7, 9)]),
    ],
)
def test_spans(string, spans):
    assert list(match_speech(string).spans) == spans


def test_opener_and_depth():
    found = match_speech('x "ab" y')
    assert found.opener.tolist() == [-1, -1, -1, 2, 2, 2, -1, -1]
    assert found.depth.tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert np.flatnonzero(found.opening).tolist() == [2]
    assert np.flatnonzero(found.closing).tolist() == [5]


def test_a_closing_mark_after_a_space_is_not_inside_the_speech():
    spaced = make_text("«| Oui| »| dit|-il", bos=False)
    assert fires("speech", spaced) == [1]
    assert fires("closing speech mark", spaced) == [2]


def test_both_characters_of_a_tex_mark_are_the_mark():
    found = match_speech("``a'' b")
    assert np.flatnonzero(found.opening).tolist() == [0, 1]
    assert np.flatnonzero(found.closing).tolist() == [3, 4]
    assert found.opener.tolist() == [-1, -1, 0, 0, 0, -1, -1]
    assert found.depth.tolist() == [1, 1, 1, 1, 1, 0, 0]
    text = make_text("``|Go|,|''| he| said|.")
    assert fires("speech", text) == [2, 3]
    assert fires("apostrophe", text) == []
