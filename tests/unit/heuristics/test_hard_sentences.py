"""Sentences that a plain reading of a rule gets wrong."""

import time
from dataclasses import replace

from heuristics import testing
from heuristics.check import relation_targets

from .making import RELATIONS, fires, make_text, place, targets, words


def without_bos(text):
    return replace(text, token_ids=text.token_ids[1:], offsets=text.offsets[1:], has_bos=False)


def test_a_title_is_not_another_name():
    text = testing.text(
        "Mr. Fox met Mr. Bear. He ran to Mr. Bear.",
        "Mr./PROPN/nmod:desc/2 Fox/PROPN/nsubj/3 met/VERB/root/0/meet Mr./PROPN/nmod:desc/5 "
        "Bear/PROPN/obj/3 ./PUNCT/punct/3\n"
        "He/PRON/nsubj/2 ran/VERB/root/0/run to/ADP/case/5 Mr./PROPN/nmod:desc/5 "
        "Bear/PROPN/obl/2 ./PUNCT/punct/2",
    )
    assert targets("another name", text, "Bear") == ["Fox"]
    assert targets("another name", text, "Fox") == []
    assert words("first name of the text", text) == ["Fox"]
    same = relation_targets(RELATIONS["same name"], text)
    assert text.words[same.query].tolist() == text.words[same.key].tolist() == ["bear"]
    assert targets("agreeing mentions", text, "He") == ["Fox", "Bear"]
    # Two titles so far, and one Bear.
    assert targets("most repeated noun", text, "to") == []


def test_a_name_of_several_words_is_one_name():
    text = testing.text("So Ann Lee met Tom Fox. Then Ann said Ann Lee ran.")
    # Without a parse a capital inside a sentence is a name.
    assert targets("another name", text, "Lee") == []
    assert targets("another name", text, "Fox") == ["Lee"]
    found = relation_targets(RELATIONS["another name"], text)
    assert text.words[found.query].tolist() == ["tom", "fox", "ann", "ann", "lee"]
    assert text.words[found.key].tolist() == ["lee", "lee", "fox", "fox", "fox"]


def test_a_word_after_a_closing_mark_opens_no_speech():
    for string in ('"Hello," Tom said.', "“Hello,” Tom said."):
        assert words("capital inside a sentence", testing.text(string)) == ["Tom"]


def test_inches_open_no_speech():
    text = testing.text('It was 5\'6" tall. "Hi," he said.')
    assert words("speech", text) == ["Hi", ","]


def test_base_forms_that_look_inflected():
    text = testing.text(
        "They need food. We fed birds. She played. I bring it, singing.",
        "They/PRON/nsubj/2 need/VERB/root/0 food/NOUN/obj/2 ./PUNCT/punct/2\n"
        "We/PRON/nsubj/2 fed/VERB/root/0/feed birds/NOUN/obj/2/bird ./PUNCT/punct/2\n"
        "She/PRON/nsubj/2 played/VERB/root/0/play ./PUNCT/punct/2\n"
        "I/PRON/nsubj/2 bring/VERB/root/0 it/PRON/obj/2 ,/PUNCT/punct/2 "
        "singing/VERB/advcl/2/sing ./PUNCT/punct/2",
    )
    assert words("past tense", text) == ["fed", "played"]
    assert words("ing-form", text) == ["singing"]


def test_irregular_forms():
    # A lemmatizer that knows no "swam" leaves it as it is: the word is no base form for that.
    text = testing.text(
        "Let him read. We swam, had been there, and have seen a fish and two firemen.",
        "Let/VERB/root/0 him/PRON/obj/1 read/VERB/xcomp/1 ./PUNCT/punct/1\n"
        "We/PRON/nsubj/2 swam/VERB/root/0/swam ,/PUNCT/punct/6 had/AUX/aux/6/have "
        "been/AUX/cop/6/be there/ADV/conj/2 ,/PUNCT/punct/10 and/CCONJ/cc/10 have/AUX/aux/10 "
        "seen/VERB/conj/2/see a/DET/det/12 fish/NOUN/obj/10 and/CCONJ/cc/15 two/NUM/nummod/15 "
        "firemen/NOUN/conj/12/fireman ./PUNCT/punct/2",
    )
    assert words("past tense", text) == ["swam", "had", "been", "seen"]
    assert words("base form", text) == ["Let", "read"]
    assert words("plural noun", text) == ["firemen"]


def test_what_is_joined_to_an_infinitive_is_no_more_a_clause_than_it():
    text = testing.text(
        "He wanted to play and sing, and ran off.",
        "He/PRON/nsubj/2 wanted/VERB/root/0 to/PART/mark/4 play/VERB/xcomp/2 and/CCONJ/cc/6 "
        "sing/VERB/conj/4 ,/PUNCT/punct/9 and/CCONJ/cc/9 ran/VERB/conj/2/run off/ADV/advmod/9 "
        "./PUNCT/punct/2",
    )
    assert words("clause start", text) == ["He", "and"]
    assert targets("start of the clause", text, "sing") == ["He"]
    # The second clause has no subject of its own.
    assert targets("subject of the clause", text, "off") == ["He"]
    assert targets("subject and verb of the clause", text, "off") == ["He", "ran"]


def test_when_opens_a_subordinate_clause_though_treebanks_have_it_as_an_adverb():
    text = testing.text(
        "When Tom fell, Ann knew when he had.",
        "When/ADV/advmod/3 Tom/PROPN/nsubj/3 fell/VERB/advcl:relcl/6/fall ,/PUNCT/punct/3 "
        "Ann/PROPN/nsubj/6 knew/VERB/root/0/know when/ADV/advmod/9 he/PRON/nsubj/9 "
        "had/VERB/ccomp/6/have ./PUNCT/punct/6",
        pieces=3,
    )
    # The second is a question word, of a complement; the first is cut into two pieces.
    assert words("subordinate start", text) == ["Whe", "n"]
    assert targets("conjunction of the clause", text, "ll") == ["Whe", "n"]


def test_a_clausal_subject_of_a_passive_is_a_clause():
    text = testing.text(
        "That he ran was seen.",
        "That/SCONJ/mark/3 he/PRON/nsubj/3 ran/VERB/csubj:pass/5/run was/AUX/aux:pass/5/be "
        "seen/VERB/root/0/see ./PUNCT/punct/5",
    )
    assert words("clause start", text) == ["That", "was"]


def test_a_noun_phrase_has_what_belongs_to_its_modifiers():
    text = testing.text(
        "In Mr. Fox's very big and red hat he sat.",
        "In/ADP/case/9 Mr./PROPN/nmod:desc/3 Fox/PROPN/nmod:poss/9 's/PART/case/3 very/ADV/advmod/6 "
        "big/ADJ/amod/9 and/CCONJ/cc/8 red/ADJ/conj/6 hat/NOUN/obl/11 he/PRON/nsubj/11 "
        "sat/VERB/root/0/sit ./PUNCT/punct/11",
    )
    phrase = ["Mr", ".", "Fox", "'", "s", "very", "big", "and", "red"]
    assert targets("noun phrase so far", text, "hat") == phrase
    assert targets("word before the noun phrase", text, "hat") == ["In"]
    assert targets("noun phrase so far", text, "sat") == []
    assert targets("preposition of the noun", text, "hat") == ["In"]
    assert targets("preposition of the noun", text, "red") == []


def test_the_preposition_of_a_predicate_is_not_that_of_its_full_stop():
    text = testing.text(
        "He is in the house now.",
        "He/PRON/nsubj/5 is/AUX/cop/5/be in/ADP/case/5 the/DET/det/5 house/NOUN/root/0 "
        "now/ADV/advmod/5 ./PUNCT/punct/5",
    )
    assert targets("preposition of the noun", text, "the") == ["in"]
    assert targets("preposition of the noun", text, "house") == ["in"]
    assert targets("preposition of the noun", text, "now") == []
    assert targets("preposition of the noun", text, ".") == []


def test_words_for_persons_and_animals_have_plurals():
    text = testing.text(
        "Two children and some people saw mice and a duck duck.",
        "Two/NUM/nummod/2 children/NOUN/nsubj/6/child and/CCONJ/cc/5 some/DET/det/5 "
        "people/NOUN/conj/2/people saw/VERB/root/0/see mice/NOUN/obj/6/mouse and/CCONJ/cc/10 "
        "a/DET/det/10 duck/NOUN/conj/7 duck/VERB/xcomp/6 ./PUNCT/punct/6",
    )
    assert words("person", text) == ["children", "people"]
    assert words("animal", text) == ["mice", "duck"]  # the verb is none


def test_a_name_that_looks_like_a_pronoun():
    text = testing.text(
        "It is in the US. Mine helps us.",
        "It/PRON/nsubj/5 is/AUX/cop/5 in/ADP/case/5 the/DET/det/5 US/PROPN/root/0 ./PUNCT/punct/5\n"
        "Mine/PRON/nsubj/2 helps/VERB/root/0 us/PRON/obj/2 ./PUNCT/punct/2",
    )
    assert words('pronoun "I"', text) == ["Mine", "us"]
    assert words("pronoun", text) == ["It", "Mine", "us"]
    # A pipeline takes "I" after a verb for a numeral at times: "So am I".
    text = testing.text("So am I", "So/ADV/root/0 am/AUX/cop/1/be I/NUM/nsubj/1")
    assert words('pronoun "I"', text) == ["I"]


def test_a_department_is_no_pronoun():
    text = testing.text("our IT team", "our/PRON/nmod:poss/3 IT/NOUN/compound/3 team/NOUN/root/0")
    assert words("pronoun", text) == ["our"]
    assert words('pronoun "it"', text) == []


def test_a_preposition_or_an_adjective_of_time_is_no_adverb():
    text = testing.text(
        "After lunch the first one sat next to her, then left soon after today.",
        "After/ADP/case/2 lunch/NOUN/obl/6 the/DET/det/5 first/ADJ/amod/5 one/NOUN/nsubj/6 "
        "sat/VERB/root/0/sit next/ADV/advmod/6 to/ADP/case/9 her/PRON/obl/6 ,/PUNCT/punct/6 "
        "then/ADV/advmod/12 left/VERB/conj/6/leave soon/ADV/advmod/14 after/ADV/advmod/12 "
        "today/NOUN/obl/12 ./PUNCT/punct/6",
    )
    assert words("adverb of time", text) == ["then", "soon", "after", "today"]


def test_a_clitic_is_joined_to_a_word():
    # Words as spaCy has them: "'em" stands by itself, "n't" and "'s" do not.
    text = testing.text(
        "Get 'em, do n't. It's Tom's.",
        "Get/VERB/root/0 'em/PRON/obj/1 ,/PUNCT/punct/1 do/AUX/aux/1 n't/PART/advmod/1 "
        "./PUNCT/punct/1\n"
        "It/PRON/nsubj/3 's/AUX/cop/3/be Tom/PROPN/root/0 's/PART/case/3 ./PUNCT/punct/3",
    )
    assert words("clitic", text) == ["'", "s", "'", "s"]


def test_what_is_no_punctuation():
    # The second accent is a character of its own, and the vowel signs of Hindi are.
    text = testing.text("cafe\u0301 हिन्दी £5 + 3 🙂, yes")
    assert words("punctuation mark", text) == ["+", ","]


def test_features_see_the_first_token_of_a_model_without_bos():
    text = without_bos(testing.text("Tom saw Tom run.\nThen Tom ran."))
    assert words("repeated word", text) == ["Tom", "Tom"]
    assert words("repeated token", text) == ["Tom", "."]
    assert words("paragraph start", text) == ["Tom", "Then"]
    assert "Tom" in words("narration", text)


def test_relations_leave_out_the_first_token_of_a_model_without_bos():
    text = without_bos(testing.text("Elephants ran. It", pieces=3))
    for name, relation in RELATIONS.items():
        if not relation.start:
            assert 0 not in relation_targets(relation, text).key, name


def test_a_noun_that_was_cut_off_is_not_the_most_repeated():
    text = testing.text(
        "A cat, a cat. A dog, a dog ran.",
        "A/DET/det/2 cat/NOUN/root/0 ,/PUNCT/punct/2 a/DET/det/5 cat/NOUN/conj/2 ./PUNCT/punct/2\n"
        "A/DET/det/2 dog/NOUN/nsubj/6 ,/PUNCT/punct/2 a/DET/det/5 dog/NOUN/conj/2 "
        "ran/VERB/root/0/run ./PUNCT/punct/6",
    )
    first = place(text, "dog") - 1
    kept = replace(text, token_ids=text.token_ids[first:], offsets=text.offsets[first:])
    kept = replace(kept, has_bos=False)
    assert targets("most repeated noun", kept, "ran") == ["dog"]


def test_a_paragraph_begins_with_its_first_word_in_one_pass_over_the_string():
    text = testing.text('- One a.\n\n"Two b.\n***\n3 c.')
    assert words("paragraph start", text) == ["One", "Two", "3"]
    long = testing.text("The end." + "\n" * 20_000)
    began = time.perf_counter()
    assert words("paragraph start", long) == ["The"]
    assert time.perf_counter() - began < 2


def test_a_negation_inside_a_word():
    # spaCy parts "cannot" and "dont"; a model may have the first as one token, or cut in three.
    assert words("negation", make_text("You| cannot| go|,| Canno|t| I|?| A| knot|.")) == [
        "cannot",
        "Canno",
        "t",
    ]
    text = testing.text(
        "I can not, and do nt care.",
        "I/PRON/nsubj/2 can/AUX/root/0 not/PART/advmod/2 ,/PUNCT/punct/8 and/CCONJ/cc/8 "
        "do/AUX/aux/8 nt/PART/advmod/8 care/VERB/conj/2 ./PUNCT/punct/2",
    )
    assert words("negation", text) == ["not", "nt"]


def unparsed(string, forms):
    """A text without a parse, whose words are these."""
    text = testing.text(string, " ".join(f"{form}/X/dep/0" for form in forms.split()))
    return replace(text, parse=replace(text.parse, parsed=False))


def test_to_and_s_without_a_parse():
    # Before a noun phrase "to" is a preposition; after a pronoun "'s" is a verb.
    text = unparsed(
        "He’s to go to her bed, to Tom, to 3 men of Ann's.",
        "He ’s to go to her bed , to Tom , to 3 men of Ann 's .",
    )
    assert words("particle", text) == ["to", "'", "s"]
    assert words("preposition", text) == ["to", "to", "to", "of"]
    assert words("auxiliary", text) == ["’", "s"]


def test_that_and_no_without_a_parse():
    # "That" is here a conjunction, a pronoun, a determiner and, at the end, a pronoun.
    text = unparsed(
        "I know that he saw that with that cat. No, no cat did that",
        "I know that he saw that with that cat . No , no cat did that",
    )
    assert fires("determiner", text) == [8, 13]
    assert fires("pronoun", text) == [1, 4, 6, 16]
    assert fires("subordinating conjunction", text) == [3]
    assert fires("interjection", text) == [11]
