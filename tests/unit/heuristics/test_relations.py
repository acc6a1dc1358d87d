"""Every relation that is no lift, with the keys that its definition gives on a hand-made text."""

import pytest

from heuristics.lifts import LIFTS

from .making import FEATURES, RELATIONS, keys, weights
from .stories import TEXTS

# Each case: a relation, a text, a query position and the keys it has.
POSITION = [
    ("start of text", "story", 5, [0]),
    ("current token", "story", 5, [5]),
    ("previous token", "story", 5, [4]),
    ("previous token", "story", 1, []),
    ("two tokens back", "story", 5, [3]),
    ("three tokens back", "story", 5, [2]),
    ("four tokens back", "story", 5, [1]),
    ("nearby (8)", "story", 10, [3, 4, 5, 6, 7, 8, 9, 10]),
    ("nearby (8)", "story", 3, [1, 2, 3]),
    ("nearby (32)", "story", 37, list(range(6, 38))),
    ("anywhere", "story", 3, [1, 2, 3]),
]
PIECES = [
    ("earlier pieces of the current word", "story", 13, [12]),
    ("earlier pieces of the current word", "story", 12, []),
    ("current word so far", "story", 13, [12, 13]),
    ("current word so far", "story", 11, [11]),
    ("start of the current word", "story", 13, [12]),
    ("start of the current word", "story", 12, []),
    ("earlier pieces, else current token", "story", 13, [12]),
    ("earlier pieces, else current token", "story", 11, [11]),
    ("earlier pieces, else previous word", "story", 13, [12]),
    ("earlier pieces, else previous word", "story", 14, [12, 13]),
    ("previous word", "story", 13, [11]),
    ("previous word", "story", 14, [12, 13]),
    ("previous word", "story", 1, []),
    ("end of the previous word", "story", 14, [13]),
    ("start of the previous word", "story", 14, [12]),
    ("two words back", "story", 15, [12, 13]),
    ("end of two words back", "story", 15, [13]),
    ("end of three words back", "story", 14, [10]),
]
PUNCTUATION = [
    ("nearest structural pivot", "story", 10, [5]),
    ("nearest structural pivot", "story", 5, [0]),
    ("latest structural pivot", "story", 5, [5]),
    ("latest structural pivot", "story", 3, [0]),
    ("every structural pivot", "story", 14, [0, 5, 14]),
    ("latest comma, or start", "story", 4, [0]),
    ("latest comma, or start", "story", 5, [5]),
    ("latest comma, or start", "story", 16, [5]),
    ("latest full stop, or start", "story", 13, [0]),
    ("latest full stop, or start", "story", 14, [14]),
]
SPEECH = [
    ("opening mark of this speech", "talk", 6, [4]),
    ("opening mark of this speech", "talk", 8, [4]),
    ("opening mark of this speech", "talk", 9, []),
    ("opening mark of this speech", "talk", 15, []),
    ("opening mark of this speech", "curly", 7, [3]),
    ("opening mark of this speech", "curly", 14, [11]),
    ("opening mark from the closing mark", "talk", 8, [4]),
    ("opening mark from the closing mark", "talk", 6, []),
    ("opening mark from the closing mark", "talk", 14, [10]),
    ("first word of this speech", "talk", 8, [5]),
    ("first word of this speech", "talk", 5, []),
    ("this speech so far", "talk", 7, [5, 6, 7]),
    ("this speech so far", "talk", 9, []),
]
NAMES = [
    ("current and previous proper nouns", "story", 31, [12, 13, 30, 31]),
    ("current and previous proper nouns", "story", 32, []),
    ("same name", "story", 31, [12, 13]),
    ("same name", "talk", 29, [1]),
    ("same name", "story", 13, []),
    ("another name", "talk", 7, [1]),
    ("another name", "talk", 16, [1]),
    ("another name", "talk", 29, [16]),
]
PRONOUNS = [
    ("nearest pronoun of the same kind", "chat", 25, [14]),
    ("nearest pronoun of the same kind", "story", 24, [15]),
    ("nearest pronoun of the same kind", "story", 33, []),
]
REPETITION = [
    ("duplicate token", "story", 17, [3, 8]),
    ("duplicate token", "story", 3, []),
    ("nearest duplicate token", "story", 17, [8]),
    ("duplicate bigram", "story", 31, [13]),
    ("duplicate bigram", "story", 30, []),
    ("nearest duplicate bigram", "story", 31, [13]),
    ("same token before", "story", 18, [4, 9]),
    ("after duplicate token", "story", 17, [4, 9]),
    ("after nearest duplicate token", "story", 17, [9]),
    ("after duplicate bigram", "story", 31, [14]),
    ("after nearest duplicate bigram", "story", 31, [14]),
    ("duplicate word", "story", 30, [12, 13]),
    ("duplicate word", "story", 22, [18]),
    ("nearest duplicate word", "story", 31, [12, 13]),
    ("same piece of a duplicate word", "story", 31, [13]),
    ("after duplicate word", "story", 22, [19]),
    ("after nearest duplicate word", "story", 31, [14]),
    ("words with the same lemma", "clauses", 14, [8]),
    ("words with the same lemma", "chat", 25, [14]),
    ("words with the same initial", "story", 21, [4, 6]),
    ("words with the same initial", "story", 14, []),
    ("nearest word of the same class", "story", 22, [18]),
    ("nearest word of the same class", "story", 31, [12, 13]),
    # "dog" and "Lily" have both been mentioned twice by then: the later of them.
    ("most repeated noun", "story", 37, [30, 31]),
    ("most repeated noun", "story", 23, [22]),
    ("most repeated noun", "story", 22, []),
]
SPANS = [
    ("same clause", "story", 18, [15, 16, 17, 18]),
    ("same clause", "story", 13, [11, 12, 13]),
    ("same clause", "story", 26, []),
    ("same clause fading", "story", 18, [15, 16, 17]),
    ("previous clause", "story", 23, [15, 16, 17, 18, 19]),
    ("previous clause", "story", 16, [11, 12, 13, 14]),
    ("same sentence", "story", 18, [15, 16, 17, 18]),
    ("same sentence fading", "story", 18, [15, 16, 17]),
    ("previous sentence", "story", 18, list(range(1, 15))),
    ("previous sentence", "story", 5, []),
    ("content words of the sentence", "story", 23, [16, 18, 22]),
    ("nouns of the sentence", "story", 23, [18, 22]),
    ("nouns of the sentence", "story", 32, [28, 30, 31]),
    ("verbs of the sentence", "story", 24, [16, 23]),
    ("first noun of the sentence", "story", 12, [4]),
    ("first noun of the sentence", "story", 3, []),
    ("subject and verb of the clause", "story", 24, [22, 23]),
]
STARTS = [
    ("start of the clause", "story", 24, [20]),
    ("start of the clause", "story", 13, [11]),
    ("start of the clause", "story", 26, []),
    ("start of the clause", "clauses", 9, [5]),
    ("start of the clause", "clauses", 16, [12]),
    ("first word of the clause", "story", 13, [11]),
    ("start of the previous clause", "story", 24, [15]),
    ("start of the previous clause", "clauses", 6, [1]),
    ("start of the sentence", "story", 24, [15]),
    # The opening mark is skipped: the sentence starts with "I".
    ("start of the sentence", "talk", 13, [11]),
    ("start of the previous sentence", "story", 24, [1]),
    ("start of the previous sentence", "story", 5, []),
    ("conjunction of the clause", "story", 24, [20]),
    ("conjunction of the clause", "story", 18, []),
    ("conjunction of the clause", "clauses", 16, [12]),
]
ROLES = [
    ("subject of the clause", "story", 32, [30, 31]),
    ("subject of the clause", "story", 24, [22]),
    ("subject of the clause", "story", 12, []),
    # The subject of "sad" is also that of "thought", which is joined to it.
    ("subject of the clause", "clauses", 11, [5]),
    ("verb of the clause", "story", 24, [23]),
    ("verb of the clause", "clauses", 9, [8]),
    ("end of the clause's verb", "story", 24, [23]),
    ("subject of the sentence", "story", 24, [15]),
    ("verb of the sentence", "story", 24, [16]),
    ("subject of the previous sentence", "story", 18, [10]),
    ("object of the clause", "story", 36, [33]),
    ("object of the clause", "story", 19, [18]),
    ("object of the clause", "story", 24, []),
    ("object of the sentence", "story", 24, [18]),
]
DEPENDENCIES = [
    ("syntactic head", "story", 24, [23]),
    ("syntactic head", "story", 15, []),
    ("end of the syntactic head", "story", 18, [16]),
    ("head of the syntactic head", "story", 17, [16]),
    ("dependents", "story", 10, [8, 9]),
    ("nearest dependent", "story", 10, [9]),
    ("nearest dependent", "story", 32, [30, 31]),
    ("siblings", "story", 24, [19, 20, 22]),
    ("modifiers of the noun", "story", 36, [34, 35]),
    ("modifiers of the noun", "story", 32, []),
    ("preposition of the noun", "story", 4, [2]),
    ("preposition of the noun", "story", 3, [2]),
    ("noun phrase so far", "story", 36, [34, 35]),
    ("noun phrase so far", "story", 35, [34]),
    ("word before the noun phrase", "story", 36, [33]),
    ("word before the noun phrase", "story", 35, [33]),
    ("word before the noun phrase", "story", 33, [32]),
]
DIALOGUE = [
    ("start of this turn", "talk", 6, [4]),
    ("start of this turn", "talk", 19, [10]),
    ("start of this turn", "talk", 22, [10]),
    ("start of this turn", "talk", 2, []),
    ("start of the last turn", "talk", 12, [4]),
    ("start of the last turn", "talk", 26, [10]),
    ("start of the last turn", "talk", 6, []),
    ("start of the speaker's last turn", "talk", 26, [4]),
    ("speaker", "talk", 6, [1]),
    ("speaker", "talk", 19, [16]),
    # Who speaks is said only after the speech.
    ("speaker", "talk", 12, []),
    ("speech verb of this speech", "talk", 6, [2]),
    ("speech verb of this speech", "talk", 19, [15]),
    ("speech verb of this speech", "talk", 12, []),
]
ANTECEDENTS = [
    # A girl is female, a dog may be: a listed gender is worth one sentence.
    ("antecedent", "story", 24, [10]),
    ("antecedent", "story", 15, [10]),
    # "day" is a time, "Lily" a person.
    ("antecedent", "story", 33, [22]),
    ("antecedent", "clauses", 15, [5]),
    ("antecedent", "story", 32, []),
    ("antecedent of the verb's object", "story", 32, [22]),
    ("antecedent of the verb's object", "story", 16, []),
    ("antecedent of the clause's subject", "story", 18, [10]),
    ("agreeing mentions", "story", 24, [10, 12, 13, 18, 22]),
]
CASES = [
    *(*POSITION, *PIECES, *PUNCTUATION, *SPEECH, *NAMES, *PRONOUNS, *REPETITION),
    *(*SPANS, *STARTS, *ROLES, *DEPENDENCIES, *DIALOGUE, *ANTECEDENTS),
]


@pytest.mark.parametrize(("name", "text", "query", "expected"), CASES)
def test_keys(name, text, query, expected):
    assert keys(name, TEXTS[text](), query) == expected


HALF, EIGHT = 0.5, 0.8824969  # exp(−1/8) = 0.8825
WEIGHTS = [
    ("fading by halves", "story", 3, {2: HALF, 1: HALF**2}),
    ("fading with distance", "story", 3, {2: 1.0, 1: 1 / 2}),
    ("fading over 4", "story", 3, {2: EIGHT**2, 1: EIGHT**4}),
    ("fading over 8", "story", 3, {2: EIGHT, 1: EIGHT**2}),
    ("fading over 32", "story", 3, {2: EIGHT**0.25, 1: EIGHT**0.5}),
    ("word ends fading", "clauses", 4, {3: 1.0, 2: 1 / 2, 1: 1 / 4}),
    ("same clause fading", "story", 18, {17: 1.0, 16: 1 / 2, 15: 1 / 3}),
    ("content words fading over 8", "clauses", 6, {5: EIGHT, 3: EIGHT**3, 2: EIGHT**4}),
]


@pytest.mark.parametrize(("name", "text", "query", "expected"), WEIGHTS)
def test_weights(name, text, query, expected):
    assert weights(name, TEXTS[text](), query) == pytest.approx(expected, rel=1e-5)


def test_words_fading_shares_a_word_among_its_pieces():
    found = weights("words fading", TEXTS["story"](), 16)
    # "She", the full stop, then "Lily" with 1/4 for its two pieces together, then "named".
    expected = {15: 1.0, 14: 1 / 2, 13: 1 / 8, 12: 1 / 8, 11: 1 / 8}
    assert {key: found[key] for key in expected} == expected


def test_every_relation_that_is_not_a_lift_has_a_case():
    lifted = {
        name.format(name=item.name)
        for item in FEATURES.values()
        for lift in item.lifts
        for _, name, _ in [LIFTS[lift]]
    }
    tried = {name for name, *_ in CASES} | {name for name, *_ in WEIGHTS} | {"words fading"}
    assert set(RELATIONS) - lifted - tried == set()
