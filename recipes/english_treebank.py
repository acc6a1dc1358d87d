"""Reads Universal Dependencies files into sentences that can be taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

# One inventory for both treebanks: CHILDES still has the labels that EWT gave up.
RENAMED_LABELS = {
    "obl:tmod": "obl:unmarked",
    "obl:npmod": "obl:unmarked",
    "nmod:tmod": "nmod:unmarked",
    "nmod:npmod": "nmod:unmarked",
}
SENTENCE_MARKS = (".", "!", "?")


@dataclass(eq=False)
class Token:
    """One syntactic word; `head` is None for the root."""

    form: str
    upos: str
    xpos: str
    lemma: str
    relation: str
    head: Token | None = None
    space_after: bool = True


@dataclass
class Sentence:
    """A sentence with its tokens, and whether it opens a document or a paragraph."""

    tokens: list[Token]
    opens_document: bool = False
    opens_paragraph: bool = False

    @property
    def text(self) -> str:
        """The words with their spaces, without the space after the last."""
        return "".join(t.form + " " * t.space_after for t in self.tokens).rstrip(" ")

    @property
    def root(self) -> Token:
        """The token without a head."""
        return next(token for token in self.tokens if token.head is None)

    def copy(self) -> Sentence:
        """A sentence whose tokens may be changed."""
        clones = {id(token): replace(token) for token in self.tokens}
        for clone in clones.values():
            if clone.head is not None:
                clone.head = clones[id(clone.head)]
        return replace(self, tokens=list(clones.values()))


def read_conllu(path: Path) -> list[Sentence]:
    """Reads one CoNLL-U file; empty nodes are left out, multiword tokens give the spaces."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    return [_read_block(block.splitlines()) for block in blocks if block.strip()]


def _read_block(lines: Sequence[str]) -> Sentence:
    rows: list[list[str]] = []
    inside: dict[int, bool] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if "-" in fields[0]:
            first, last = (int(number) for number in fields[0].split("-"))
            inside |= dict.fromkeys(range(first, last), False)
            inside[last] = "SpaceAfter=No" not in fields[9]
        elif "." not in fields[0]:
            rows.append(fields)
    tokens = [
        Token(
            form=row[1],
            upos=row[3],
            xpos="." if row[4] in SENTENCE_MARKS else row[4],
            lemma=row[2] if row[2] != "_" or row[1] == "_" else row[1],
            relation=RENAMED_LABELS.get(row[7], row[7]),
            space_after=inside.get(int(row[0]), "SpaceAfter=No" not in row[9]),
        )
        for row in rows
    ]
    for token, row in zip(tokens, rows, strict=True):
        token.head = tokens[int(row[6]) - 1] if row[6] != "0" else None
    comments = [line for line in lines if line.startswith("#")]
    return Sentence(
        tokens,
        opens_document=any(line.startswith("# newdoc") for line in comments),
        opens_paragraph=any(line.startswith("# newpar") for line in comments),
    )


def without_sentences(
    sentences: Iterable[Sentence], held_out: Iterable[Sentence]
) -> list[Sentence]:
    """The sentences whose words are not, letter case aside, those of a held-out one."""
    forbidden = {tuple(t.form.lower() for t in sentence.tokens) for sentence in held_out}
    return [s for s in sentences if tuple(t.form.lower() for t in s.tokens) not in forbidden]
