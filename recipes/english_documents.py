"""Annotated spaCy documents out of treebank sentences."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from english_treebank import Sentence
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

CURLY = {'"': "“”", "'": "‘’"}


def to_doc(vocab: Vocab, sentences: Sequence[Sentence], *, curly: bool = False) -> Doc:
    """An annotated document; paragraphs are parted by the whitespace token spaCy would make."""
    rows: list[tuple[str, bool, str, str, str, int, str]] = []
    opened = {'"': False, "'": False}
    for number, sentence in enumerate(sentences):
        if number and sentence.opens_paragraph:
            form, space, *rest = rows[-1]
            rows[-1] = (form, False, *rest)
            rows.append(("\n\n", False, "_SP", "SPACE", "\n\n", len(rows) - 1, "dep"))
        offset = len(rows)
        places = {id(token): offset + i for i, token in enumerate(sentence.tokens)}
        for token in sentence.tokens:
            head = token if token.head is None else token.head
            form = _curled(token.form, opened) if curly else token.form
            space = token.space_after or token is sentence.tokens[-1]
            row = (form, space, token.xpos, token.upos, token.lemma, places[id(head)])
            rows.append((*row, token.relation if token.head else "ROOT"))
    words, spaces, tags, pos, lemmas, heads, deps = (
        list(column) for column in zip(*rows, strict=True)
    )
    return Doc(
        vocab, words=words, spaces=spaces, tags=tags, pos=pos, lemmas=lemmas, heads=heads, deps=deps
    )


def _curled(form: str, opened: dict[str, bool]) -> str:
    if form == '"':
        opened[form] = not opened[form]
        return CURLY[form][0 if opened[form] else 1]
    return form.replace("'", "’") if "'" in form and form != "''" else form


def to_example(vocab: Vocab, reference: Doc) -> Example:
    """Pairs the annotated document with one that has the same tokens and nothing else."""
    spaces = [bool(token.whitespace_) for token in reference]
    predicted = Doc(vocab, words=[token.text for token in reference], spaces=spaces)
    for document in (predicted, reference):
        for token in document:
            if "’" in token.text:
                token.norm_ = token.text.replace("’", "'").lower()
    return Example(predicted, reference)


def grouped(sentences: Sequence[Sentence], rng: random.Random) -> Iterator[list[Sentence]]:
    """Cuts running text into stretches of up to 60 words or so, never across documents."""
    group: list[Sentence] = []
    wanted = rng.randint(1, 60)
    for sentence in sentences:
        if group and (sum(len(s.tokens) for s in group) >= wanted or sentence.opens_document):
            yield group
            group, wanted = [], rng.randint(1, 60)
        group.append(sentence)
    if group:
        yield group


def lowercased(sentence: Sentence) -> Sentence:
    """The sentence without capitals."""
    sentence = sentence.copy()
    for token in sentence.tokens:
        token.form = token.form.lower()
    return sentence
