"""Who speaks: speech verbs, speakers and turns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from heuristics import wordlists
from heuristics.contract import feature, relation
from heuristics.grammar import grammar
from heuristics.lookup import lemma_listed, tagged_words
from heuristics.matching import at_keys, at_words, match, word_ends
from heuristics.names import name_words
from heuristics.punctuation import FULL_STOP
from heuristics.speech_marks import speech_tokens
from heuristics.targets import Targets
from heuristics.text import Text, per_text
from heuristics.wordclasses import tagged


@per_text
def speech_verb_words(text: Text) -> Bool[ndarray, " word"]:
    """Words that announce speech ("said", "asks", …), by form or lemma."""
    parse = text.parse
    found = parse.listed(wordlists.SPEECH_VERBS) | lemma_listed(text, wordlists.SPEECH_VERBS)
    return found & tagged_words(text, "VERB") if parse.parsed else found


@feature(
    "speech verb",
    lifts=("nearest",),
    unit="word",
    query_class=True,
)
def speech_verb(text: Text) -> ndarray:
    """A verb that can announce speech ("said", "asks", "told", "thought", …), by its form."""
    return text.on_words(speech_verb_words(text))


@feature(
    "verb before a name",
    noun="verb before a proper noun",
    plural="verbs before proper nouns",
    lifts=("nearest", "every"),
    unit="word",
    parse=True,
)
def verb_before_name(text: Text) -> ndarray:
    """A verb or an auxiliary right before a proper noun ("said Tom")."""
    verb = tagged_words(text, "VERB", "AUX")
    return text.on_words(verb & np.append(name_words(text)[1:], False))


@dataclass(frozen=True, eq=False)
class Turns:
    """The turns of a dialogue, by position.

    `own` is where the turn that a position is in (or, outside speech, the last one) began, `last`
    where the turn before it began, `own_last` the one before that (two speakers taking turns, the
    same speaker's); the opening marks' positions, −1 for none. `speaker` is the word that names who
    speaks and `verb` the one that announces it, as far as they stand before the speech.
    """

    own: Int[ndarray, " pos"]
    last: Int[ndarray, " pos"]
    own_last: Int[ndarray, " pos"]
    speaker: Int[ndarray, " pos"]
    verb: Int[ndarray, " pos"]


@per_text
def turns(text: Text) -> Turns:
    """Speech in the same paragraph is one turn, until somebody else speaks.

    Somebody else is announced before ("Lily said") or named after it ("said Lily"), or speaks with
    nothing told between. Speech that a paragraph leaves open goes on in the next.
    """
    begins: list[int] = []
    speakers: list[int] = []
    verbs: list[int] = []  # of each speech, as `number` is the number of its turn
    number: list[int] = []
    end, closed, given = 0, False, -1
    speeches = _speeches(text)
    stops = [*(start for start, _ in speeches[1:]), len(text.string)]
    for (start, close), stop in zip(speeches, stops, strict=False):
        told = text.string[end + closed : start]
        broken = "\n" in told if told.strip() else closed
        announced = _announced(text, max(end, text.string.rfind("\n", 0, start)), start)
        over = 0 <= announced.speaker == given  # said of the speech before
        given = _given(text, close, stop)
        if not begins or broken or _another(text, speakers[-1], announced, given):
            begins.append(int(text.char_position[start]))
            speakers.append(-1)
            verbs.append(-1)
            announced = Announced() if over else announced
        else:
            verbs.append(verbs[-1])
        if announced.verb >= 0:
            verbs[-1] = announced.verb
        if speakers[-1] < 0:
            said = announced.speaker
            speakers[-1] = given if said < 0 or _different(text, said, given) else said
        number.append(len(begins) - 1)
        end, closed = abs(close), close > 0
    opened = text.char_position[[start for start, _ in speeches]] if speeches else _NONE
    latest = np.searchsorted(opened, text.position, side="right") - 1
    turn = np.array([*number, -1], dtype=np.int64)[latest]
    table = np.array([-1, -1, -1, *begins], dtype=np.int64)
    speaker = np.array([*speakers, -1], dtype=np.int64)[turn]
    verb = np.array([*verbs, -1], dtype=np.int64)[latest]
    inside = speech_tokens(text).opener >= 0
    before = inside & (word_ends(text)[speaker] < text.position)
    return Turns(
        own=table[turn + 3],
        last=table[turn + 2],
        own_last=table[turn + 1],
        speaker=np.where(before, speaker, -1),
        verb=np.where(inside, verb, -1),
    )


_NONE = np.zeros(0, dtype=np.int64)
_ENDED = re.compile(rf"{FULL_STOP.pattern}|[!?\n]")


def _speeches(text: Text) -> list[tuple[int, int]]:
    """The outer speeches that begin inside the text, as characters (open, close)."""
    return [
        (start, close)
        for start, close in text.speech.spans
        if text.speech.opener[start] < 0 and text.char_position[start] >= 0
    ]


class Announced(NamedTuple):
    """Who is said to speak: a word, −1 for nobody; `before` the verb, and in a sentence `anew`."""

    verb: int = -1
    speaker: int = -1
    before: bool = False
    anew: bool = False


def _announced(text: Text, floor: int, opening: int, which: int = -1) -> Announced:
    """Who a speech verb between two characters gives speech to: its subject, or a name.

    It is the last of the verbs unless `which` says another.
    """
    parse = text.parse
    first = int(np.searchsorted(parse.start, floor))
    end = int(np.searchsorted(parse.end, opening, side="right"))
    verbs = np.flatnonzero(speech_verb_words(text)[first:end])
    if not len(verbs):
        return Announced()
    verb = first + int(verbs[which])
    speaker = int(grammar(text).subject[verb]) if text.parse.parsed else -1
    if not first <= speaker < end:
        named = np.flatnonzero(_nominal_words(text)[first:verb])
        speaker = first + int(named[-1]) if len(named) else -1
    before = 0 <= speaker < verb
    last = text.string[max(floor - 1, 0) : floor]  # of the speech before
    ended = _ENDED.search(text.string[floor : int(parse.start[verb])]) is not None
    return Announced(verb, speaker, before, ended or (before and last == "."))


@per_text
def _nominal_words(text: Text) -> Bool[ndarray, " word"]:
    return name_words(text) | tagged_words(text, "NOUN", "PRON")


def _given(text: Text, close: int, stop: int) -> int:
    """The word that names who spoke, right after the closing mark ("said Lily"); −1 for none.

    `stop` is where the next speech begins. After a full stop nobody is named; after a question
    mark, who is named before a verb that leads to more speech is the next to speak.
    """
    last = text.string[max(close - 1, 0) : max(close, 0)]
    if last in ("", "."):
        return -1
    ended = _ENDED.search(text.string, close + 1, stop)
    found = _announced(text, close, ended.start() if ended else stop, which=0)
    leads = ended is None and stop < len(text.string)
    return -1 if found.before and leads and last != "," else found.speaker


def _another(text: Text, known: int, announced: Announced, given: int) -> bool:
    """Whether somebody else is said to speak; a pronoun may stand for anyone."""
    if _different(text, known, given):
        return True
    speaker = announced.speaker
    if speaker < 0 or text.parse.pos[speaker] == "PRON":
        return False
    if known < 0:
        return announced.anew
    return _different(text, known, speaker) and (announced.anew or announced.before)


def _different(text: Text, known: int, speaker: int) -> bool:
    if known < 0 or speaker < 0 or "PRON" in (text.parse.pos[known], text.parse.pos[speaker]):
        return False
    return bool(text.parse.lower[known] != text.parse.lower[speaker])


@relation("start of this turn", phrase="the start of this turn of speech")
def turn_start(text: Text) -> Targets:
    """The opening mark of the turn that the query is in, or of the last one."""
    return Targets.from_keys(turns(text).own).visible(first=1)


@relation("start of the last turn", phrase="the start of the other speaker's last turn")
def last_turn_start(text: Text) -> Targets:
    """The opening mark of the turn before (of the other speaker, where two take turns)."""
    return Targets.from_keys(turns(text).last).visible(first=1)


@relation("start of the speaker's last turn", phrase="the start of the same speaker's last turn")
def own_last_turn_start(text: Text) -> Targets:
    """The opening mark of the turn before the last (of the same speaker, where two take turns)."""
    return Targets.from_keys(turns(text).own_last).visible(first=1)


@relation("speaker", phrase="the speaker")
def speaker(text: Text) -> Targets:
    """From inside speech, who speaks, where that is said before it ("Tom" in `Tom said, "`)."""
    return at_words(text, turns(text).speaker)


@relation("speech verb of this speech", phrase="the verb that announces the speech")
def own_speech_verb(text: Text) -> Targets:
    """From inside speech, the nearest speech verb before its opening mark, in its paragraph; none
    that is itself spoken, unless speech is quoted in it, or that is said of another's speech."""
    opener = speech_tokens(text).opener
    around = np.where(opener >= 0, np.append(opener, -1)[opener], -1)
    marked = speech_verb(text)
    nested = match(opener, around, marked=marked, limit=np.maximum(opener, 0)).nearest()
    told = word_ends(text)[turns(text).verb]
    return at_keys(text, np.where(around >= 0, nested, told)).visible(first=1)


@feature(
    "speaker's name",
    noun="word for who speaks",
    plural="words for who speaks",
    unit="word",
)
def speaker_name(text: Text) -> ndarray:
    """The subject of a speech verb, outside speech ("said Mr. Fox", "Tom and Lily asked"): noun,
    name or pronoun, titles and what is joined to it included; not in a clause that modifies a noun
    ("a boy called Tom"). Without a parse, a name next to the verb."""
    verbs, found = speech_verb_words(text), grammar(text)
    nominal = _nominal_words(text)
    if not text.parse.parsed:
        beside = np.append(verbs[1:], False) | np.concatenate([[False], verbs])[: len(verbs)]
        return text.on_words(nominal & beside) & ~speech_tokens(text).inside
    subject = found.subject[verbs & ~found.is_label("acl")]
    speaks = np.zeros(len(text.parse), dtype=bool)
    speaks[subject[subject >= 0]] = True
    joined = found.is_label("compound", "flat", "conj") | (text.parse.dep == "nmod:desc")
    speaks |= joined & speaks[found.head]
    return text.on_words(speaks & nominal) & ~speech_tokens(text).inside


@feature("verb in speech", noun="verb inside speech", plural="verbs inside speech", parse=True)
def spoken_verb(text: Text) -> ndarray:
    """A verb that is spoken, not told."""
    return tagged(text, "VERB") & speech_tokens(text).inside
