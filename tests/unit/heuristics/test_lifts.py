"""What each lift makes of a feature, for tokens and for words."""

import numpy as np
import pytest

from heuristics import feature
from heuristics.check import relation_targets
from heuristics.errors import PluginError
from heuristics.lifts import LIFTS, lifted
from heuristics.registry import classify
from heuristics.testing import check

from .making import make_text

#               1   2 3 4   5 6   7 8    9
TEXT = make_text("A|,| b|an|,| c|,| an|,")


def lift_of(name, unit="token", words=(",",)):
    declared = feature("thing", lifts=(name,), unit=unit)(lambda text: text.matches(words))
    return lifted(declared)[0]


def rows(name, unit="token", words=(",",), text=TEXT):
    targets = relation_targets(lift_of(name, unit, words), text)
    return {
        query: targets.key[targets.query == query].tolist() for query in np.unique(targets.query)
    }


def test_nearest_is_strictly_before():
    assert rows("nearest") == {3: [2], 4: [2], 5: [2], 6: [5], 7: [5], 8: [7], 9: [7]}


def test_latest_may_be_the_query():
    assert rows("latest") == {2: [2], 3: [2], 4: [2], 5: [5], 6: [5], 7: [7], 8: [7], 9: [9]}


def test_previous_is_the_token_before_the_nearest():
    assert rows("previous") == {q: [1 if q < 6 else 4 if q < 8 else 6] for q in range(3, 10)}


def test_second_is_the_one_before_the_nearest():
    assert rows("second") == {6: [2], 7: [2], 8: [5], 9: [5]}


def test_first_stays_the_first():
    assert rows("first") == {query: [2] for query in range(2, 10)}


def test_every_includes_the_query():
    assert rows("every")[6] == [2, 5]
    assert rows("every")[9] == [2, 5, 7, 9]


def test_recent_weighs_by_rank():
    targets = relation_targets(lift_of("recent"), TEXT)
    here = targets.query == 7
    assert targets.key[here].tolist() == [2, 5, 7]
    assert targets.weight[here].tolist() == [1 / 3, 1 / 2, 1.0]


def test_after_is_the_token_after_the_nearest():
    assert rows("after") == {3: [3], 4: [3], 5: [3], 6: [6], 7: [6], 8: [8], 9: [8]}


BAN = make_text("Fox| b|an| ran| b|an| b|an")
"""1 Fox, 2–3 ban, 4 ran, 5–6 ban, 7–8 ban."""


@pytest.mark.parametrize(
    ("lift", "query", "expected"),
    [
        ("nearest", 4, [2, 3]),
        ("nearest", 3, []),
        ("nearest", 6, [2, 3]),
        ("latest", 3, [2, 3]),
        ("latest", 2, [2]),
        ("previous", 4, [1]),
        ("previous", 8, [4]),
        ("second", 8, [2, 3]),
        ("first", 2, [2]),
        ("first", 8, [2, 3]),
        ("every", 5, [2, 3, 5]),
        ("nearest end", 4, [3]),
        ("nearest start", 4, [2]),
        ("nearest end", 6, [3]),
    ],
)
def test_words_are_taken_whole(lift, query, expected):
    assert rows(lift, "word", ("ban",), BAN).get(query, []) == expected


@pytest.mark.parametrize("lift", LIFTS)
def test_position_0_is_no_target_and_no_text_is_too_poor(lift):
    without_bos = make_text("a| a| b", bos=False)
    found = rows(lift, "token", ("a",), without_bos)
    assert not any(0 in keys for keys in found.values())
    assert rows(lift, "word", ("z",)) == {}


def test_names_and_phrases():
    relation = lift_of("nearest")
    assert (relation.name, relation.phrase) == ("nearest thing", "the nearest preceding thing")
    assert lift_of("every").phrase == "all things so far"
    assert relation.kind == "relation"
    assert not relation.query_class


def test_an_unknown_lift_is_an_error_with_a_suggestion():
    module = type("module", (), {})()
    module.__name__ = __name__
    module.bad = feature("thing", lifts=("neerest",))(lambda text: text.is_start)
    with pytest.raises(PluginError, match="unknown lift 'neerest'; did you mean 'nearest'"):
        classify(module)
    with pytest.raises(PluginError, match="unknown lift 'neerest'; did you mean 'nearest'"):
        check(module.bad)  # in its author's test, too
