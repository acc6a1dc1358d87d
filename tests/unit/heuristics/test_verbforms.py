"""What governs a verb says whether "put" is a past, and "come" a participle."""

import pytest

from heuristics import testing

from .making import words


@pytest.mark.parametrize(
    ("string", "parse", "past", "base"),
    [
        # A finite "put" may be either; after "to", "did", a modal or "let" it is no past.
        ("She put it", "She/PRON/nsubj/2 put/VERB/root/0 it/PRON/obj/2", ["put"], ["put"]),
        (
            "She wants to put it",
            "She/PRON/nsubj/2 wants/VERB/root/0/want to/PART/mark/4 put/VERB/xcomp/2 it/PRON/obj/4",
            [],
            ["put"],
        ),
        (
            "He did put it",
            "He/PRON/nsubj/3 did/AUX/aux/3/do put/VERB/root/0 it/PRON/obj/3",
            ["did"],
            ["put"],
        ),
        (
            "He’ll put it",
            "He/PRON/nsubj/3 ’ll/AUX/aux/3/will put/VERB/root/0 it/PRON/obj/3",
            [],
            ["put"],
        ),
        (
            "Tom let me put it",
            "Tom/PROPN/nsubj/2 let/VERB/root/0 me/PRON/obj/2 put/VERB/xcomp/2 it/PRON/obj/4",
            [],
            ["let", "put"],
        ),
        # So is an order, which has no subject.
        ("Put it down", "Put/VERB/root/0 it/PRON/obj/1 down/ADV/advmod/1", [], ["Put"]),
        # What is joined to such a verb is governed with it, unless it has a subject of its own.
        (
            "He will go and put it",
            "He/PRON/nsubj/3 will/AUX/aux/3 go/VERB/root/0 and/CCONJ/cc/5 put/VERB/conj/3 "
            "it/PRON/obj/5",
            [],
            ["go", "put"],
        ),
        (
            "He will go and she put it",
            "He/PRON/nsubj/3 will/AUX/aux/3 go/VERB/root/0 and/CCONJ/cc/6 she/PRON/nsubj/6 "
            "put/VERB/conj/3 it/PRON/obj/6",
            ["put"],
            ["go", "put"],
        ),
        # After "have" and the passive's "be" both are participles.
        (
            "He has come and put it",
            "He/PRON/nsubj/3 has/AUX/aux/3/have come/VERB/root/0 and/CCONJ/cc/5 put/VERB/conj/3 "
            "it/PRON/obj/5",
            ["come", "put"],
            [],
        ),
        (
            "It was put there",
            "It/PRON/nsubj:pass/3 was/AUX/aux:pass/3/be put/VERB/root/0 there/ADV/advmod/3",
            ["was", "put"],
            [],
        ),
        ("They come", "They/PRON/nsubj/2 come/VERB/root/0", [], ["come"]),
    ],
)
def test_a_form_that_may_be_several(string, parse, past, base):
    text = testing.text(string, parse)
    assert words("past tense", text) == past
    assert words("base form", text) == base
