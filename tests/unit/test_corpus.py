"""Prompts, folds and shards depend on the texts alone; whatever is no corpus says so in a line."""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
import random
from pathlib import Path

import pytest

from labeler.corpus import (
    Corpus,
    Prompt,
    choose_folds,
    embedded_showcase,
    read_corpus,
    shards,
    told,
)
from labeler.errors import CorpusError
from labeler.readers import printable

STORIES = [f"Story {n}: Tom has {n} red balls." for n in range(200)]


def message_of(source: object, **options: object) -> str:
    # Unwrapped, since the type checker of the test run would be the first to object.
    with pytest.raises(CorpusError) as caught:
        inspect.unwrap(read_corpus)(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_fold_is_the_blake2b_of_the_words_modulo_k() -> None:
    prompt = Prompt("any", "Tom’s  ball!")
    whole = hashlib.blake2b("Tom’s  ball!".encode(), digest_size=16)
    assert prompt.digest == whole.hexdigest()
    expected = hashlib.blake2b(b"tom s ball", digest_size=16)
    for n_folds in (1, 8, 10, 16):
        assert prompt.fold(n_folds) == int.from_bytes(expected.digest(), "big") % n_folds
    assert prompt.fold(0) == 0
    assert prompt.fold(16) == Prompt("other", "TOM’S ball ").fold(16)
    marks = [Prompt("any", text) for text in ("...", "?!", "–")]
    assert len({prompt.fold(10**9) for prompt in marks}) == 3  # of no words each is itself


def test_the_hash_of_a_corpus_is_that_of_its_texts_in_any_order() -> None:
    corpus = read_corpus(STORIES)
    assert corpus.hash == read_corpus(STORIES[::-1]).hash
    assert corpus.hash != read_corpus(STORIES[:-1]).hash
    assert corpus.hash != read_corpus([*STORIES[:-1], "another"]).hash


def test_a_blank_line_among_prompts_of_a_line_is_told(tmp_path: Path) -> None:
    file = tmp_path / "stories.txt"
    file.write_text("\n".join([*STORIES[:90], "", *STORIES[90:]]))
    assert list(told(read_corpus(file))) == [
        f"{file}: 2 prompts from 200 lines, as blank lines part paragraphs; if each line is a "
        "prompt, remove the blank ones"
    ]
    for fine in ("\n".join(STORIES), "\n\n".join(STORIES)):
        file.write_text(fine)
        assert list(told(read_corpus(file))) == []


def test_what_is_left_out_is_told() -> None:
    corpus = read_corpus(["a", "a", " ", "b"])
    assert list(told(corpus)) == ["prompts: left out 1 blank, 1 duplicate"]


def test_duplicates_blanks_and_nulls_are_left_out_and_counted() -> None:
    corpus = read_corpus(["a", " ", "b", "a", "", "\u3000\n", "a", None, " a"])
    assert [prompt.text for prompt in corpus.prompts] == ["a", "b", " a"]
    assert corpus.skipped == {"blank": 3, "duplicate": 2, "null": 1}


def test_the_first_prompts_that_can_be_used_are_kept() -> None:
    corpus = read_corpus(["a", "a", "", "b", "c", "c"], max_prompts=2)
    assert [prompt.text for prompt in corpus.prompts] == ["a", "b"]
    assert corpus.skipped == {"blank": 1, "duplicate": 1}
    assert message_of(["a"], max_prompts=0) == (
        "max_prompts is 0; expected at least 1, or none for all"
    )


def test_ids_are_made_unique(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    given_ids = ["x", "x", "x (2)", "x", "y"]
    path.write_text("".join(f'{{"id": "{i}", "text": "{n}"}}\n' for n, i in enumerate(given_ids)))
    found = [prompt.id for prompt in read_corpus(path).prompts]
    assert found == ["x", "x (2)", "x (2) (2)", "x (3)", "y"]


def test_the_embedded_corpus_is_read_without_its_showcase() -> None:
    corpus = read_corpus()
    assert corpus.source == read_corpus("stories").source == "stories"
    assert len(corpus) >= 150
    assert not corpus.skipped
    showcase = embedded_showcase()
    assert showcase
    assert not {prompt.text for prompt in showcase} & {prompt.text for prompt in corpus.prompts}


def test_a_missing_asset_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("labeler.corpus.EMBEDDED", tmp_path)
    assert message_of("stories") == (
        "the embedded corpus is not installed; name another with --corpus"
    )
    with pytest.raises(CorpusError, match=r"showcase\.jsonl not found"):
        embedded_showcase()


KINDS = "a .txt, .jsonl, .csv or .parquet file, a folder of .txt, hf:NAME[:split] or -"
TEXT = "a text itself goes to --prompt, in Python into a list"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("nowhere.txt", f"corpus nowhere.txt not found; expected {KINDS}, or 'stories'; {TEXT}"),
        ("", f"the corpus has an empty name; expected {KINDS}, or 'stories'"),
        ("a\x00\n.txt", f"corpus a\\x00\\n.txt not found; expected {KINDS}, or 'stories'; {TEXT}"),
        (12, f"a corpus cannot be a number; expected {KINDS}, or texts"),
        (b"text", f"a corpus cannot be bytes; expected {KINDS}, or texts"),
        ({"text": "a"}, f"a corpus cannot be an object; expected {KINDS}, or texts"),
        (["fine", 3], "prompt 2: 'text' is a number; expected a string"),
        (
            ["a\udc80"],
            "prompt 1: 'text' has a lone surrogate (\\udc80) at character 1, which is no text; "
            "remove it, or write the whole pair",
        ),
        ([], "corpus prompts has no prompt in it (it is empty); expected at least one text"),
        (
            ["", " ", None],
            "corpus prompts has no prompt in it (only 2 blank, 1 null texts); expected at least "
            "one text",
        ),
    ],
)
def test_what_is_no_corpus_says_so(source: object, expected: str) -> None:
    assert message_of(source) == expected


def test_files_that_are_no_corpus_say_so(tmp_path: Path) -> None:
    (tmp_path / "a.docx").touch()
    (tmp_path / "a.txt").touch()
    os.mkfifo(tmp_path / "pipe.txt")
    assert message_of(tmp_path / "a.docx").endswith(f"is of an unknown kind; expected {KINDS}")
    assert message_of(str(tmp_path / "a.txt")).endswith(
        "a.txt has no prompt in it (it is empty); expected at least one text"
    )
    assert message_of(tmp_path / "pipe.txt").endswith(
        "is not a regular file; to read from a pipe, pass -"
    )
    assert message_of("a prompt, not a path. " * 20).endswith("cannot be read: File name too long")


def test_a_file_that_may_not_be_read_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.txt").write_text("a")
    monkeypatch.setattr(Path, "open", refuse)
    assert message_of(tmp_path / "a.txt").endswith("a.txt cannot be read: Permission denied")


def test_a_name_from_outside_is_shown_on_one_short_line() -> None:
    assert printable("a\n\x1b[31m\udcff\N{RIGHT-TO-LEFT OVERRIDE}b") == (
        "a\\n\\x1b[31m\\udcff\\u202eb"
    )
    assert len(printable("x" * 10_000)) == 401


@pytest.mark.parametrize(
    ("n_prompts", "expected"),
    [
        (0, 0), (7, 0), (8, 8), (15, 8), (16, 16), (160, 16), (10**9, 16),
    ],
)  # fmt: skip
def test_folds_are_sixteen_unless_there_are_fewer_prompts(n_prompts: int, expected: int) -> None:
    assert choose_folds(n_prompts) == expected


def test_shards_are_the_same_in_any_order_of_the_corpus() -> None:
    shuffled = random.Random(0).sample(STORIES, len(STORIES))
    plan = [
        (shard.id, shard.fold, [prompt.text for prompt in shard.prompts])
        for shard in shards(read_corpus(STORIES), 16, 8)
    ]
    again = [
        (shard.id, shard.fold, [prompt.text for prompt in shard.prompts])
        for shard in shards(read_corpus(shuffled), 16, 8)
    ]
    assert plan == again


def test_shards_hold_every_prompt_once_each_of_one_fold() -> None:
    corpus = read_corpus(STORIES)
    plan = shards(corpus, 8, 7)
    found = [prompt for shard in plan for prompt in shard.prompts]
    assert sorted(found, key=lambda prompt: prompt.text) == sorted(
        corpus.prompts, key=lambda prompt: prompt.text
    )
    assert all(prompt.fold(8) == shard.fold for shard in plan for prompt in shard.prompts)
    assert all(1 <= len(shard.prompts) <= 7 for shard in plan)
    order = [(prompt.fold(8), prompt.digest) for prompt in found]
    assert order == sorted(order)
    assert len({shard.id for shard in plan}) == len(plan)


def test_a_shard_is_named_by_its_texts_its_fold_and_the_number_of_folds() -> None:
    one = Corpus("here", (Prompt("a", "text"),), {})
    same = Corpus("there", (Prompt("b", "text"),), {"blank": 1})
    other = Corpus("here", (Prompt("a", "other text"),), {})
    names = [shards(corpus, 16)[0].id for corpus in (one, same, other)]
    assert names[0] == names[1] != names[2]
    assert shards(one, 8)[0].id != names[0]
    assert [shard.fold for shard in shards(one, 0)] == [0]
    with pytest.raises(ValueError, match="prompts_per_shard is 0; expected at least 1"):
        shards(one, 16, 0)


def test_corpora_travel_between_processes() -> None:
    corpus = read_corpus(STORIES)
    plan = shards(corpus, 8)
    sent, sent_plan = pickle.loads(pickle.dumps((corpus, plan)))  # noqa: S301 (our own bytes)
    assert (sent, sent_plan, sent.hash) == (corpus, plan, corpus.hash)
