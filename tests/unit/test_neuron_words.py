"""What is said of a neuron, whole and in short."""

import pytest

from labeler.neuron_tables import Term, neuron_gist, neuron_sentence
from labeler.predictors import Predictor, grouped


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


def test_in_short_groups_are_in_part_and_signs_are_kept():
    terms = [term(tokens(*"abcde"), 0.3), term("commas", 0.2, weight=-1.0)]
    assert neuron_gist(terms) == 'Fires on "a", "b", "c" or 2 others; quiet on commas.'
    assert neuron_gist(terms[1:]) == "Lower on commas."
