"""Prompts that judge and are nearly those that chose."""

from __future__ import annotations

import random

import pytest

from labeler.corpus import Prompt
from labeler.near import near_copies, shared

WORDS = [f"word{number}" for number in range(2_000)]


def _prompts(count: int, length: int, copies: int = 1) -> list[Prompt]:
    draw = random.Random(0)
    found = []
    for number in range(count):
        words = draw.choices(WORDS, k=length)
        for copy in range(copies):
            words[copy] = f"other{copy}"  # each copy has one word more that is its own
            found.append(Prompt(f"{number}/{copy}", " ".join(words)))
    return found


def test_texts_of_their_own_share_nothing():
    assert shared(_prompts(200, 60), 16) == 0


def test_copies_that_differ_by_a_word_are_seen():
    # With ten copies of each, one is nearly always on the other side.
    assert shared(_prompts(20, 60, copies=10), 16) > 0.9


def test_a_template_is_seen_and_a_common_beginning_is_not():
    names = [(a, b) for a in WORDS[:20] for b in WORDS[20:40]]
    told = " went to the store and then one of them gave a drink to the other one again and again"
    assert shared([Prompt(a + b, f"{a} and {b}{told}") for a, b in names], 16) == 1
    opened = [
        Prompt(prompt.id, f"Once upon a time there was a little girl. {prompt.text}")
        for prompt in _prompts(100, 60)
    ]
    assert shared(opened, 16) == 0


@pytest.mark.parametrize("text", ["", "...", "one", "one two three"])
def test_short_prompts_are_one_run(text: str):
    assert shared([Prompt("a", text), Prompt("b", "entirely other words")], 16) in (None, 0.0)


def test_where_nothing_is_folded_there_is_nothing_to_say():
    assert shared(_prompts(3, 5), 0) is None


def test_it_is_said_from_a_tenth_on():
    assert near_copies({"shared": 0.09}) == near_copies({"shared": None}) == near_copies({}) == ""
    assert near_copies({"shared": 0.34}).startswith("34% of the prompts that judge have most")
