from word_features import family_word, place_name, shouted_word

from heuristics.testing import check, fires, text


def test_the_contract():
    check([family_word, shouted_word, place_name])


def test_what_they_say():
    said = "Mom and her brother went to Paris. STOP, said I."
    assert fires(family_word, said) == ["Mom", "brother"]
    assert fires(shouted_word, said) == ["STOP"]


def test_a_place_without_entities():
    words = "He/PRON/nsubj/2 ran/VERB/root/0 to/ADP/case/4 Paris/PROPN/obl/2 ./PUNCT/punct/2"
    parsed = text("He ran to Paris.", words)
    assert fires(place_name, parsed) == ["Paris"]
