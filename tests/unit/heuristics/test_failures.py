"""Each way in which a plugin can fail, with its message."""

import contextlib
import pickle
import sys
import threading
import time

import numpy as np
import pytest

from heuristics import PluginError, feature, limits, relation
from heuristics.check import agrees_with_itself, evaluated, feature_mask, relation_targets
from heuristics.registry import declared
from heuristics.targets import Targets

from .making import make_text

TEXT = make_text("a| red| b|.")


def message(item):
    call = feature_mask if item.kind == "feature" else relation_targets
    with pytest.raises(PluginError) as caught:
        call(item, TEXT)
    assert (caught.value.heuristic, caught.value.kind) == (item.name, item.kind)
    assert (caught.value.module, caught.value.prompt) == (__name__, "made")
    return caught.value.reason


def of_file(tmp_path, source):
    """What is said of the first heuristic of a file."""
    file = tmp_path / "mine.py"
    file.write_text(f"from heuristics import feature, relation\n{source}")
    with pytest.raises(PluginError) as caught:
        evaluated(declared(str(file))[0], TEXT)
    return caught.value.reason


def test_an_error_says_its_line_in_the_plugin(tmp_path):
    source = "@feature('x')\ndef x(text):\n    return text.regex('(red')\n"  # called on line 4
    assert of_file(tmp_path, source).endswith("unterminated subpattern at position 0 (line 4)")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("text.matchs({'red'})", "matches"), ("text.wrds", "words"), ("text.parse.lema", "lemma")],
)
def test_a_typo_in_what_a_text_has_is_seen(tmp_path, said, meant):
    said = of_file(tmp_path, f"@feature('x')\ndef x(text):\n    return {said} == 'red'\n")
    assert "has no attribute" in said
    assert f"(line 4); did you mean '{meant}'" in said


def test_the_right_shape_of_another_type_says_how_to_make_it_one():
    assert message(feature("x")(lambda text: text.position)) == (
        "expected Bool[5], got int64[5]; .astype(bool) makes it that"
    )
    assert message(relation("x")(lambda text: text.query - text.key)) == (
        "expected Bool or weights [5, 5], got int64[5, 5]; .astype(float) makes it that"
    )


@pytest.mark.parametrize("name", ["two\nlines", "red\x1b[31m", " spaces "])
def test_a_name_is_one_line_to_be_typed(name):
    with pytest.raises(PluginError, match="a name is printable and has no spaces around it"):
        feature(name)


def test_an_option_of_the_other_kind_is_named():
    with pytest.raises(PluginError, match=r"'lifts' is no option of a relation; it has phrase, "):
        relation("x", lifts=("nearest",))
    with pytest.raises(PluginError, match=r"'phrase' is no option of a feature; it has plural, "):
        feature("x", phrase="all of them")


def test_raises():
    @feature("x")
    def fails(text):
        raise KeyError("colour")

    line = fails.compute.__code__.co_firstlineno + 2  # after the decorator and the def
    assert message(fails) == f"raised KeyError: 'colour' (line {line})"


def test_forgets_to_return():
    assert message(feature("x")(lambda text: None)) == "expected Bool[5], got None; does it return?"


def test_gives_a_list():
    listed = feature("x")(lambda text: [True] * len(text))
    assert message(listed) == "expected Bool[5], got a list; np.array(…) makes it an array"


@pytest.mark.parametrize("name", ["token_ids", "offsets", "pos", "position", "words", "word_start"])
def test_writes_into_the_text(name):
    @feature("x")
    def writes(text):
        getattr(text, name)[0] = getattr(text, name)[1]
        return text.is_start

    line = writes.compute.__code__.co_firstlineno + 2
    assert message(writes) == (
        f"writes into an array of the Text (line {line}); take a copy first, as in text.pos.copy()"
    )


def test_writes_into_the_parse():
    @feature("x")
    def writes(text):
        text.parse.text[:] = ""
        return text.is_start

    assert "writes into an array of the Text" in message(writes)


def test_the_arrays_that_a_text_is_made_from_stay_the_callers():
    text = make_text("a|b")
    ids = np.array([0, 1, 2])
    type(text)("x", text.string, ids, text.offsets, True, text.parse)
    ids[0] = 5


def test_nan_is_shown_with_its_place():
    @relation("x")
    def weights(text):
        found = np.ones((len(text), len(text)))
        found[2, 1] = np.nan
        return found

    assert message(weights) == (
        "weights must be finite and not negative; at query 2, key 1 there is nan"
    )


def pairs(query, key, weight):
    return message(relation("x")(lambda text: Targets(query, key, weight)))


def test_pairs_that_are_none():
    one = np.array([1])
    assert pairs(one, one, 1.0) == (
        "expected query, key, weight of one length, got int64[1], int64[1], float64[]"
    )
    assert pairs(one, one / 2, [1.0]) == (
        "expected whole queries and keys, and weights, got int64, float64, float64"
    )
    assert pairs([3, 2, 3], [1, 1, 1], [1, 1, 1]) == (
        "names query 3, key 1 twice; give each pair once"
    )
    assert pairs([1], [9], [1]) == "expected pairs within [5, 5], weights ≥ 0, finite"


def test_pairs_as_lists_and_in_any_order_are_sorted():
    @relation("x")
    def loose(text):
        return Targets([3, 2], [1, 1], [1, 2])

    found = relation_targets(loose, TEXT)
    assert found.query.tolist() == [2, 3]
    assert found.weight.tolist() == [2.0, 1.0]
    assert not len(relation_targets(relation("y")(lambda text: Targets([], [], [])), TEXT).query)


def test_leaves_python():
    leaves = feature("x")(lambda text: sys.exit("bye"))
    assert message(leaves).startswith("raised SystemExit: bye")


def test_options_that_cannot_be_meant():
    with pytest.raises(PluginError, match=r"lifts takes several names, as in lifts=\('nearest',\)"):
        feature("x", lifts="nearest")
    with pytest.raises(PluginError, match="lifts takes several names"):
        feature("x", lifts=3)
    with pytest.raises(PluginError, match="unit is 'words'; expected 'token' or 'word'"):
        feature("x", unit="words")


def test_takes_too_long_and_is_interrupted(monkeypatch):
    monkeypatch.setattr(limits, "SLOW_SECONDS", 0.05)

    @feature("x")
    def sleeps(text):
        with contextlib.suppress(Exception):
            time.sleep(5)
        return text.is_start

    began = time.monotonic()
    assert message(sleeps).startswith("took 0 s or more over 5 tokens; make it faster")
    assert time.monotonic() - began < 2


def test_takes_too_long_in_a_thread_and_is_told_afterwards(monkeypatch):
    monkeypatch.setattr(limits, "SLOW_SECONDS", 0.01)
    found = []
    slow = feature("x")(lambda text: time.sleep(0.03))
    thread = threading.Thread(target=lambda: found.append(message(slow)))
    thread.start()
    thread.join()
    assert "took 0 s or more" in found[0]


def test_changes_its_mind():
    answers = iter(range(100))
    moody = feature("x")(lambda text: text.position == next(answers))
    with pytest.raises(PluginError, match="gave two answers on two calls"):
        agrees_with_itself(moody, TEXT)
    agrees_with_itself(feature("y")(lambda text: text.position == 1), TEXT)


def test_the_culprit_survives_the_way_to_another_process():
    error = PluginError("all of it", heuristic="x", module="m", prompt="p", reason="it")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(again), again.heuristic, again.reason) == ("all of it", "x", "it")
