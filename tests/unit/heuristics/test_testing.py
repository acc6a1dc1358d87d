"""What a plugin's author has for tests: it passes what is right and catches what is not."""

import sys

import numpy as np
import pytest

from heuristics import PluginError, builtin, feature, relation, testing
from heuristics.testing import attends, check, fires, text, texts


@feature("colour word", lifts=("nearest",))
def colour(sample):
    return sample.matches({"red", "blue"})


@relation("copy")
def copy(sample):
    same = sample.words[:, None] == sample.words[None, :]
    return same & (sample.key < sample.query) & (sample.words != "")[:, None]


def test_what_is_right_passes_by_itself_in_lists_and_by_module():
    check(colour)
    check([colour, copy])
    check(sys.modules[__name__])
    check(builtin("subject of the clause"))


def test_what_a_heuristic_says():
    assert fires(colour, "A red and a Blue ball.") == ["red", "Blue"]
    assert attends(copy, "so he said so") == {"so": ["so"]}
    said, parse = testing.PARSED["dialogue"]
    assert fires(builtin("verb"), text(said, parse)) == ["saw", "want", "said"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda sample: np.zeros(3, dtype=bool), r"expected Bool\["),
        (lambda sample: np.random.default_rng().random(len(sample)) < 0.5, "two answers"),
        (
            lambda sample: sample.is_start & (sample.string[20] == "x"),
            "prompt '.*': raised IndexError",
        ),
    ],
)
def test_what_is_wrong_is_caught(function, message):
    with pytest.raises(PluginError, match=message):
        check(feature("wrong")(function))


def test_writing_past_the_lock_is_caught():
    @feature("writes")
    def writes(sample):
        sample.token_ids.base[0] += 1
        return sample.is_start

    with pytest.raises(PluginError, match="writes into an array of the Text"):
        check(writes)


def test_a_lift_that_fails_is_caught_with_its_feature():
    with pytest.raises(PluginError, match="feature 'x'"):
        check(feature("x", lifts=("nearest",))(lambda sample: None))


def test_texts_are_of_many_kinds():
    kinds = {sample.id: sample for sample in texts()}
    assert any(sample.parse.parsed for sample in kinds.values())
    assert (kinds["words in pieces"].piece > 1).any()
    assert len(kinds["nothing"]) == 1  # BOS alone


def test_a_plain_function_is_no_heuristic():
    with pytest.raises(TypeError, match="expected what @feature or @relation made"):
        check(lambda sample: sample.is_start)


def test_nothing_to_check_is_no_pass():
    """A module that only imports heuristics declares none."""
    for nothing in ([], pytest):
        with pytest.raises(PluginError, match="no heuristic in what was to be checked"):
            check(nothing)


def test_a_feature_fires_and_a_relation_attends():
    with pytest.raises(TypeError, match="'colour word' is a feature, take `fires`"):
        attends(colour, "A red ball.")
    with pytest.raises(TypeError, match="'copy' is a relation, take `attends`"):
        fires(copy, "A red ball.")
    with pytest.raises(TypeError, match="expected what @feature made, got function"):
        fires(lambda sample: sample.is_start, "A red ball.")
