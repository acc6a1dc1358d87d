"""What heads that learnt nothing reach on the run's prompts, where these are short.

The fewer tokens a query sees, the more of any pattern a few predictions explain: of heads with
random weights 0.3 to 0.6 on prompts of four tokens, so no one floor serves short prompts and long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from heuristics.text import Text
from labeler.fit_heads import HeadFit
from labeler.head_moments import of_heads
from labeler.intervals import r_squared
from labeler.progress import Progress
from labeler.reinitialised import reinitialised
from labeler.score import Scorer, Work
from labeler.session import Session
from labeler.significance import tested_labels
from labeler.statistics import Statistics
from labeler.thresholds import Thresholds

SHORT = 64
"""Prompts are short where their median is below so many tokens; copies read no longer ones."""
TOKENS = 20_000
"""No more are read: their cells stay in memory for every copy, half a gigabyte at most."""
COPIES, HEADS = (3, 12), 200
"""As many copies as have so many heads, within bounds. Heads of a copy share its embeddings, so
copies differ by more than their number of heads leaves to chance."""
BELOW = 0.98
"""The fraction of the copies' heads that stay below the floor: all but one in fifty."""
OF_PATTERNS = ("moment", "energy", "mass", "profile", "band_profile")
"""The statistics of heads that a copy has of its own; all others are of the texts."""


def is_short(session: Session) -> bool:
    """Whether labels are tested, on prompts so short that the floor for long ones says little."""
    return session.n_folds > 0 and session.median_tokens < SHORT


def limits_of_heads(session: Session, progress: Progress) -> Thresholds:
    """The run's thresholds; on short prompts `head_floor` is at least what copies' heads reach."""
    limits = session.settings.thresholds
    if not (session.settings.reinitialised and is_short(session)):
        return limits
    shape = session.model.shape
    n = int(np.clip(math.ceil(HEADS / (shape.n_layers * shape.n_heads)), *COPIES))
    progress.stage("compare heads", n, "re-initialised copies")
    read = [_read(session, texts) for texts in session.control_texts()]
    found = []
    for copy in range(n):
        with reinitialised(session.model, session.settings.seed + copy):
            folds = [_run(scorer, works) for scorer, works in read]
        found.append(held_out(session, folds))
        progress.advance()
    reached = float(np.quantile(np.concatenate(found), BELOW, method="higher"))
    return replace(limits, head_floor=max(limits.head_floor, math.ceil(reached * 1000) / 1000))


def said_of_short(session: Session, limits: Thresholds) -> str:
    """What a headline says where prompts are short; empty where that changes nothing."""
    if not is_short(session):
        return ""
    prompts = f"short prompts ({session.median_tokens:.0f} tokens at the median)"
    if not session.settings.reinitialised:
        return f"On {prompts} heads of any model may pass, and no re-initialised copy was read"
    if limits.head_floor <= session.settings.thresholds.head_floor:
        return ""
    reached = f"one head in fifty of re-initialised copies reaches R² {limits.head_floor:g}"
    return f"On {prompts} {reached}, and a label must explain more"


def _read(session: Session, texts: Sequence[Text]) -> tuple[Scorer, list[Work]]:
    """The first short texts of a fold, all that needs no model added up."""
    limit, own, tokens = TOKENS / session.n_folds, [], 0
    for text in texts:
        if len(text) < SHORT and tokens < limit:
            own.append(text)
            tokens += len(text)
    scorer = Scorer(session.model, session.vocabulary)
    scorer.hooks = []  # patterns alone
    return scorer, [scorer.read(batch) for batch in session.prepared(own)]


def _run(scorer: Scorer, works: Sequence[Work]) -> Statistics:
    """What a fold adds up to with the model's weights as they are."""
    scorer.sums |= {name: np.zeros_like(scorer.sums[name]) for name in OF_PATTERNS}
    for work in works:
        scorer.run(work)
    return of_heads(Statistics(dict(scorer.sums)))


def held_out(session: Session, folds: Sequence[Statistics]) -> Float[ndarray, " head"]:
    """Held-out R² of the labels of all heads, fitted and tested as a run's are."""
    shape, found = session.model.shape, []
    for kind in range(len(shape.kinds)):
        fit = HeadFit(folds, shape, session.vocabulary, kind, session.settings.thresholds)
        labels, _ = tested_labels(fit)
        found.append(r_squared(*fit.errors(labels))[0])
    return np.concatenate(found)
