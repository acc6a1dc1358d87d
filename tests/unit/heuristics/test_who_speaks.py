"""Who speaks, in sentences that a plain reading of a rule gets wrong."""

import pytest

from heuristics import testing
from heuristics.check import relation_targets

from .making import RELATIONS, place, targets, words

ANNOUNCED = 'Tom said, "Hi." Lily said, "Hello." Then Ben asked, "Why?"'
ANNOUNCED_PARSE = """
Tom/PROPN/nsubj/2 said/VERB/root/0/say ,/PUNCT/punct/2 "/PUNCT/punct/2 Hi/INTJ/ccomp/2 \
./PUNCT/punct/2 "/PUNCT/punct/2
Lily/PROPN/nsubj/2 said/VERB/root/0/say ,/PUNCT/punct/2 "/PUNCT/punct/2 Hello/INTJ/ccomp/2 \
./PUNCT/punct/2 "/PUNCT/punct/2
Then/ADV/advmod/3 Ben/PROPN/nsubj/3 asked/VERB/root/0/ask ,/PUNCT/punct/3 "/PUNCT/punct/3 \
Why/ADV/ccomp/3 ?/PUNCT/punct/3 "/PUNCT/punct/3
"""


@pytest.mark.parametrize(("spoken", "by"), [("Hi", "Tom"), ("Hello", "Lily"), ("Why", "Ben")])
def test_speech_is_given_to_who_is_announced_next(spoken, by):
    assert targets("speaker", testing.text(ANNOUNCED, ANNOUNCED_PARSE), spoken) == [by]


SAID = "Tom/PROPN/nsubj/2 said/VERB/root/0/say ,/PUNCT/punct/2 "
HE_SMILED = "and/CCONJ/cc/2 smiled/VERB/root/0/smile ./PUNCT/punct/2"
HE_SAID = "he/PRON/nsubj/2 said/VERB/root/0/say ,/PUNCT/punct/2"
QUOTED = '"/PUNCT/punct/2 Hi/INTJ/root/0 ,/PUNCT/punct/2 "/PUNCT/punct/2'
WENT_ON = '"/PUNCT/punct/2 Go/VERB/root/0 on/ADV/advmod/2 ./PUNCT/punct/2 "/PUNCT/punct/2'


@pytest.mark.parametrize(
    ("string", "between"),
    [
        ('Tom said, "Hi," and smiled. "Go on."', HE_SMILED),
        ('Tom said, "Hi," he said, "Go on."', HE_SAID),
    ],
)
def test_one_speaker_goes_on(string, between):
    text = testing.text(string, "\n".join([SAID, QUOTED, between, WENT_ON]))
    assert targets("speaker", text, "Go") == ["Tom"]
    assert targets("start of this turn", text, "on") == ['"']
    assert targets("start of the last turn", text, "on") == []


ASKED = "Tom/PROPN/nsubj/2 asked/VERB/root/0/ask ,/PUNCT/punct/2"
WHY = '"/PUNCT/punct/2 Why/ADV/root/0 ?/PUNCT/punct/2 "/PUNCT/punct/2'
SO = '"/PUNCT/punct/2 So/ADV/ccomp/5 ,/PUNCT/punct/2 "/PUNCT/punct/2 '
SAID_LILY = "said/VERB/root/0/say Lily/PROPN/nsubj/5 ./PUNCT/punct/5"
LILY_SAID = "Lily/PROPN/nsubj/6 said/VERB/root/0/say ./PUNCT/punct/6"


@pytest.mark.parametrize(
    ("string", "after"),
    [
        # Nothing is told between the two speeches: nobody closes a speech to open another.
        ('Tom asked, "Why?" "So," said Lily. "Go on."', SAID_LILY),
        ('Tom asked, "Why?" "So," Lily said. "Go on."', LILY_SAID),
    ],
)
def test_who_answers_is_named_after_the_speech(string, after):
    text = testing.text(string, "\n".join([ASKED, WHY, SO + after, WENT_ON]))
    assert targets("speaker", text, "Why") == ["Tom"]
    assert targets("speaker", text, "So") == []
    assert targets("speech verb of this speech", text, "So") == []
    assert targets("speaker", text, "Go") == ["Lily"]
    assert targets("speech verb of this speech", text, "Go") == ["said"]
    assert text.speech_speaker[text.words == "so"] == [-1]
    so, go = place(text, "So"), place(text, "Go")
    own = relation_targets(RELATIONS["start of this turn"], text)
    assert own.key[own.query == so] == own.key[own.query == go] == so - 1


def test_a_speech_left_open_goes_on_in_the_next_paragraph():
    text = testing.text('"I ran.\n\n"Then I slept," said Tom.\n\n"Oh," said Ann.')
    first, second = place(text, "ran"), place(text, "slept")
    own = relation_targets(RELATIONS["start of this turn"], text)
    assert own.key[own.query == first] == own.key[own.query == second]
    assert targets("start of the last turn", text, "slept") == []
    assert targets("start of the last turn", text, "Oh") == ['"']


def test_what_is_spoken_announces_no_speech_but_what_is_quoted_in_it():
    text = testing.text('Tom said, "Mom told me." Then he ran. "Go on."')
    assert targets("speech verb of this speech", text, "Go") == ["said"]
    text = testing.text("Tom said, “Mom told me ‘Stop’ and left.”")
    assert targets("speech verb of this speech", text, "Stop") == ["told"]
    assert targets("speech verb of this speech", text, "left") == ["said"]


def test_the_object_of_a_speech_verb_is_not_its_speaker():
    text = testing.text(
        "Tom told him. Lily said that.",
        "Tom/PROPN/nsubj/2 told/VERB/root/0/tell him/PRON/obj/2 ./PUNCT/punct/2\n"
        "Lily/PROPN/nsubj/2 said/VERB/root/0/say that/PRON/obj/2 ./PUNCT/punct/2",
    )
    assert words("speaker's name", text) == ["Tom", "Lily"]


def test_who_speaks_is_the_subject_wherever_it_stands():
    text = testing.text(
        "A boy called Tom ran. He thought it was so, said the old Mr. Fox and Ann.",
        "A/DET/det/2 boy/NOUN/nsubj/5 called/VERB/acl/2/call Tom/PROPN/xcomp/3 ran/VERB/root/0 "
        "./PUNCT/punct/5\n"
        "He/PRON/nsubj/2 thought/VERB/ccomp/7/think it/PRON/nsubj/5 was/AUX/cop/5 so/ADV/ccomp/2 "
        ",/PUNCT/punct/7 said/VERB/root/0/say the/DET/det/11 old/ADJ/amod/11 Mr./PROPN/nmod:desc/11 "
        "Fox/PROPN/nsubj/7 and/CCONJ/cc/13 Ann/PROPN/conj/11 ./PUNCT/punct/7",
    )
    # Neither the boy, whom "called" modifies, nor "it", which stands beside "thought".
    assert words("speaker's name", text) == ["He", "Mr", ".", "Fox", "Ann"]
