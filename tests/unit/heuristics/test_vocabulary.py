"""The built-ins as a whole: names, wording, purity, causality, hostile texts."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from heuristics import Text
from heuristics.check import in_range
from heuristics.registry import BUILTIN
from heuristics.targets import Targets

from .making import FEATURES, HEURISTICS, RELATIONS, evaluate, make_text
from .stories import TEXTS

SNAPSHOT = Path(__file__).parent / "names.txt"
START_OF_TEXT = {"start of text"} | {
    name for name in RELATIONS if name.endswith(("structural pivot", ", or start"))
}
HOSTILE = {
    "one token": make_text("a"),
    "no BOS": make_text('"|Hi|,"| said| Tom|.', bos=False),
    "emoji": make_text("Hi| 🙂×4| Tom| 🏳️‍🌈×5|!"),
    "right to left": make_text("שלום| עולם|.| أهلا"),
    "combining marks": make_text("e\u0301|a\u0308o| n\u0303o|."),
    "NUL and tabs": make_text("a|\x00|\t| b|\r\n|\n\n|c"),
    "nested and unclosed quotes": make_text('“|a| «|b| "|c|»| „|d| ‘|e| "|\n|\n|”|’|"'),
    "lone quotes": make_text("'|’|‘|\"|»"),
    "a long word": make_text("|".join("ab" * 200)),
    "only line breaks": make_text("\n|\n|\n"),
    "only spaces": make_text(" | | "),
}


def texts() -> dict[str, Text]:
    return {**{name: text() for name, text in TEXTS.items()}, **HOSTILE}


def test_no_registered_name_vanishes_unseen():
    registered = [f"{item.kind} {item.name}" for item in HEURISTICS]
    recorded = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    assert registered == recorded, f"if this is meant, write the new names to {SNAPSHOT.name}"


def test_every_module_contributes():
    assert {item.module for item in HEURISTICS} == set(BUILTIN)


def test_names_fit_in_a_label():
    assert all(len(item.name) <= 45 for item in HEURISTICS)
    assert all(item.name == item.name.strip() and "{" not in item.name for item in HEURISTICS)


@pytest.mark.parametrize("item", HEURISTICS, ids=lambda item: f"{item.kind} {item.name}")
def test_wording(item):
    assert item.description.strip(), "a docstring is what the reader of a report sees"
    assert item.description.rstrip()[-1] in ".)…"
    assert not re.search(r"\b(the|a|an|all) (the|a|an|all)\b", f" {item.phrase} "), item.phrase
    assert not re.search(r"\b(\w+) \1\b", item.phrase), item.phrase
    assert "{" not in item.phrase
    if item.kind == "relation":
        assert re.match(r"(the|all) ", item.phrase), item.phrase
    else:
        assert item.noun
        assert not item.noun.startswith(("a ", "an ", "the "))


def test_what_may_name_the_first_position_says_so():
    assert {name for name, item in RELATIONS.items() if item.start} == START_OF_TEXT


POSITIONAL = re.compile(
    r"(current token|previous token|(two|three|four) tokens back|start of text|anywhere"
    r"|nearby \(\d+\)|fading (by|over|with) .*|words? (ends )?fading|.*words? back"
    r"|(end|start) of the previous word|previous word|start of the current word"
    r"|current word so far|earlier pieces.*)"
)


def test_relations_that_claim_a_distance_are_positional():
    claimed = {name for name, item in RELATIONS.items() if item.positional}
    assert claimed == {name for name in RELATIONS if POSITIONAL.fullmatch(name)}


def snapshot(text: Text) -> list[bytes]:
    arrays = [text.token_ids, text.offsets, text.word, text.word_start, text.clause, text.head]
    for field in fields(text.parse):
        value = getattr(text.parse, field.name)
        arrays.append(np.asarray(value).astype(str))
    return [np.ascontiguousarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize("name", [*TEXTS, *HOSTILE])
def test_pure_causal_and_well_formed(name):
    text = texts()[name]
    before = snapshot(text)
    n = len(text)
    for item in HEURISTICS:
        first, second = evaluate(item, text), evaluate(item, text)
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=item.name)
        if item.kind == "feature":
            continue
        query, key, weight = first
        assert in_range(Targets(query, key, weight), n), item.name
        assert (key <= query).all(), f"{item.name} looks ahead"
        assert (key >= (0 if item.name in START_OF_TEXT else 1)).all(), item.name
        assert (weight > 0).all(), item.name
        assert (np.diff(query) >= 0).all(), f"{item.name} is not sorted by query"
        assert len(np.unique(query * n + key)) == len(query), f"{item.name} repeats a pair"
    assert snapshot(text) == before, "inputs were written to"


def test_the_prompt_itself_decides_and_not_a_memory_of_another():
    fresh = make_text("a| b| a")
    other = make_text("b| a| b")
    results = [evaluate(RELATIONS["duplicate token"], text) for text in (fresh, other, fresh)]
    np.testing.assert_array_equal(results[0][1], results[2][1])


def test_query_classes_are_singular_nouns():
    classes = [item for item in HEURISTICS if item.query_class]
    assert {item.kind for item in classes} == {"feature"}
    assert {"comma", "full stop", "noun", "verb", "opening speech mark"} <= {
        i.name for i in classes
    }


def test_a_text_without_a_parse_has_no_words_of_the_parser():
    text = TEXTS["curly"]()
    assert not FEATURES["noun"](text).any()
    assert not len(RELATIONS["subject of the clause"](text).query)
