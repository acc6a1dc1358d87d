"""What is said of a head: predictions with their shares, for all queries or those of a class."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from numpy import ndarray

from labeler.classes import Group


@dataclass(frozen=True)
class Term:
    """One prediction of a label: the share of attention it assigns, and how often it can."""

    relation: int
    share: float
    coverage: float

    @property
    def weight(self) -> float:
        """The attention that goes to its targets at a query that has some."""
        return self.share / self.coverage if self.coverage > 0 else 0.0


@dataclass(frozen=True)
class Rule:
    """Predictions for a set of query classes; the remainder spreads over all visible keys."""

    terms: tuple[Term, ...]
    leaves: tuple[int, ...]
    group: Group | None = None

    @property
    def query_class(self) -> str:
        """The name of its class; empty for the general rule."""
        return self.group.name if self.group else ""

    @property
    def where(self) -> str:
        """Its class as a label words it, "on a comma"; empty for the general rule."""
        return self.group.wording if self.group else ""

    @property
    def remainder(self) -> float:
        """The share that is not assigned."""
        return max(0.0, 1.0 - sum(term.share for term in self.terms))

    def moved(self, even: Float[ndarray, " relation"]) -> float:
        """The attention that it takes from an even spread where all its predictions have targets.

        `even` is what an even spread gives the targets of each relation where it has some. A
        fraction, 0 to 1: a head that looks to rare targets alone moves all of it at few queries,
        one that looks to all tokens but the first moves next to nothing.
        """
        return min(1.0, sum(term.weight * (1 - even[term.relation]) for term in self.terms))


@dataclass(frozen=True)
class HeadLabel:
    """What is said of a head: a general rule and its exceptions, disjoint in query classes."""

    name: str
    general: Rule
    exceptions: tuple[Rule, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The exceptions, then the general rule."""
        return (*self.exceptions, self.general)
