"""Writes story-like text out of treebank sentences."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from english_treebank import SENTENCE_MARKS, Sentence, Token

SPEECH_VERBS = {
    "said": ("say", 12), "asked": ("ask", 5), "replied": ("reply", 3), "shouted": ("shout", 2),
    "cried": ("cry", 1), "whispered": ("whisper", 1), "yelled": ("yell", 1),
    "answered": ("answer", 1), "exclaimed": ("exclaim", 1), "called": ("call", 1),
    "thought": ("think", 1), "laughed": ("laugh", 1), "told": ("tell", 0),
}  # fmt: skip
LEADING_VERBS = {
    "smiled": "smile", "laughed": "laugh", "nodded": "nod", "looked": "look", "jumped": "jump",
    "stopped": "stop", "came": "come", "sighed": "sigh", "giggled": "giggle", "ran": "run",
}  # fmt: skip
# Each word: form, UPOS, XPOS, lemma, head (1-based; 0 is the root of the sentence), relation.
OPENERS = (
    "One NUM CD one 2 nummod|day NOUN NN day 0 obl:unmarked|, PUNCT , , 2 punct",
    "One NUM CD one 2 nummod|morning NOUN NN morning 0 obl:unmarked|, PUNCT , , 2 punct",
    (
        "One NUM CD one 3 nummod|sunny ADJ JJ sunny 3 amod|day NOUN NN day 0 obl:unmarked"
        "|, PUNCT , , 3 punct"
    ),
    "One NUM CD one 2 nummod|day NOUN NN day 0 obl:unmarked",
    "Every DET DT every 2 det|day NOUN NN day 0 obl:unmarked|, PUNCT , , 2 punct",
    "That DET DT that 2 det|night NOUN NN night 0 obl:unmarked|, PUNCT , , 2 punct",
    (
        "The DET DT the 3 det|next ADJ JJ next 3 amod|day NOUN NN day 0 obl:unmarked"
        "|, PUNCT , , 3 punct"
    ),
    "In ADP IN in 3 case|the DET DT the 3 det|morning NOUN NN morning 0 obl|, PUNCT , , 3 punct",
    "In ADP IN in 3 case|the DET DT the 3 det|end NOUN NN end 0 obl|, PUNCT , , 3 punct",
    (
        "From ADP IN from 3 case|that DET DT that 3 det|day NOUN NN day 0 obl|on ADV RB on 3 advmod"
        "|, PUNCT , , 3 punct"
    ),
    "After ADP IN after 2 case|that PRON DT that 0 obl|, PUNCT , , 2 punct",
    (
        "Once ADV RB once 4 advmod|upon ADP IN upon 4 case|a DET DT a 4 det|time NOUN NN time 0 obl"
        "|, PUNCT , , 4 punct"
    ),
    "Then ADV RB then 0 advmod|, PUNCT , , 1 punct",
    "Then ADV RB then 0 advmod",
    "So ADV RB so 0 advmod|, PUNCT , , 1 punct",
    "Suddenly ADV RB suddenly 0 advmod|, PUNCT , , 1 punct",
    "Finally ADV RB finally 0 advmod|, PUNCT , , 1 punct",
    "Soon ADV RB soon 0 advmod|, PUNCT , , 1 punct",
    "Later ADV RB later 0 advmod|, PUNCT , , 1 punct",
    "But CCONJ CC but 0 cc",
    "And CCONJ CC and 0 cc",
)
EXISTENTIALS = tuple(
    f"there PRON EX there 2 expl|{verb} 0 root|a DET DT a 5 det|{adjective} 5 amod|{{}} NOUN NN"
    f" {{}} 2 nsubj|{participle} 5 acl|{{}} PROPN NNP {{}} 6 xcomp|. PUNCT . . 2 punct"
    for verb in ("was VERB VBD be", "lived VERB VBD live")
    for adjective in ("little ADJ JJ little", "big ADJ JJ big", "kind ADJ JJ kind")
    for participle in ("named VERB VBN name", "called VERB VBN call")
)
QUOTE_FORMS = frozenset({'"', "``", "''", "“", "”", "'", "‘", "’"})


def _tokens(specification: str, *fillers: str) -> list[Token]:
    rows = [word.split(" ") for word in specification.format(*fillers).split("|")]
    tokens = [Token(form, upos, xpos, lemma, rel) for form, upos, xpos, lemma, _, rel in rows]
    for token, row in zip(tokens, rows, strict=True):
        token.head = tokens[int(row[4]) - 1] if row[4] != "0" else None
    for token, following in pairwise(tokens):
        token.space_after = following.upos != "PUNCT"
    return tokens


def _punctuation(form: str, head: Token, xpos: str | None = None, *, space: bool) -> Token:
    return Token(form, "PUNCT", xpos or form, form, "punct", head, space)


def insert_spoken_commas(sentence: Sentence, rng: random.Random) -> Sentence:
    """Sets off vocatives and opening interjections, which transcripts write without commas."""
    sentence = sentence.copy()
    tokens = sentence.tokens
    for index in range(len(tokens) - 2, 0, -1):
        before, after = tokens[index - 1], tokens[index]
        if "PUNCT" in (before.upos, after.upos) or rng.random() < 0.25:
            continue
        opening = before.relation in {"discourse", "vocative"} and index == 1
        closing = after.relation == "vocative" and index == len(tokens) - 2
        if opening or closing:
            before.space_after = False
            comma = _punctuation(",", before if opening else after, space=True)
            tokens.insert(index, comma)
    return sentence


class StoryWriter:
    """Puts treebank sentences into paragraphs with speech, as children's stories have them.

    The attachments follow Universal Dependencies: what is said is `ccomp` of the speech verb
    on either side of it, and its quotation marks and comma hang on its own head.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        fitting = [s for s in sentences if _fits_in_a_story(s)]
        self.spoken = [s for s in fitting if len(s.tokens) <= 14]
        self.narrated = [s for s in fitting if _is_narrative(s)]
        self.names = sorted({t.form for s in sentences for t in s.tokens if _is_lone_name(t, s)})
        self.adverbs = sorted(
            {t.form for s in sentences for t in s.tokens if t.upos == "ADV" and _is_manner(t.form)}
        )
        self.subjects = [phrase for s in fitting for phrase in _short_subjects(s)]
        nouns = (phrase[-1] for phrase in self.subjects)
        self.nouns = sorted({t.form for t in nouns if t.xpos == "NN" and t.form.isalpha()})

    def story(self, rng: random.Random) -> list[Sentence]:
        """A few paragraphs of narration and speech."""
        sentences: list[Sentence] = []
        if rng.random() < 0.2:
            sentences.append(self._existential(rng))
        for _ in range(rng.randint(1, 5)):
            unit = self._speech(rng) if rng.random() < 0.55 else [self._narration(rng)]
            unit[0].opens_paragraph = rng.random() < 0.3
            sentences += unit
        sentences[0].opens_document = True
        return sentences

    def _existential(self, rng: random.Random) -> Sentence:
        noun, name = rng.choice(self.nouns), rng.choice(self.names)
        tokens = _tokens(rng.choice(EXISTENTIALS), noun, noun, name, name)
        sentence = Sentence(tokens)
        if rng.random() < 0.7:
            return _prefixed(sentence, rng.choice(OPENERS[:12]))
        tokens[0].form = tokens[0].form.capitalize()
        return sentence

    def _narration(self, rng: random.Random) -> Sentence:
        sentence = rng.choice(self.narrated).copy()
        sentence.opens_document = sentence.opens_paragraph = False
        return _prefixed(sentence, rng.choice(OPENERS)) if rng.random() < 0.35 else sentence

    def _speech(self, rng: random.Random) -> list[Sentence]:
        spoken = [self._utterance(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        kind = rng.choices(("after", "before", "alone", "around"), (45, 35, 12, 8))[0]
        if kind == "alone":
            _quote(spoken[0], spoken[-1])
            return spoken
        if kind == "after":
            _quote(spoken[0], spoken[-1])
            spoken[-1] = self._tag_after(spoken[-1], rng)
            return spoken
        if kind == "before":
            _quote(spoken[0], spoken[-1])
            spoken[0] = self._tag_before(spoken[0], rng)
            return spoken
        following = self._utterance(rng)
        first = self._utterance(rng)
        _quote(first, first)
        _quote(following, following)
        return [self._tag_after(first, rng), following]

    def _utterance(self, rng: random.Random) -> Sentence:
        sentence = insert_spoken_commas(rng.choice(self.spoken), rng)
        sentence.opens_document = sentence.opens_paragraph = False
        return sentence

    def _tag(self, rng: random.Random, *, inverted: bool) -> tuple[list[Token], Token]:
        weights = [weight for _, weight in SPEECH_VERBS.values()]
        form = rng.choices(list(SPEECH_VERBS), weights)[0]
        verb = Token(form, "VERB", "VBD", SPEECH_VERBS[form][0], "root")
        subject = self._subject(rng, pronoun=not inverted)
        subject[-1].head = verb
        tokens = [verb, *subject] if inverted else [*subject, verb]
        if rng.random() < 0.12:
            tokens.append(Token(rng.choice(self.adverbs), "ADV", "RB", "", "advmod", verb))
            tokens[-1].lemma = tokens[-1].form
        elif rng.random() < 0.12:
            name = rng.choice(self.names)
            heard = Token(name, "PROPN", "NNP", name, "obl", verb)
            tokens += [Token("to", "ADP", "IN", "to", "case", heard), heard]
        return tokens, verb

    def _subject(self, rng: random.Random, *, pronoun: bool) -> list[Token]:
        draw = rng.random()
        if draw < 0.4:
            name = rng.choice(self.names)
            return [Token(name, "PROPN", "NNP", name, "nsubj")]
        if draw < 0.65 and pronoun:
            form = rng.choice(("he", "she", "she", "he", "they", "I", "it"))
            return [Token(form, "PRON", "PRP", form, "nsubj")]
        clones = [replace(token, space_after=True) for token in rng.choice(self.subjects)]
        for clone in clones[:-1]:
            clone.head = clones[-1]
        if clones[0].upos != "PROPN":
            clones[0].form = clones[0].form.lower()
        return clones

    def _tag_after(self, spoken: Sentence, rng: random.Random) -> Sentence:
        said_root = spoken.root
        mark, closing = spoken.tokens[-2:]
        if mark.form == ".":
            mark.form = mark.xpos = mark.lemma = ","
        tag, verb = self._tag(rng, inverted=rng.random() < 0.45)
        said_root.head, said_root.relation = verb, "ccomp"
        closing.space_after = True
        tag[-1].space_after = False
        return Sentence([*spoken.tokens, *tag, _punctuation(".", verb, space=True)])

    def _tag_before(self, spoken: Sentence, rng: random.Random) -> Sentence:
        said_root = spoken.root
        tag, verb = self._tag(rng, inverted=False)
        root = verb
        if rng.random() < 0.25:
            form = rng.choice(list(LEADING_VERBS))
            root = Token(form, "VERB", "VBD", LEADING_VERBS[form], "root")
            position = tag.index(verb)
            for token in tag[:position]:
                token.head = root if token.head is verb else token.head
            both = Token("and", "CCONJ", "CC", "and", "cc", verb)
            verb.head, verb.relation = root, "conj"
            tag[position:position] = [root, both]
        said_root.head, said_root.relation = verb, "ccomp"
        tag[-1].space_after = False
        tag[0].form = tag[0].form[0].upper() + tag[0].form[1:]
        comma = _punctuation(",", said_root, space=True)
        sentence = Sentence([*tag, comma, *spoken.tokens])
        may_open = tag[0].upos in {"PROPN", "DET", "PRON"} and rng.random() < 0.15
        return _prefixed(sentence, rng.choice(OPENERS)) if may_open else sentence


def _quote(first: Sentence, last: Sentence) -> None:
    opening = _punctuation('"', first.root, "``", space=False)
    closing = _punctuation('"', last.root, "''", space=True)
    last.tokens[-1].space_after = False
    first.tokens.insert(0, opening)
    last.tokens.append(closing)


def _prefixed(sentence: Sentence, opener: str) -> Sentence:
    first, root = sentence.tokens[0], sentence.root
    if first.upos != "PROPN" and first.form != "I":
        first.form = first.form.lower()
    prefix = _tokens(opener)
    for token in prefix:
        token.head = root if token.head is None else token.head
    return replace(sentence, tokens=[*prefix, *sentence.tokens])


def _fits_in_a_story(sentence: Sentence) -> bool:
    tokens = sentence.tokens
    plain = all(t.form not in QUOTE_FORMS and t.relation != "goeswith" for t in tokens)
    ends = tokens[-1].form in SENTENCE_MARKS and tokens[-1].upos == "PUNCT"
    starts = tokens[0].form[0].isupper() and tokens[0].form[1:2].lower() == tokens[0].form[1:2]
    return plain and ends and starts and 3 <= len(tokens) <= 22 and tokens[-1].head is not None


def _is_narrative(sentence: Sentence) -> bool:
    tokens, root = sentence.tokens, sentence.root
    subject_first = tokens[0].upos in {"PROPN", "PRON", "DET"} and tokens[0].xpos[0] != "W"
    told = tokens[-1].form in ".!" and any(t.relation.startswith("nsubj") for t in tokens)
    finite = root.xpos == "VBD" or any(t.head is root and t.xpos == "VBD" for t in tokens)
    return subject_first and told and finite and len(tokens) >= 5


def _is_lone_name(token: Token, sentence: Sentence) -> bool:
    return (
        token.upos == "PROPN"
        and token.xpos == "NNP"
        and token.relation in {"nsubj", "vocative"}
        and token.form.isalpha()
        and token.form.istitle()
        and all(t.head is not token or t.relation == "punct" for t in sentence.tokens)
    )


def _is_manner(form: str) -> bool:
    return form.endswith("ly") and form.islower() and len(form) > 5


def _short_subjects(sentence: Sentence) -> Iterator[list[Token]]:
    for index, token in enumerate(sentence.tokens):
        if token.relation != "nsubj" or token.upos != "NOUN":
            continue
        below = [t for t in sentence.tokens if t.head is token]
        phrase = sentence.tokens[max(0, index - len(below)) : index + 1]
        short = phrase == [*below, token] and 1 <= len(below) <= 2
        determined = phrase[0].relation in {"det", "nmod:poss"}
        plain = all(t.relation in {"det", "nmod:poss", "amod"} for t in below)
        if short and determined and plain:
            yield phrase
