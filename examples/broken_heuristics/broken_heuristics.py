"""Everything that can go wrong with a heuristic, each by itself; none of it is to be imitated."""

import time

import numpy as np

from heuristics import Text, feature, relation


@feature("broken: raises", lifts=("nearest",))
def raises(text: Text):
    """Looks up what is not there."""
    return {"red": text.is_start}["blue"]


@feature("broken: shape")
def shape(text: Text):
    """One position too few."""
    return text.is_start[:-1]


@feature("broken: type")
def type_(text: Text):
    """Numbers where truth values belong."""
    return text.matches({"red"}).astype(int)


@feature("broken: forgets")
def forgets(text: Text):
    """Does not return."""
    text.matches({"red"})


@feature("broken: writes")
def writes(text: Text):
    """Writes into the text that everybody else reads, too."""
    text.words[text.words == "red"] = "blue"
    return text.matches({"blue"})


@feature("broken: wavers")
def wavers(text: Text):
    """Draws lots."""
    return np.random.default_rng().random(len(text)) < 0.5


@feature("broken: slow")
def slow(text: Text):
    """Takes longer than anyone waits."""
    time.sleep(90)
    return text.is_start


@relation("broken: square")
def square(text: Text):
    """Not square."""
    return np.ones((len(text), 2), dtype=bool)


@relation("broken: not a number")
def not_a_number(text: Text):
    """0 / 0 where a row has no target."""
    same = (text.words[:, None] == text.words[None, :]) & (text.key < text.query)
    with np.errstate(invalid="ignore"):
        return same / same.sum(axis=1, keepdims=True)


@relation("broken: negative")
def negative(text: Text):
    """A distance is no weight."""
    return (text.key - text.query).astype(float)


@relation("broken: never")
def never(text: Text):
    """Keeps the contract and says nothing."""
    return np.zeros((len(text), len(text)), dtype=bool)


@relation("broken: ahead")
def ahead(text: Text):
    """Keeps the contract, but all that it names lies ahead of the query."""
    return text.key == text.query + 1
