"""Query classes: a partition by rarity, speech marks first, and the classes a label may name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from heuristics.contract import feature
from heuristics.text import Text
from labeler.classes import FREE, MIN_ROWS, build_classes, frequent_words
from tests.unit.made_texts import letters


@feature("vowel", query_class=True)
def vowel(text: Text) -> ndarray:
    return text.matches(set("aeiou"))


@feature("letter e", plural="e's", query_class=True)
def letter_e(text: Text) -> ndarray:
    return text.matches({"e"})


@feature("early letter", query_class=True)
def early(text: Text) -> ndarray:
    return text.matches(set("abcd"))


@feature("closing speech mark", query_class=True)
def closing(text: Text) -> ndarray:
    return text.matches({"z", "y"})


@feature("rare letter", query_class=True)
def rare(text: Text) -> ndarray:
    return text.matches({"y"})


@feature("unmarked")
def unmarked(text: Text) -> ndarray:
    return text.matches({"x"})


FEATURES = (vowel, letter_e, early, closing, rare, unmarked)


def _texts(string: str, copies: int) -> list[Text]:
    return [letters(f"..{string}", f"t{i}") for i in range(copies)]


def _wordings(texts: list[Text]) -> dict[str, str]:
    return {group.name: group.wording for group in build_classes(FEATURES, texts).groups}


def test_every_position_has_one_leaf_the_rarest_that_it_can() -> None:
    # 100 texts: vowels a, i and e (300), e's (100), early letters a and b (200).
    texts = _texts("aieb", 100)
    found = build_classes(FEATURES, texts)
    leaf = found.assign(texts[0])
    names = [found.leaves[index] for index in leaf]
    # BOS and the position after it belong to no class; then "." is no class but a frequent word.
    assert names[:2] == ["start of text", "start of text"]
    by_letter = dict(zip(texts[0].string[1:], names[2:], strict=True))
    assert by_letter["e"] == "letter e"
    # "a" is vowel, early letter and a frequent word; the word is the rarest.
    assert by_letter["a"] == 'word "a"'
    assert by_letter["i"] == 'word "i"'
    assert leaf.shape == (len(texts[0]),)


def test_a_class_that_rarer_ones_fill_is_named_as_their_union() -> None:
    found = build_classes(FEATURES, _texts("aieb", 100))
    group = next(g for g in found.groups if g.name == "vowel")
    assert {found.leaves[leaf] for leaf in group.leaves} == {'word "a"', 'word "i"', "letter e"}
    assert group.wording == "on a vowel"


def test_speech_marks_come_before_what_is_rarer() -> None:
    found = build_classes(FEATURES, _texts("zzy", 100))
    assert "rare letter" not in found.leaves
    # Without that order the rarer class would have taken its tokens out of the mark's.
    group = next(g for g in found.groups if g.name == "closing speech mark")
    assert group.wording == "on the closing speech mark"


@pytest.mark.parametrize(("copies", "much"), [(70, "most"), (40, "some")])
def test_what_is_left_of_a_class_is_most_or_some_of_it(copies: int, much: str) -> None:
    # 130 a's are a frequent word and a class of their own; b, c and d are left of the early
    # letters, 210 of 340 or 120 of 250, none of them frequent enough by itself.
    texts = _texts("abcd", copies) + _texts("a", 130 - copies)
    said = {group.name: group.wording for group in build_classes((early,), texts).groups}
    assert said == {
        'word "a"': 'on "a"',
        "early letter": "on an early letter",
        "other early letter": f"on {much} early letters",
    }


def test_leaves_that_nearly_make_up_a_class_are_most_of_it() -> None:
    # The words a, e and i are 450 of 500 vowels; o and u, 50, are too few for a leaf of their own.
    texts = _texts("aei", 150) + _texts("ou", 25)
    said = {group.name: group for group in build_classes((vowel,), texts).groups}
    found = build_classes((vowel,), texts)
    assert said["vowel"].wording == "on most vowels"
    assert {found.leaves[leaf] for leaf in said["vowel"].leaves} == {
        f'word "{letter}"' for letter in "aei"
    }
    # 300 of 390 are too few of them.
    fewer = _texts("aei", 100) + _texts("ou", 45)
    assert "vowel" not in {group.name for group in build_classes((vowel,), fewer).groups}


def test_group_names_are_unique() -> None:
    rng = np.random.default_rng(0)
    texts = [
        letters("." + "".join(rng.choice(list("aeioubcdxyz"), 30)), f"t{i}") for i in range(60)
    ]
    names = [group.name for group in build_classes(FEATURES, texts).groups]
    assert len(names) == len(set(names))


def test_only_marked_features_are_classes_and_few_rows_are_none() -> None:
    assert "unmarked" not in _wordings(_texts("xxxx", 100))
    assert "letter e" not in _wordings(_texts("eo", MIN_ROWS - 1))
    assert "letter e" in _wordings(_texts("eo", MIN_ROWS))


def test_groups_are_made_of_leaves_and_each_leaf_is_in_one() -> None:
    found = build_classes(FEATURES, _texts("aiebzzyx", 120))
    inside = {leaf for group in found.groups for leaf in group.leaves}
    assert {found.leaves[leaf] for leaf in range(len(found)) if leaf not in inside} == {
        "start of text",
        "other token",
    }


def test_a_large_leaf_is_divided_by_the_next_class_that_its_positions_have() -> None:
    # 24 frequent letters take the words; of the rest "é" is early and accented, "è" accented alone.
    # 150 accented letters are a leaf, and the 100 that are early letters too a part of it.
    accented = replace(vowel, name="accented", compute=lambda text: text.matches({"é", "è"}))
    first = replace(early, compute=lambda text: text.matches({"é", *"bcdfg"}))
    common = "bcdfghijklmnopqrstuvwxyz"
    texts = _texts(common * 2, 100) + _texts("é", 100) + _texts("è", 50)
    found = build_classes((accented, first), texts)
    leaves = [found.leaves[leaf] for leaf in found.assign(letters("..éèb"))[FREE + 1 :]]
    assert leaves == ["accented, early letter", "accented", 'word "b"']
    group = next(g for g in found.groups if g.name == "accented")
    assert [found.leaves[leaf] for leaf in group.leaves] == ["accented", "accented, early letter"]


def test_classes_do_not_depend_on_the_order_of_texts() -> None:
    texts = _texts("aieb", 60) + _texts("zzx", 60)
    there, back = build_classes(FEATURES, texts), build_classes(FEATURES, texts[::-1])
    assert there.leaves == back.leaves
    assert there.groups == back.groups


def test_a_corpus_without_classes_has_one_leaf_beside_the_start() -> None:
    found = build_classes((), _texts("aieb", 1))
    assert found.groups == ()
    assert set(found.assign(letters("aieb")).tolist()) == {0, 1}


def test_a_text_of_one_position_is_all_start() -> None:
    found = build_classes(FEATURES, _texts("aieb", 100))
    assert found.assign(letters("")).tolist() == [0]
    assert found.assign(letters("e")).tolist() == [0] * FREE


def test_without_features_or_frequent_words_there_are_no_classes_to_tell_apart() -> None:
    found = build_classes((), _texts("aieb", 3))
    assert set(found.assign(letters("aieb")).tolist()) <= {0, 1}


@pytest.mark.parametrize(("strings", "spelling"), [(("Lily", "Lily", "lily"), "Lily")])
def test_a_word_is_spelled_as_it_mostly_is(strings: tuple[str, ...], spelling: str) -> None:
    texts = [_words([string] * 50) for string in strings]
    assert frequent_words(texts) == {spelling.lower(): spelling}


def _words(words: list[str]) -> Text:
    """A text of whole words, a token each."""
    string = " ".join(words)
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    starts = np.concatenate([[0], ends[:-1] + 1])
    made = letters("x" * len(words))
    form = np.array([*words, ""], dtype=object)[:-1]
    parse = replace(made.parse, start=starts, end=ends, text=form, lemma=form)
    spans = np.array([(0, 0), *zip(starts, ends, strict=True)])
    return replace(made, string=string, offsets=spans, parse=parse)
