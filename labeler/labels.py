"""What is said of a head: predictions with their shares, for all queries or those of a class."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def moved(self) -> float:
        """The attention that it takes from an even spread where all its predictions have targets.

        A fraction, 0 to 1: a head that looks to rare targets alone moves all of it at few queries.
        """
        return min(1.0, sum(term.weight for term in self.terms))


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
