import numpy as np
import pytest

from heuristics.schemes import content_heads, normalise, scheme_of

from .making import keys, make_text


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("dobj", "obj"),
        ("nsubjpass", "nsubj:pass"),
        ("relcl", "acl:relcl"),
        ("ROOT", "root"),
        ("auxpass", "aux:pass"),
        ("prep", "case"),
        ("pobj", "obl"),
        ("poss", "nmod:poss"),
        ("prt", "compound:prt"),
        ("nsubj", "nsubj"),
        ("punct", "punct"),
    ],
)
def test_spacy_labels_get_their_universal_name(label, expected):
    assert normalise([label]) == [expected]


def test_universal_labels_are_left_alone():
    labels = ["root", "nsubj", "obj", "acl:relcl", "obl:agent", "nmod:unmarked", "nsubj:outer", ""]
    assert normalise(labels) == labels


def test_a_spacy_pipeline_trained_on_universal_dependencies_still_says_root_in_capitals():
    assert scheme_of(["ROOT", "nsubj", "obj", "case"]) == "ud"
    assert scheme_of(["ROOT", "nsubj", "dobj", "prep"]) == "spacy"
    assert scheme_of([]) == "ud"


def test_a_preposition_is_hung_on_its_object():
    # "sat on the mat": spaCy has sat → on → mat, Universal Dependencies sat → mat → on.
    dep = np.array(["root", "case", "det", "obl"], dtype=object)
    assert content_heads(dep, np.array([0, 0, 3, 1])).tolist() == [0, 3, 3, 0]


def test_nested_prepositions_are_hung_on_their_objects():
    # "sat on top of it": sat → on → top → of → it becomes sat → top → (on, it → of).
    dep = np.array(["root", "case", "obl", "case", "obl"], dtype=object)
    assert content_heads(dep, np.array([0, 0, 1, 2, 3])).tolist() == [0, 2, 0, 4, 2]


def test_a_tree_in_universal_dependencies_is_left_alone():
    dep = np.array(["root", "case", "det", "obl"], dtype=object)
    head = np.array([0, 3, 3, 0])
    assert content_heads(dep, head).tolist() == head.tolist()


TOKENS = "The| cat| that| Tom| saw| sat| on| the| mat|."
UNIVERSAL = """The/DET/det/2 cat/NOUN/nsubj/6 that/PRON/obj/5 Tom/PROPN/nsubj/5 saw/VERB/acl:relcl/2
 sat/VERB/root/0 on/ADP/case/9 the/DET/det/9 mat/NOUN/obl/6 ./PUNCT/punct/6""".replace("\n", "")
SPACY = """The/DET/det/2 cat/NOUN/nsubj/6 that/PRON/dobj/5 Tom/PROPN/nsubj/5 saw/VERB/relcl/2
 sat/VERB/ROOT/0 on/ADP/prep/6 the/DET/det/9 mat/NOUN/pobj/7 ./PUNCT/punct/6""".replace("\n", "")


@pytest.mark.parametrize("parse", [UNIVERSAL, SPACY], ids=["universal", "spacy"])
def test_built_ins_say_the_same_in_both_schemes(parse):
    text = make_text(TOKENS, parse)
    sat, mat = 6, 9
    assert keys("subject of the clause", text, sat) == [2]
    assert keys("syntactic head", text, mat) == [sat]
    assert keys("preposition of the noun", text, mat) == [7]
    assert keys("start of the clause", text, 5) == [3]
    assert keys("start of the clause", text, mat) == [1]
