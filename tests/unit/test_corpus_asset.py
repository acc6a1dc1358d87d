"""The corpus that ships: large enough, simple, full of what labels need, and not copied."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from heuristics.speech import match_speech
from labeler.corpus import EMBEDDED, SHOWCASE, choose_folds, embedded_showcase, read_corpus

TRAINING = Path(__file__).parents[3] / "shared" / "data" / "tinystories" / "train.jsonl"


@pytest.fixture(scope="module")
def stories() -> list[str]:
    return [prompt.text for prompt in read_corpus().prompts]


def test_it_is_as_large_as_labels_need(stories: list[str]):
    assert len(stories) >= 150
    assert sum(len(story.split()) for story in stories) >= 20_000
    assert choose_folds(len(stories)) == 16  # the full number of folds


def test_rows_have_an_id_and_a_text_each():
    for file in EMBEDDED.glob("*.jsonl"):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert all(set(row) == {"id", "text"} for row in rows)
        assert len({row["id"] for row in rows}) == len(rows)
        assert all(row["text"] == row["text"].strip() for row in rows)


def test_nothing_is_there_twice():
    corpus = read_corpus()
    assert corpus.skipped == {}


def share(stories: list[str], pattern: str) -> float:
    return sum(bool(re.search(pattern, story)) for story in stories) / len(stories)


@pytest.mark.parametrize(
    ("what", "pattern", "least"),
    [
        ("speech", r"[\"“]", 0.8),
        ("a comma inside the closing mark", r",[\"”]", 0.5),
        ("a question inside the closing mark", r"\?[\"”]", 0.5),
        ("an exclamation inside the closing mark", r"![\"”]", 0.3),
        ("speech opened by a colon", r": [\"“]", 0.05),
        ("a speech verb before a name", r"\b(said|asked|cried|says|asks) [A-Z]", 0.5),
        ("but", r"\b[Bb]ut\b", 0.5),
        ("because", r"\b[Bb]ecause\b", 0.3),
        ("when", r"\b[Ww]hen\b", 0.3),
        ("a list of three", r"\w+, (?:\w+ ){0,3}\w+,? and \w+", 0.3),
        ("curly marks", r"“", 0.02),
    ],
)
def test_it_holds_what_heads_attend_to(stories: list[str], what: str, pattern: str, least: float):
    assert share(stories, pattern) >= least, what


def test_names_and_objects_come_back(stories: list[str]):
    """Repetition heads need words that are said again."""
    repeated = 0
    for story in stories:
        names = Counter(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", story))
        repeated += any(count >= 3 for count in names.values())
    assert repeated >= 0.7 * len(stories)


def test_every_speech_is_closed(stories: list[str]):
    for story in stories:
        marks = match_speech(story)
        assert marks.opening.sum() == marks.closing.sum() > 0, story


def test_the_showcase_is_short_single_paragraphs():
    prompts = embedded_showcase()
    assert 4 <= len(prompts) <= 12
    assert all("\n" not in prompt.text for prompt in prompts)
    assert all(len(prompt.text) <= 250 for prompt in prompts)
    assert any(re.search(r"One day, \w+ asks \w+: ", prompt.text) for prompt in prompts)
    assert (EMBEDDED / SHOWCASE).is_file()


@pytest.mark.skipif(not TRAINING.is_file(), reason="the training stories are not here")
def test_no_training_story_was_copied(stories: list[str]):
    """No run of fifteen words of ours is in the stories that the model was trained on."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[a-z']+", text.lower())
        return {tuple(words[i : i + 15]) for i in range(len(words) - 14)}

    ours = set().union(*map(runs, stories))
    with TRAINING.open(encoding="utf-8") as file:
        shared = set().union(*(runs(json.loads(line)["text"]) & ours for line in file))
    assert shared == set()
