"""Functions `sentence → matrix` as relations: units, sentences, pieces of words."""

import numpy as np
import pytest

from heuristics import PluginError, from_sentence, relation
from heuristics.check import relation_targets

from .making import make_text

#                1   2 3   4  5   6   7  8
TEXT = make_text("Fox|es| ran|.| So| do| I|.")


def first_word(sentence):
    """From every word to the first."""
    n = len(sentence.replace(".", " .").split())
    matrix = np.zeros((n, n), dtype=bool)
    matrix[:, 0] = True
    return matrix


def rows(function, text=TEXT, **options):
    item = relation("x")(from_sentence(function, **options))
    targets = relation_targets(item, text)
    return {
        int(q): dict(
            zip(
                targets.key[targets.query == q].tolist(),
                targets.weight[targets.query == q].tolist(),
                strict=True,
            )
        )
        for q in np.unique(targets.query)
    }


def test_each_sentence_by_itself_and_every_piece_of_a_word():
    found = rows(first_word)
    assert found[3] == {1: 1.0, 2: 1.0}  # "Foxes" is two tokens
    assert found[8] == {5: 1.0}
    assert 0 not in found  # BOS belongs to no sentence


def test_the_whole_text_if_asked():
    seen = []

    def function(sentence):
        seen.append(sentence)
        return np.eye(sentence.count(" ") + 1)

    found = rows(function, units="spaces", whole=True)
    assert seen == ["Foxes ran. So do I."]
    assert found[8] == {7: 0.5, 8: 0.5}  # "I." is one unit of two tokens


def test_a_weight_is_shared_among_the_tokens_of_its_unit():
    def function(sentence):
        n = 3 if "Fox" in sentence else 4
        return np.tile(np.array([3.0, *[1.0] * (n - 1)]), (n, 1))

    assert rows(function)[3] == {1: 1.5, 2: 1.5, 3: 1.0, 4: 1.0}


def test_units_of_the_functions_own():
    def function(sentence):
        return list(sentence.replace(" ", "")), np.ones((len(sentence.replace(" ", "")),) * 2)

    assert set(rows(function)[4]) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda s: np.ones((2, 2)), r"is \[2, 2\]; the sentence has 3 units, so expected \[3, 3\]"),
        (lambda s: (["ran", "Fox"], np.ones((2, 2))), "unit 'Fox' does not stand in 'Foxes ran.'"),
        (lambda s: np.full((s.count(" ") + 2,) * 2, np.nan), "finite and not negative"),
    ],
)
def test_what_does_not_fit_is_named(function, message):
    with pytest.raises(PluginError, match=message):
        rows(function)


def test_unknown_units():
    with pytest.raises(ValueError, match="expected one of 'words', 'spaces'"):
        from_sentence(first_word, units="tokens")


def test_the_function_keeps_its_words():
    item = relation("to the first word")(from_sentence(first_word))
    assert item.description == "From every word to the first."
    assert item.module == __name__
