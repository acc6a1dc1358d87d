"""Dependency labels: spaCy's English scheme (ClearNLP) named in Universal Dependencies.

References: universaldependencies.org/u/dep for the target; the label scheme of spaCy's
`en_core_web_*` pipelines, after Choi & Palmer, "Guidelines for the CLEAR Style Constituent to
Dependency Conversion" (2012), for the source.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Int
from numpy import ndarray

SPACY_TO_UD = {
    "ROOT": "root",
    "acomp": "xcomp",
    "agent": "case",
    "attr": "xcomp",
    "auxpass": "aux:pass",
    "csubjpass": "csubj:pass",
    "dative": "iobj",
    "dobj": "obj",
    "intj": "discourse",
    "meta": "dep",
    "neg": "advmod",
    "npadvmod": "obl:npmod",
    "nsubjpass": "nsubj:pass",
    "oprd": "xcomp",
    "pcomp": "advcl",
    "pobj": "obl",
    "poss": "nmod:poss",
    "preconj": "cc:preconj",
    "predet": "det:predet",
    "prep": "case",
    "prt": "compound:prt",
    "quantmod": "advmod",
    "relcl": "acl:relcl",
}
"""Labels that the two schemes spell differently; the others are shared (`nsubj`, `det`, …)."""

_SPACY_ONLY = frozenset(SPACY_TO_UD) - {"ROOT"}


def scheme_of(labels: Collection[str]) -> Literal["ud", "spacy"]:
    """Which scheme a pipeline's labels are in: spaCy's if any of them exists only there.

    `labels` may be the labels of a text or those that a parser declares.
    """
    return "spacy" if _SPACY_ONLY.intersection(labels) else "ud"


def normalise(dep: Sequence[str]) -> list[str]:
    """Labels in Universal Dependencies names; Universal Dependencies labels are left as they are.

    Labels are renamed one by one, heads stay: in spaCy's scheme a preposition (`prep`, now `case`)
    still governs its object (`pobj`, now `obl`); `content_heads` turns that round.
    """
    return [SPACY_TO_UD.get(label, label) for label in dep]


def content_heads(dep: ndarray, head: Int[ndarray, " word"]) -> Int[ndarray, " word"]:
    """Heads as Universal Dependencies has them: a preposition hangs on its object.

    In "sat on the mat" spaCy has sat → on → mat, Universal Dependencies sat → mat → on. A tree
    that is in Universal Dependencies already has no `obl` under a `case` and comes back as it is.
    """
    turned = head.copy()
    for word in np.flatnonzero((dep == "obl") & (dep[head] == "case")):
        preposition = head[word]
        if turned[preposition] == head[preposition]:
            turned[word] = head[preposition]
            turned[preposition] = word
        else:
            turned[word] = turned[preposition]
    return turned
