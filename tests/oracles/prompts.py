"""Synthetic story prompts over the oracles' vocabulary: seeded, distinct, 25 to 60 tokens."""

from __future__ import annotations

import random
from collections.abc import Callable

from .vocabulary import HE_NAMES, NAMES, pieces

SHORTEST, LONGEST = 25, 60

_PLACES = ("park", "house", "tree", "boat")
_THINGS = ("dog", "cat", "ball", "box", "hat", "bird", "cake")
_QUALITIES = ("big", "little", "red", "new")
_MOODS = ("happy", "sad")


class _Story:
    """The choices of one story: its two characters and the words its sentences draw."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.cast = [name.strip() for name in rng.sample(NAMES, 2)]

    def who(self) -> tuple[str, str]:
        """The two characters in either order."""
        first, second = self.rng.sample(self.cast, 2)
        return first, second

    def he(self, name: str) -> str:
        return "he" if f" {name}" in HE_NAMES else "she"

    def him(self, name: str) -> str:
        return "him" if f" {name}" in HE_NAMES else "her"

    def his(self, name: str) -> str:
        return "his" if f" {name}" in HE_NAMES else "her"

    def place(self) -> str:
        return self.rng.choice(_PLACES)

    def thing(self) -> str:
        return self.rng.choice(_THINGS)

    def noun(self) -> str:
        return self.rng.choice((f"{self.rng.choice(_QUALITIES)} {self.thing()}", self.thing()))

    def mood(self) -> str:
        return self.rng.choice(_MOODS)


def _start(s: _Story) -> str:
    a, b = s.who()
    return s.rng.choice(
        (
            f"One day, {a} went to the {s.place()} with {b}.",
            f"Every day, {a} and {b} wanted to play in the {s.place()}.",
            f"One day, {a} had a {s.noun()}, and {b} had a {s.noun()}.",
            f"Every day {a} ran to the {s.place()} with {s.his(a)} {s.thing()}.",
            f"One {s.noun()} was in the {s.place()} with {a} and {b}.",
            f"One day {a} found a friend.",
        )
    )


def _but(s: _Story) -> str:
    a, b = s.who()
    return s.rng.choice(
        (
            f" {a} saw a {s.noun()}, but {s.he(a)} was not {s.mood()}.",
            f" {b} liked the {s.noun()}, but {a} wanted to see the {s.noun()}.",
            f" But {a} was {s.mood()}, so {s.he(a)} sat in the {s.place()}.",
            f" {a} wanted the {s.thing()}, but {b} took it to the {s.place()}.",
        )
    )


def _speech(s: _Story) -> str:
    a, b = s.who()
    verb = s.rng.choice(("said", "cried"))
    return s.rng.choice(
        (
            f' {a} {verb}, "Look at the {s.noun()}!"',
            f' "Come with {s.rng.choice(("him", "her"))}," {verb} {a}.',
            f' "Where is the {s.noun()}?" asked {b}.',
            f' {a} asked {b}, "You saw a {s.noun()}?"',
            f' "We had a {s.noun()}, and it was {s.mood()}," {verb} {b}.',
            f' {b} {verb}, "I see the {s.noun()}." {a} smiled.',
            f' The {s.thing()} ran, and {a} {verb}, "Come to {s.his(a)} {s.thing()}!"',
        )
    )


def _answer(s: _Story) -> str:
    a, b = s.who()
    return s.rng.choice(
        (
            f' "No," said {a}, "it is in the {s.place()}."',
            f' "Yes, you see it too!" said {b}.',
            f' {a} said, "No, {b}, it is the {s.thing()}."',
            f' "I see, and then we play," {b} said.',
        )
    )


def _plain(s: _Story) -> str:
    a, b = s.who()
    return s.rng.choice(
        (
            f" Then {a} gave {b} a {s.noun()}, and {s.he(b)} smiled.",
            f" {a} ran to the {s.place()}, and {b} ran to {s.him(a)}.",
            f" They found the {s.noun()} at the {s.place()}.",
            f" He liked the {s.thing()}, and she liked the {s.thing()} too.",
            f" Then {a} and {b} sat with the {s.noun()}.",
            f" The {s.noun()} was in the {s.place()}, and they wanted to help.",
            f" She went to {s.his(b)} mom and gave {s.his(b)} mom a hug.",
            f" {a} had a {s.mood()} friend.",
            f" {b} took the {s.thing()}, and then {s.he(b)} went to {s.him(a)}.",
        )
    )


_SENTENCES: tuple[Callable[[_Story], str], ...] = (_but, _speech, _answer, _plain)


def _prompt(rng: random.Random) -> str:
    """One story: a start and one speech, somewhere, among sentences drawn up to its length."""
    story = _Story(rng)
    wanted = rng.randint(SHORTEST, LONGEST - 3)
    text = _start(story)
    if rng.random() < 0.5:
        text += rng.choice((_but, _plain))(story)
    text += _speech(story)
    while len(pieces(text)) < wanted:
        longer = text + rng.choice(_SENTENCES)(story)
        if len(pieces(longer)) > LONGEST:
            break
        text = longer
    return text


def prompts(count: int = 200, seed: int = 0) -> list[str]:
    """Distinct prompts without BOS; a larger count begins with the smaller count's prompts."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        text = _prompt(rng)
        if SHORTEST <= len(pieces(text)) <= LONGEST:
            found[text] = None
    return list(found)
