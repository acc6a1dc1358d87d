"""Heuristics made of heuristics: their answers, their words, and whose they are."""

import numpy as np
import pytest

from heuristics import PluginError, builtin, feature, relation
from heuristics.check import feature_mask, relation_targets
from heuristics.position import token_back

from .making import make_text

#                1  2  3    4    5  6  7
TEXT = make_text("a| red| b|,| red| b|.")


@feature("letter a")
def a(text):
    return text.matches({"a"})


@feature("letter b")
def b(text):
    return text.matches({"b"})


@feature("colour word", lifts=("nearest",), query_class=True)
def colour(text):
    return text.matches({"red"})


@relation("later half")
def weights(text):
    """Weight 2 on even keys, 1 on odd ones."""
    return np.where(text.key % 2 == 0, 2.0, 1.0) * (text.key <= text.query) * (text.key > 0)


@relation("letters")
def letters(text):
    return np.broadcast_to(b(text)[None, :], (len(text), len(text))).copy()


def fires(item):
    return np.flatnonzero(feature_mask(item, TEXT)).tolist()


def row(item, query):
    targets = relation_targets(item, TEXT)
    here = targets.query == query
    return dict(zip(targets.key[here].tolist(), targets.weight[here].tolist(), strict=True))


def test_features_by_logic():
    assert fires(a | b) == [1, 3, 6]
    assert fires(colour & b) == []
    assert fires(~b & ~colour) == [0, 1, 4, 7]


def test_a_shift_moves_a_feature_and_never_round_the_corner():
    assert fires(colour.shift(1)) == [3, 6]
    assert fires(colour.shift(-1)) == [1, 4]
    assert fires(a.shift(-2)) == []
    assert colour.shift(0) is colour


def test_a_shift_moves_the_keys_of_a_relation_and_keeps_them_visible():
    back_two = token_back[2]
    assert row(back_two.shift(1), 5) == {4: 1.0}  # two back and one on is the previous token
    assert row(back_two.shift(3), 5) == {}


def test_relations_multiply_or_take_the_larger_weight():
    assert row(weights & letters, 7) == {3: 1.0, 6: 2.0}
    assert row(weights | letters, 3) == {1: 1.0, 2: 2.0, 3: 1.0, 6: 1.0}


def test_not_a_relation_is_every_key_so_far_that_it_leaves_out():
    assert row(~letters, 4) == {1: 1.0, 2: 1.0, 4: 1.0}


def test_from_one_feature_to_the_nearest_of_another():
    found = b.to(colour)
    assert row(found, 6) == {5: 1.0}
    assert row(found, 7) == {}  # a full stop is no letter b
    assert row(b.to(colour, "every"), 6) == {2: 1.0, 5: 1.0}
    assert found.name == "nearest colour word from letter b"
    assert found.phrase == "the nearest preceding colour word (from letter bs)"


def test_what_is_composed_belongs_to_who_composes_and_inherits_no_lifts():
    both = builtin("comma") & colour
    assert both.module == __name__
    assert (both.lifts, both.query_class, both.source) == ((), False, "")
    assert (both.name, both.noun) == ("comma and colour word", "comma that is also a colour word")
    again = both.named("odd comma", lifts=("first",), query_class=True)
    assert (again.noun, again.phrase) == ("odd comma", "odd commas")
    assert (again.lifts, again.query_class) == (("first",), True)


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (colour.shift(1), "1 after colour word"),
        (colour.shift(-2), "2 before colour word"),
        (~colour, "not colour word"),
        (colour | a, "colour word or letter a"),
        (colour.lift("every"), "every colour word"),
    ],
)
def test_names(item, name):
    assert item.name == name
    assert item.module == __name__


def test_only_two_positional_relations_make_a_positional_one():
    assert (token_back[1] | token_back[2]).positional
    assert not (token_back[1] | letters).positional


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: colour & letters, "feature 'colour word' and relation 'letters' cannot be"),
        (lambda: colour.at(a), "feature 'colour word' cannot be limited to feature 'letter a'"),
        (lambda: letters.lift("nearest"), "relation 'letters' cannot be lifted"),
        (lambda: colour.lift("neerest"), "unknown lift 'neerest' .* did you mean 'nearest'"),
    ],
)
def test_what_does_not_fit_together_is_said_at_once(make, message):
    with pytest.raises(PluginError, match=message):
        make()


def test_what_is_no_heuristic_is_a_type_error():
    with pytest.raises(TypeError):
        _ = colour & 3


def test_a_part_that_fails_is_named():
    bad = feature("bad")(lambda text: [True])
    with pytest.raises(PluginError, match=r"'letter a or bad' .* its feature 'bad' expected Bool"):
        feature_mask(a | bad, TEXT)


def test_a_string_is_not_taken_for_words():
    with pytest.raises(TypeError, match="got a string"):
        TEXT.matches("red")


def test_parameters_make_a_family():
    family = relation("token at distance {n}", positional=True, n=range(1, 9))(
        lambda text, n: text.query - text.key == n
    )
    assert [item.name for item in family] == [f"token at distance {n}" for n in range(1, 9)]
    assert [row(item, 7) for item in family[:2]] == [{6: 1.0}, {5: 1.0}]


def test_a_family_takes_its_values_from_a_generator_too():
    family = feature("token {n}", n=(n for n in (4, 2)))(lambda text, n: text.position == n)
    assert [item.name for item in family] == ["token 4", "token 2"]


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: feature("x", colour="red"), "colour='red' is no option and no list of values"),
        (lambda: feature("x", lift=("nearest",)), "no option is 'lift'; did you mean 'lifts'?"),
        (lambda: relation("x", position=True), "no option is 'position'; did you mean 'positional"),
        (lambda: feature("x", n=()), "no list of values"),
        (lambda: relation("x", n=(1, 2)), "the name does not say 'n'"),
        (lambda: relation("x {m}", n=(1, 2)), "the name does not say 'n'"),
        (lambda: relation("x {n} {m}", n=(1, 2)), r"\{m\} in the name is no parameter"),
        (lambda: feature(" "), "needs a name"),
        (lambda: builtin("comma").named(""), "made of 'comma': a feature needs a name"),
        (lambda: builtin("comma").named("mark", lifts="nearest"), "lifts takes several names"),
    ],
)
def test_a_declaration_that_cannot_be_meant(declare, message):
    with pytest.raises(PluginError, match=message):
        declare()


def test_a_built_in_by_name():
    assert builtin("comma").kind == "feature"
    assert builtin("nearest comma").kind == "relation"
    with pytest.raises(PluginError, match="no built-in is called 'coma': did you mean 'comma'"):
        builtin("coma")
