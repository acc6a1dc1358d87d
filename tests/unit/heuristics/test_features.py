"""Every feature, with the positions that its definition gives on a hand-made text."""

import pytest

from .making import FEATURES, fires, make_text
from .stories import TEXTS

WORDS = make_text("But| day| for| had| in| not| of| so| that| the| to| was| with| a| and", bos=True)

# Each case: a feature, a text and all positions at which it fires.
CASES = [
    # pieces
    ("first piece", "story", [12, 30]),
    ("second piece", "story", [13, 31]),
    ("third piece", "chat", [20]),
    ("fourth piece or later", "chat", []),
    ("last piece", "story", [13, 31]),
    ("word continuation", "chat", [19, 20]),
    ("whole word", "curly", [4, 8, 9, 12, 13, 15, 16]),
    ("word beginning", "curly", [4, 8, 9, 12, 13, 15, 16]),
    ("word ending", "curly", [4, 8, 9, 12, 13, 15, 16]),
    # position
    ("first position", "talk", [0]),
    ("position 1 to 7", "talk", list(range(1, 8))),
    ("position 8 to 31", "talk", list(range(8, 31))),
    ("position 32 to 127", "story", list(range(32, 38))),
    ("position 128 and later", "story", []),
    # punctuation
    ("comma", "talk", [3, 14, 20]),
    ("full stop", "curly", [10, 14, 17]),
    ("exclamation mark", "talk", [27]),
    ("question mark", "talk", [8]),
    ("line break", "talk", [9, 24]),
    ("semicolon", "chat", [11]),
    ("colon", "chat", [22]),
    ("dash", "chat", [27]),
    ("ellipsis", "chat", [26]),
    ("sentence-ending mark", "talk", [8, 17, 23, 27, 30]),
    ("strong mark", "chat", [4, 11, 13, 22]),
    ("punctuation mark", "chat", [2, 4, 11, 13, 22, 26, 27]),
    ("other punctuation", "chat", [11, 22, 26, 27]),
    ("structural pivot", "talk", [0, 3, 14, 17, 20, 23, 30]),
    ("apostrophe", "chat", [7]),
    ("hyphen", "chat", [19]),
    # speech
    ("opening speech mark", "talk", [4, 10, 18, 25]),
    ("opening speech mark", "curly", [1, 2, 3, 11]),
    ("closing speech mark", "talk", [8, 14, 20, 27]),
    ("closing speech mark", "curly", [5, 6, 7, 14]),
    ("speech mark", "curly", [1, 2, 3, 5, 6, 7, 11, 14]),
    ("speech", "talk", [5, 6, 7, 8, 11, 12, 13, 14, 19, 20, 26, 27]),
    ("narration", "curly", [8, 9, 10, 15, 16, 17]),
    ("speech opening word", "curly", [4, 12]),
    ("speech opening word", "talk", [5, 11, 19, 26]),
    ("verb in speech", "talk", []),
    ("speech verb", "talk", [2, 15, 22, 28]),
    ("speech verb", "curly", [8]),
    ("verb before a name", "talk", [6, 15, 28]),
    ("speaker's name", "talk", [1, 16, 21, 29]),
    # names
    ("proper noun", "story", [12, 13, 30, 31]),
    # Without a parse a capital counts inside a sentence: "Tom" at 15 opens one.
    ("proper noun", "curly", [9]),
    ("capitalised word", "story", [1, 12, 13, 15, 27, 30, 31]),
    ("capital inside a sentence", "story", [12, 13, 30, 31]),
    ("first name of the text", "talk", [1, 29]),
    ("name as subject", "story", [30, 31]),
    ("female name", "story", [12, 13, 30, 31]),
    ("male name", "talk", [1, 29]),
    ("person", "story", [10, 12, 13, 30, 31]),
    ("animal", "story", [18, 22]),
    # word classes
    ("noun", "story", [4, 10, 18, 22, 28, 36]),
    ("verb", "story", [7, 11, 16, 23, 32]),
    ("auxiliary", "chat", [6, 15]),
    ("adjective", "story", [9, 35]),
    ("adverb", "chat", [10, 12]),
    ("determiner", "story", [3, 8, 17, 21, 34]),
    ("preposition", "story", [2]),
    ("coordinating conjunction", "story", [20]),
    ("subordinating conjunction", "clauses", [1, 12]),
    ("number", "chat", [23]),
    ("number", "story", [27]),
    ("particle", "chat", [7]),
    ("interjection", "chat", [1, 28]),
    ("content word", "clauses", [2, 3, 5, 7, 9, 11, 16]),
    ("function word", "clauses", [1, 6, 8, 10, 12, 13, 14, 15]),
    # closed classes
    ("negation", "chat", [7]),
    ("wh-word", "chat", [12]),
    ("adverb of time", "chat", [10]),
    ("article", "story", [3, 8, 17, 21, 34]),
    ("clitic", "chat", [7]),
    ("plural noun", "chat", [9, 21]),
    ("past tense", "clauses", [3, 8, 11, 14]),
    ("ing-form", "chat", [16]),
    ("base form", "chat", [8]),
    # pronouns
    ("pronoun", "story", [6, 15, 24, 33]),
    ('pronoun "he"', "chat", [14, 25]),
    ('pronoun "she"', "story", [15, 24]),
    ('pronoun "it"', "story", [33]),
    ('pronoun "they"', "story", []),
    ('pronoun "I"', "chat", [5]),
    ('pronoun "you"', "story", []),
    ("third-person pronoun", "clauses", [13, 15]),
    # repetition
    ("repeated token", "clauses", [14]),
    ("repeated bigram", "story", [31]),
    ("repeated word", "story", [8, 17, 22, 30, 31, 34]),
    ("new word", "clauses", [2, 3, 5, 7, 9, 11, 16]),
    # clauses
    ("clause start", "story", [1, 11, 15, 20, 27]),
    ("clause start", "clauses", [1, 5, 10, 12]),
    ("sentence start", "talk", [1, 11, 19, 26]),
    ("coordinating start", "story", [20]),
    ("subordinate start", "clauses", [1, 12]),
    ("paragraph start", "talk", [1, 11, 26]),
    # roles
    ("subject", "story", [10, 15, 22, 30, 31]),
    ("object", "story", [18, 24, 33, 36]),
    ("clause verb", "clauses", [3, 8, 11, 14]),
    ("main verb of a sentence", "clauses", [8]),
    # dependencies
    ("dependency root", "story", [7, 16, 32]),
    ("dependency obl", "story", [4, 28]),
    ("dependency nmod", "clauses", [15]),
    ("dependency amod", "story", [9, 35]),
    ("dependency compound", "story", []),
    ("dependency conj", "story", [23]),
    ("dependency advcl", "clauses", [3]),
    ("dependency acl", "story", [11]),
    ("dependency ccomp", "clauses", [16]),
    ("dependency xcomp", "story", [12, 13]),
    ("dependency advmod", "chat", [7, 10]),
    ("dependency mark", "clauses", [1, 12]),
    ("dependency cop", "clauses", [8, 14]),
    ("dependency vocative", "chat", [3]),
]


@pytest.mark.parametrize(("name", "text", "expected"), CASES)
def test_positions(name, text, expected):
    assert fires(name, TEXTS[text]()) == expected


SINGLE_WORDS = ["but", "day", "for", "had", "in", "not", "of", "so"]
SINGLE_WORDS += ["that", "the", "to", "was", "with", "a", "and"]


@pytest.mark.parametrize(("position", "word"), list(enumerate(SINGLE_WORDS, start=1)))
def test_single_words_need_no_parse(position, word):
    assert fires(f'"{word}"', WORDS) == [position]


def test_every_feature_has_a_case():
    tried = {name for name, *_ in CASES} | {f'"{word}"' for word in SINGLE_WORDS}
    assert set(FEATURES) - tried == set()


@pytest.mark.parametrize(
    ("string", "marked"),
    [
        ("Mr.| Fox| ran|.", [4]),
        ("3|.|5| m|.", [5]),
        ("Well|..|.| no|.", [5]),
        ("It| is| 1|,|000|.", [6]),
        ("The| U|.|S|.| is| big|.", [8]),
        ("Eat|,| e|.|g|.| a| plum|.", [2, 9]),
        ("See| www|.|a|.|com|/b|.|txt|.", [10]),
        # A space that was forgotten; a letter by itself.
        ("So|.|He| is| I|.", [2, 6]),
        # Titles, in capitals too; initials; the numbers of a list.
        ("MR|.| J|.| Fox| of| St|.| Ives| ran|.", [11]),
        ("1|.| Wait|.|\n|12|.| Run| 3|.", [4, 10]),
        # Marks of other scripts.
        ("好|，|好|。", [2, 4]),
        ("नमस्ते|।| نعم|،", [2, 4]),
    ],
)
def test_not_every_dot_or_comma_is_a_mark(string, marked):
    text = make_text(string)
    assert sorted({*fires("full stop", text), *fires("comma", text)}) == marked


PIECES = ["first piece", "second piece", "third piece", "fourth piece or later"]


@pytest.mark.parametrize("name", [*PIECES, "last piece", "word continuation"])
def test_a_mark_or_an_emoji_in_byte_pieces_is_no_word(name):
    # A word of four pieces among them: 8 to 11.
    text = make_text("“×3|a| 🙂×3|el|ep|han|ts")
    expected = dict(zip(PIECES, [[8], [9], [10], [11]], strict=True))
    expected |= {"last piece": [11], "word continuation": [9, 10, 11]}
    assert fires(name, text) == expected[name]


def test_marks_of_other_scripts_have_their_names():
    text = make_text("好|！|吗|？| هل|؟|好|：|好|；")
    assert fires("exclamation mark", text) == [2]
    assert fires("question mark", text) == [4, 6]
    assert fires("colon", text) == [8]
    assert fires("semicolon", text) == [10]
    assert fires("strong mark", text) == [2, 4, 6, 8, 10]


def test_an_underscore_is_a_mark_unless_inside_a_word():
    assert fires("punctuation mark", make_text("_|So|_| a|_|b|'|s| it|'| -")) == [1, 3, 10, 11]


def test_a_bullet_at_the_start_is_a_dash():
    assert fires("dash", make_text("-| a|-|b| -| c")) == [1, 5]


def test_a_rule_or_the_line_of_a_table_is_no_dash():
    assert fires("dash", make_text("so|--|a|---|b|\n|-----|\n||||---|---:||")) == [2, 4]


def test_a_token_may_carry_several_marks():
    text = make_text('He| said|,| "|Take| it|". Tom| left|.')
    assert fires("closing speech mark", text) == [7]
    assert fires("full stop", text) == [7, 9]
    assert fires("speech", text) == [5, 6]


def test_a_mark_that_closes_speech_is_no_apostrophe():
    text = make_text("‘|Go|’| is|n|’t| it|.")
    assert fires("closing speech mark", text) == [3]
    assert fires("apostrophe", text) == [6]


def test_a_paragraph_break_closes_speech():
    text = make_text('"|Hello|!|\n|He| left|.')
    assert fires("speech", text) == [2, 3]
    assert fires("closing speech mark", text) == []
