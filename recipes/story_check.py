"""Judges a pipeline on the hand-annotated story sentences, kind by kind.

python recipes/story_check.py PIPELINE_FOLDER tests/data/story_check.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Token

MARKS = frozenset("|^*_~=")
CLAUSE_LABELS = frozenset({"ROOT", "ccomp", "advcl", "csubj", "parataxis"})


@dataclass(frozen=True)
class MarkedText:
    """A paragraph and, for each mark, the offsets of the characters it stands before."""

    text: str
    places: dict[str, frozenset[int]]


def read_marked(marked: str) -> MarkedText:
    """Takes the marks out of a paragraph."""
    places: dict[str, set[int]] = {mark: set() for mark in MARKS}
    plain: list[str] = []
    for character in marked:
        if character in MARKS:
            places[character].add(len(plain))
        else:
            plain.append(character)
    return MarkedText("".join(plain), {mark: frozenset(at) for mark, at in places.items()})


def heads_clause(token: Token) -> bool:
    """Whether the token heads a main, coordinated, subordinate, relative or quoted clause."""
    label = token.dep_
    if label == "conj" and heads_clause(token.head):
        below = {child.dep_.partition(":")[0] for child in token.children}
        return token.pos_ in {"VERB", "AUX"} or not below.isdisjoint({"nsubj", "cop", "aux"})
    return label.partition(":")[0] in CLAUSE_LABELS or label == "acl:relcl"


def clause_starts(document: Doc) -> frozenset[int]:
    """Offsets of the first word of each clause that is in no clause inside it."""
    first: dict[int, int] = {}
    for token in document:
        if token.is_punct or token.is_space:
            continue
        head = token
        while not heads_clause(head):
            head = head.head
        first.setdefault(head.i, token.idx)
    return frozenset(first.values())


def predicted_places(document: Doc) -> dict[str, frozenset[int]]:
    """What the pipeline finds, by mark; speech and quotations are judged apart."""
    words = [token for token in document if not token.is_space]
    return {
        "|": frozenset(token.idx for token in words if _starts_sentence(token)),
        "^": clause_starts(document),
        "*": frozenset(token.idx for token in words if token.pos_ == "PROPN"),
        "_": frozenset(token.idx for token in words if token.dep_.startswith("nsubj")),
    }


def _starts_sentence(token: Token) -> bool:
    sentence = token.sent
    return token.i == next((t.i for t in sentence if not t.is_space), -1)


def quotations(document: Doc, marked: MarkedText) -> Iterable[tuple[str, bool]]:
    """Kind and outcome for every speech mark that opens, and every speech verb."""
    by_offset = {token.idx: token for token in document}
    starts = sorted(marked.places["|"])
    ends = [*starts[1:], len(marked.text)]
    for start, end in zip(starts, ends, strict=True):
        inside = range(start, end)
        heads = sorted(marked.places["="].intersection(inside))
        verbs = sorted(marked.places["~"].intersection(inside))
        if verbs and heads:
            verb, head = by_offset.get(verbs[0]), by_offset.get(heads[0])
            found = verb is not None and head is not None and _is_said(head, verb)
            yield "speech verb", found
        for place in inside:
            if marked.text[place] in '"“' and _opens(marked.text, place):
                yield from _opening(by_offset, place, heads)


def _is_said(head: Token, verb: Token) -> bool:
    return head.head == verb and head.dep_ == "ccomp" and verb.pos_ == "VERB"


def _opens(text: str, place: int) -> bool:
    return text[place] == "“" or text[:place].count('"') % 2 == 0


def _opening(
    by_offset: dict[int, Token], place: int, heads: list[int]
) -> Iterable[tuple[str, bool]]:
    mark = by_offset.get(place)
    head = next((at for at in heads if at > place), None)
    yield "opening mark on quoted head", mark is not None and mark.head.idx == head
    alone = mark is None or mark.head == mark or mark.sent[-1] == mark
    yield "opening mark not a root", not alone


def f_score(found: int, right: int, wanted: int) -> float:
    """Harmonic mean of precision and recall, 0 to 1."""
    return 2 * right / (found + wanted) if found + wanted else 1.0


def check(nlp: Language, paragraphs: Iterable[str]) -> dict[str, float]:
    """Figures from 0 to 1: F1 for things found, shares for what is right or wrong."""
    names = {"|": "sentence starts", "^": "clause starts", "*": "proper nouns", "_": "subjects"}
    counts = {mark: [0, 0, 0] for mark in names}
    outcomes: dict[str, list[bool]] = {}
    for marked in map(read_marked, paragraphs):
        document = nlp(marked.text)
        for mark, found in predicted_places(document).items():
            wanted = marked.places[mark]
            added = (len(found), len(found & wanted), len(wanted))
            counts[mark] = [a + b for a, b in zip(counts[mark], added, strict=True)]
        for kind, right in quotations(document, marked):
            outcomes.setdefault(kind, []).append(right)
    figures = {f"{names[mark]} (F1)": f_score(*count) for mark, count in counts.items()}
    return figures | {kind: sum(right) / len(right) for kind, right in outcomes.items()}


def differences(nlp: Language, paragraphs: Iterable[str]) -> Iterable[str]:
    """One line for each place marked differently."""
    for marked in map(read_marked, paragraphs):
        for mark, found in predicted_places(nlp(marked.text)).items():
            for place in sorted(found ^ marked.places[mark]):
                context = f"{marked.text[max(0, place - 25) : place]}>>{marked.text[place:][:25]}"
                yield f"{mark} {'extra' if place in found else 'missed'}: {context!r}"


def main() -> None:
    """Prints the figures, and on request where they come from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--show", action="store_true", help="print every difference")
    given = parser.parse_args()
    paragraphs = json.loads(given.file.read_text(encoding="utf-8"))["paragraphs"]
    nlp = spacy.load(given.pipeline)
    for kind, figure in check(nlp, paragraphs).items():
        print(f"{kind:30} {100 * figure:5.1f}")
    if given.show:
        print("\n".join(differences(nlp, paragraphs)))


if __name__ == "__main__":
    main()
