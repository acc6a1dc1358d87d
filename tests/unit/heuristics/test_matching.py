import numpy as np

from heuristics.matching import at_keys, at_words, codes, match, merged
from heuristics.targets import Targets

from .making import make_text


def rows(targets, n):
    return [targets.key[targets.query == q].tolist() for q in range(n)]


def test_match_finds_earlier_keys_with_the_same_code():
    code = np.array([7, 1, 2, 1, 2, 1])
    assert rows(match(code).every(), 6) == [[], [], [], [1], [2], [1, 3]]
    assert match(code).nearest().tolist() == [-1, -1, -1, 1, 2, 3]
    assert match(code).first().tolist() == [-1, -1, -1, 1, 2, 1]
    assert match(code).previous().tolist() == [-1, -1, -1, -1, -1, 1]


def test_recent_weighs_by_rank_from_the_nearest():
    found = match(np.array([9, 1, 1, 1, 1])).recent()
    assert found.key[found.query == 4].tolist() == [1, 2, 3]
    assert found.weight[found.query == 4].tolist() == [1 / 3, 1 / 2, 1]


def test_position_0_is_never_a_key_and_negative_codes_match_nothing():
    assert rows(match(np.array([1, 1, -1, -1])).every(), 4) == [[], [], [], []]


def test_query_code_marked_and_limit_narrow_the_keys():
    key_code, query_code = np.array([0, 1, 1, 2, 1]), np.array([0, 2, 2, 1, 1])
    assert rows(match(key_code, query_code).every(), 5) == [[], [], [], [1, 2], [1, 2]]
    marked = np.array([True, False, True, True, True])
    assert rows(match(key_code, query_code, marked=marked).every(), 5)[3:] == [[2], [2]]
    limit = np.array([0, 1, 2, 2, 5])
    assert rows(match(key_code, query_code, limit=limit).every(), 5)[3:] == [[1], [1, 2, 4]]


def test_nothing_to_match_gives_no_targets():
    assert match(np.array([0, 0])).nearest().tolist() == [-1, -1]
    assert match(np.zeros(0, dtype=np.int64)).nearest().tolist() == []


def test_codes_number_equal_strings_alike_and_leave_blanks_out():
    assert codes(np.array(["b", "", "a", "b"], dtype=object)).tolist() == [1, -1, 2, 1]


def test_at_keys_widens_a_piece_to_its_word_but_not_past_the_query():
    text = make_text("ban|an|a| ripe")
    on_second_piece = np.array([-1, -1, 2, 2, 2])
    assert rows(at_keys(text, on_second_piece), 5) == [[], [], [1, 2], [1, 2, 3], [1, 2, 3]]
    assert rows(at_keys(text, on_second_piece, "first"), 5)[4] == [1]
    assert rows(at_keys(text, on_second_piece, "last"), 5)[2:] == [[], [3], [3]]


def test_at_words_leaves_out_words_that_are_not_over():
    text = make_text("ban|an|a| ripe")
    assert rows(at_words(text, np.array([-1, 0, 0, 0, 0])), 5) == [[], [], [], [], [1, 2, 3]]
    assert rows(at_words(text, np.array([-1, 1, 1, 1, 1])), 5) == [[], [], [], [], []]


def test_merged_keeps_pairs_sorted_by_query():
    one = Targets.from_keys(np.array([-1, -1, 1]))
    other = Targets.from_keys(np.array([-1, 1, -1]))
    assert merged([one, other]).query.tolist() == [1, 2]
