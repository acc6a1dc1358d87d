"""Tokens, words and characters."""

import numpy as np
import pytest

from heuristics import Text

from .making import make_text
from .stories import TEXTS


def test_tokens_and_words():
    text = make_text("Tim|my| ran|.")
    assert text.tokens.tolist() == ["", "Tim", "my", " ran", "."]
    assert text.word.tolist() == [-1, 0, 0, 1, 2]
    assert text.piece.tolist() == [-1, 0, 1, 0, 0]
    assert text.word_start.tolist() == [0, 1, 1, 3, 4]
    assert text.word_end.tolist() == [0, 2, 2, 3, 4]
    assert text.first_position.tolist() == [1, 3, 4]
    assert text.last_position.tolist() == [2, 3, 4]
    assert text.initials.tolist() == ["", "t", "t", "r", ""]


def test_a_token_over_two_words_belongs_to_the_one_it_shares_most_with():
    text = make_text('it". Tom| ran')
    # The parse sees: it, ", ., Tom, ran.
    assert text.words.tolist() == ["", "tom", "ran"]


def test_a_lone_space_joins_the_word_it_opens_and_a_line_break_joins_none():
    text = make_text("a| |b|\n|c")
    assert text.word.tolist() == [-1, 0, 1, 1, -1, 2]
    assert text.piece.tolist() == [-1, 0, 0, 1, -1, 0]


def test_byte_pieces_share_their_character():
    text = make_text("a|🙂×4|b")
    assert text.offsets[2:6].tolist() == [[1, 2]] * 4
    assert text.on_characters(np.array([False, True, False])).tolist() == [
        *(False, False),
        *(True, True, True, True),
        False,
    ]
    assert text.char_position.tolist() == [1, 5, 6]
    assert text.at_character(1) == 5
    assert text.at_character(99) == -1


def test_per_word_values_reach_all_pieces():
    text = make_text("Tim|my| ran|.")
    assert text.on_words(np.array([True, False, True])).tolist() == [False, True, True, False, True]
    assert text.of_word(np.array([7, 8, 9]), -1).tolist() == [-1, 7, 7, 8, 9]
    assert text.matches({"TIMMY"}).tolist() == [False, True, True, False, False]
    assert text.regex(r"m.").tolist() == [False, True, True, False, False]


def test_grammar_reaches_positions():
    story = TEXTS["story"]()
    assert story.pos[12:14].tolist() == ["PROPN", "PROPN"]
    assert story.dep[7] == "root"
    assert story.head[13] == 11
    assert story.clause_start[24] == 20
    assert story.sentence_start[13] == 1


def test_words_cut_off_have_no_position():
    story = TEXTS["story"]()
    cut = Text("cut", story.string, story.token_ids[:5], story.offsets[:5], True, story.parse)
    assert cut.last_position[:4].tolist() == [1, 2, 3, 4]
    assert set(cut.last_position[4:].tolist()) == {-1}


def test_a_memo_is_computed_once_and_kept_with_its_text():
    calls = []

    def count(text):
        calls.append(text.id)
        return len(text)

    one, other = make_text("a|b"), make_text("a|b|c")
    assert [one.memo(count), one.memo(count), other.memo(count)] == [3, 3, 4]
    assert len(calls) == 2


@pytest.mark.parametrize("name", TEXTS)
def test_query_and_key_broadcast(name):
    text = TEXTS[name]()
    causal = text.key <= text.query
    assert causal.shape == (len(text), len(text))
    assert (causal == np.tril(np.ones_like(causal))).all()


def test_the_same_value_at_query_and_key():
    text = make_text("Tim|my| ran|\n|timmy")
    assert text.same(text.words).astype(int).tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 1],
        [0, 1, 1, 0, 0, 1],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 1],
    ]
    assert text.same(text.position % 2).sum() == 18


def test_speech_by_position():
    text = make_text('Tom| said|, "|Hi|, “|you|”|."| Then')
    assert text.speech_depth.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 1, 0]
    assert text.speech_opener.tolist() == [-1, -1, -1, -1, 3, 3, 5, 5, 3, -1]


def test_the_speaker_by_position():
    parse = 'Tom/PROPN/nsubj/2 said/VERB/root/0 ,/PUNCT/punct/2 "/PUNCT/punct/5 Hi/INTJ/obj/2'
    text = make_text('T|om| said|,| "|Hi', parse)
    assert text.speech_speaker.tolist() == [-1, -1, -1, -1, -1, -1, 2]
