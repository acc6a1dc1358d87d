"""What is said of a neuron, whole and in short, and where what is said fails."""

from types import SimpleNamespace

import numpy as np
import pytest

from labeler.neuron_tables import NeuronTable, Term, neuron_gist, neuron_sentence
from labeler.predictors import Predictor, grouped, shown_token, word_so_far
from tests.unit.heuristics.making import make_text


def tokens(*names: str, family: str = "token") -> Predictor:
    return grouped([Predictor(n, f'"{n}"', identity=True, family=family) for n in names])


def term(said: Predictor | str, gain: float, weight: float = 1.0) -> Term:
    one = Predictor(said, said) if isinstance(said, str) else said
    return Term(one, weight, gain, is_class=not one.identity, slot=0)


@pytest.mark.parametrize(
    ("members", "whole", "brief"),
    [
        ("a", '"a"', '"a"'),
        ("abc", '"a", "b" or "c"', '"a", "b" or "c"'),
        ("abcd", '"a", "b", "c" or "d"', '"a", "b", "c" or "d"'),
        ("abcde", '"a", "b", "c", "d" or "e"', '"a", "b", "c" or 2 others'),
    ],
)
def test_a_group_names_all_and_in_short_three_where_two_or_more_are_left(members, whole, brief):
    found = tokens(*members)
    assert (found.phrase, found.brief) == (whole, brief)
    after = tokens(*members, family="after token")
    assert (after.phrase, after.brief) == (f"what follows {whole}", f"what follows {brief}")


def test_in_short_what_leads_and_what_gains_half_as_much():
    terms = [term("commas", 0.4), term("colons", 0.2), term("nouns", 0.2)]
    assert neuron_sentence(terms) == "Fires on commas, colons and nouns."
    assert neuron_gist(terms) == "Fires on commas and colons."
    assert neuron_gist([term("commas", 0.4), term("colons", 0.19)]) == "Fires on commas."


def test_a_group_is_told_apart_from_what_stands_beside_it():
    terms = [term(tokens("a", "b"), 0.4), term(tokens("c", family="word so far"), 0.3)]
    said = 'Fires on "a" or "b", and on tokens at which the word so far is "c".'
    assert neuron_sentence(terms) == said


@pytest.mark.parametrize(("token", "shown"), [(" a", '"·a"'), ("\n", '"⏎"'), ("\t\r", '"⇥␍"')])
def test_white_space_is_seen(token, shown):
    assert shown_token(token) == shown


@pytest.mark.parametrize(("token", "shown"), [('."', "'.\"'"), ("'s", '"\'s"'), ("'\"", '"\'""')])
def test_a_speech_mark_is_told_from_the_quotes_around_it(token, shown):
    assert shown_token(token) == shown


def test_a_letter_that_grows_in_lower_case_costs_no_word_so_far():
    text = make_text("İs|tan|bul| m|oo")
    assert word_so_far(text).tolist() == ["", "", "i̇stan", "i̇stanbul", "", "moo"]


def test_in_short_groups_are_in_part_and_signs_are_kept():
    terms = [term(tokens(*"abcde"), 0.3), term("commas", 0.2, weight=-1.0)]
    assert neuron_gist(terms) == 'Fires on "a", "b", "c" or 2 others; quiet on commas.'
    assert neuron_gist(terms[1:]) == "Lower on commas."


def test_in_short_too_a_neuron_that_fires_on_something_is_quiet_on_the_rest():
    terms = [term("commas", 0.4, weight=-1.0), term("nouns", 0.1)]
    assert neuron_sentence(terms) == "Fires on nouns; quiet on commas."
    assert neuron_gist(terms) == "Quiet on commas."


def made_table(x: np.ndarray, columns: np.ndarray, weight: list[float]) -> NeuronTable:
    n = len(weight)
    return NeuronTable(
        fit=SimpleNamespace(  # type: ignore[arg-type]
            constant=[0.0],
            chosen=np.zeros((1, n, 1)),
            weight=np.array([weight]),
            columns=lambda _, slot: [slot],
        ),
        names=["L0N0"],
        predictors=[],
        statistics=None,  # type: ignore[arg-type]
        evidence=SimpleNamespace(x=x[:, None], places=[(i, 0) for i in range(8)]),  # type: ignore[arg-type]
        sample=columns,
        limits=None,  # type: ignore[arg-type]
    )


@pytest.fixture
def counter_examples(monkeypatch):
    monkeypatch.setattr(NeuronTable, "_at", lambda _, name, kind, rank, row, neuron: (kind, row))
    return lambda table: list(table._counter_examples(0, "L0N0"))


def test_counter_examples_are_where_label_and_neuron_disagree(counter_examples):
    """Not where both fire and one does so more: rows 0 and 1 have the largest residuals."""
    feature = np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    x = np.array([9.0, 8, 0, 1, 3, 0, 0, 0])
    assert counter_examples(made_table(x, feature[:, None], [4.0])) == [
        ("feature without activation", 2),
        ("feature without activation", 3),
        ("activation without feature", 4),
    ]


def test_a_label_does_not_say_so_where_it_only_says_nothing_against_it(counter_examples):
    """What is quiet on one token expects more than on average on all others."""
    quiet = np.array([1.0, 0, 0, 0, 0, 0, 0, 0])
    loud = np.array([0.0, 0, 0, 0, 0, 0, 1, 0])
    x = np.array([0.0, 0, 0, 9, 9, 9, 0, 9])
    found = counter_examples(made_table(x, np.stack([quiet, loud], axis=1), [-8.0, 1.0]))
    assert [row for kind, row in found if kind == "feature without activation"] == [6]
