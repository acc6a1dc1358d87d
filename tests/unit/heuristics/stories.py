"""The texts that the tests of the built-ins speak about; the numbers are positions."""

from functools import cache

from heuristics import Text

from .making import make_text

#        1    2    3 4    5 6     7   8 9      10   11    12 13 14
#        15  16  17 18 19 20 21  22  23    24 25 26
#        27 28 29 30 31 32  33 34 35  36  37
STORY = (
    "Once| upon| a| time|,| there| was| a| little| girl| named| Li|ly|.|"
    " She| had| a| dog|,| and| the| dog| liked| her|.|\n|"
    "One| day|,| Li|ly| gave| it| a| red| ball|."
)
STORY_PARSE = """
Once/ADV/advmod/7 upon/ADP/case/4 a/DET/det/4 time/NOUN/obl/7 ,/PUNCT/punct/7 there/PRON/expl/7 {}
was/VERB/root/0/be a/DET/det/10 little/ADJ/amod/10 girl/NOUN/nsubj/7 named/VERB/acl/10/name {}
Lily/PROPN/xcomp/11 ./PUNCT/punct/7
She/PRON/nsubj/2 had/VERB/root/0/have a/DET/det/4 dog/NOUN/obj/2 ,/PUNCT/punct/9 and/CCONJ/cc/9 {}
the/DET/det/8 dog/NOUN/nsubj/9 liked/VERB/conj/2/like her/PRON/obj/9 ./PUNCT/punct/2
One/NUM/nummod/2 day/NOUN/obl/5 ,/PUNCT/punct/5 Lily/PROPN/nsubj/5 gave/VERB/root/0/give {}
it/PRON/iobj/5 a/DET/det/9 red/ADJ/amod/9 ball/NOUN/obj/5 ./PUNCT/punct/5
"""

#        1   2    3 4  5     6  7   8  9
#        10 11 12  13 14 15   16  17  18 19  20 21  22   23 24
#        25 26 27 28   29  30
TALK = (
    'Tom| said|,| "|Where| is| Sue|?"|\n|'
    '"|I| am| here|,"| said| Sue|.| "|Yes|,"| she| cried|.|\n|'
    '"|Oh|!"| said| Tom|.'
)
TALK_PARSE = """
Tom/PROPN/nsubj/2 said/VERB/root/0/say ,/PUNCT/punct/2 "/PUNCT/punct/6 Where/ADV/advmod/6 {}
is/AUX/ccomp/2/be Sue/PROPN/nsubj/6 ?/PUNCT/punct/6 "/PUNCT/punct/6
"/PUNCT/punct/4 I/PRON/nsubj/4 am/AUX/cop/4/be here/ADV/ccomp/7 ,/PUNCT/punct/4 "/PUNCT/punct/4 {}
said/VERB/root/0/say Sue/PROPN/nsubj/7 ./PUNCT/punct/7
"/PUNCT/punct/2 Yes/INTJ/ccomp/6 ,/PUNCT/punct/2 "/PUNCT/punct/2 she/PRON/nsubj/6 {}
cried/VERB/root/0/cry ./PUNCT/punct/6
"/PUNCT/punct/2 Oh/INTJ/ccomp/5 !/PUNCT/punct/2 "/PUNCT/punct/2 said/VERB/root/0/say {}
Tom/PROPN/nsubj/5 ./PUNCT/punct/5
"""

#        1  2 3    4 5  6   7  8    9    10  11 12  13
#        14 15 16      17 18   19 20   21    22 23 24 25  26 27 28
CHAT = (
    "Oh|,| Tom|!| We| do|n't| see| cats| now|;| why|?|"
    " He| is| running| in| well|-|made| shoes|:| 3| of| his|…| –| bye"
)
CHAT_PARSE = """
Oh/INTJ/root/0 ,/PUNCT/punct/1 Tom/PROPN/vocative/1 !/PUNCT/punct/1
We/PRON/nsubj/4 do/AUX/aux/4 n't/PART/advmod/4/not see/VERB/root/0 cats/NOUN/obj/4/cat {}
now/ADV/advmod/4 ;/PUNCT/punct/4 why/ADV/parataxis/4 ?/PUNCT/punct/4
He/PRON/nsubj/3 is/AUX/aux/3/be running/VERB/root/0/run in/ADP/case/6 well-made/ADJ/amod/6 {}
shoes/NOUN/obl/3/shoe :/PUNCT/punct/8 3/NUM/appos/6 of/ADP/case/10 his/PRON/nmod/8/he {}
…/PUNCT/punct/3 –/PUNCT/punct/3 bye/INTJ/discourse/3
"""

#        1   2    3    4     5     6   7   8   9    10 11     12 13 14 15 16   17 18    19
CLAUSES = "When| Ann| came|,| Fred| the| cat| was| sad| and| thought| that| it| was| his| fault|."
CLAUSES_PARSE = """
When/SCONJ/mark/3 Ann/PROPN/nsubj/3 came/VERB/advcl/9/come ,/PUNCT/punct/3 Fred/PROPN/nsubj/9 {}
the/DET/det/7 cat/NOUN/appos/5 was/AUX/cop/9/be sad/ADJ/root/0 and/CCONJ/cc/11 {}
thought/VERB/conj/9/think that/SCONJ/mark/16 it/PRON/nsubj/16 was/AUX/cop/16/be {}
his/PRON/nmod:poss/16/he fault/NOUN/ccomp/11 ./PUNCT/punct/9
"""

CURLY = '“×3|Hi|”×3| said| Tom|.| "|Take| it|".| Tom| left|.'
"""1–3 open, 5–7 close, 11 opens, 14 closes the speech and ends the sentence."""


@cache
def story() -> Text:
    """Three sentences of narration."""
    return make_text(STORY, STORY_PARSE.replace("{}\n", ""))


@cache
def talk() -> Text:
    """Three paragraphs of dialogue: Tom, Sue (in two speeches), Tom."""
    return make_text(TALK, TALK_PARSE.replace("{}\n", ""))


@cache
def chat() -> Text:
    """Rare marks, clitics and forms."""
    return make_text(CHAT, CHAT_PARSE.replace("{}\n", ""))


@cache
def clauses() -> Text:
    """A sentence with an adverbial, a coordinated and a complement clause."""
    return make_text(CLAUSES, CLAUSES_PARSE.replace("{}\n", ""))


@cache
def curly() -> Text:
    """Speech marks in byte pieces and in mixed tokens, without a parse."""
    return make_text(CURLY)


TEXTS = {"story": story, "talk": talk, "chat": chat, "clauses": clauses, "curly": curly}
