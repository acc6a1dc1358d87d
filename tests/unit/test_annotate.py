"""Annotation: every token at its characters, parses that survive the disk, long prompts fitted."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from heuristics.parse import Parse
from heuristics.schemes import scheme_of
from heuristics.text import Text
from labeler import pipeline as module
from labeler.annotate import ParseCache, annotate, fit_to_context
from labeler.corpus import Prompt
from labeler.errors import ConfigError
from labeler.model import LanguageModel, load_model
from labeler.pipeline import Pipeline, pieces

STORY_MODEL = Path(module.__file__).parent / "assets" / "story_model"
HOSTILE = {
    "plain": 'One day, Tom said: "Wait!" Lily didn\'t wait.',
    "spaces": "  two  spaces\n\n\n\tand a tab \r\n end  ",
    "quotes": '“nested ‘marks «of» three’ kinds” and "one that is not closed',
    "accents": "é́́ combining, e\u0301 and é, ñandú",
    "emoji": "👩‍👩‍👧‍👦 went 🇩🇪 home 🏳️‍🌈.",
    "right to left": "שלום עולם, said \u202eolleh\u202c مرحبا.",
    "control": "a\x00b\x01c\x7fd\u200be\ufefff",
    "no spaces": "中文没有空格。" + "x" * 2000,
    "newlines": "\n\n.\n\n",
    "one": "x",
}


def sentences(count: int) -> str:
    return "".join(f"Mia saw {number} dogs.\n\n" for number in range(count))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline("embedded")


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model(str(STORY_MODEL), "cpu")


def prompts(*strings: str) -> list[Prompt]:
    return [Prompt(f"p{number}", string) for number, string in enumerate(strings)]


def assert_same(a: Parse, b: Parse) -> None:
    for field in fields(Parse):
        first, second = getattr(a, field.name), getattr(b, field.name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype, field.name
            assert np.array_equal(first, second), field.name
        else:
            assert first == second


# --- alignment -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(model: LanguageModel, pipeline: Pipeline) -> dict[str, Text]:
    texts = annotate(prompts(*HOSTILE.values()), model, ParseCache(pipeline, None), 10**6)
    return dict(zip(HOSTILE, texts, strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_the_model_reads_the_text_as_it_is(hostile: dict[str, Text], model, name: str):
    text = hostile[name]
    assert text.string == HOSTILE[name]
    assert model.tokenizer.decode(text.token_ids[1:]) == HOSTILE[name]


@pytest.mark.parametrize("name", HOSTILE)
def test_words_stand_at_their_characters(hostile: dict[str, Text], name: str):
    parse, string = hostile[name].parse, HOSTILE[name]
    assert [string[a:b] for a, b in zip(parse.start, parse.end, strict=True)] == list(parse.text)
    covered = np.zeros(len(string), dtype=int)
    for a, b in zip(parse.start, parse.end, strict=True):
        covered[a:b] += 1
    assert covered.max() <= 1
    assert all(string[index] == " " for index in np.flatnonzero(covered == 0))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_token_belongs_to_a_word_that_shares_a_character_with_it(
    hostile: dict[str, Text], name: str
):
    text = hostile[name]
    for position, word in enumerate(text.word):
        start, end = text.offsets[position]
        shown = text.string[start:end]
        if word < 0:
            assert not shown.strip()  # BOS, spaces, line breaks
        elif shown.strip():
            shared = set(range(start, end)) & set(
                range(text.parse.start[word], text.parse.end[word])
            )
            assert any(not text.string[index].isspace() for index in shared)


@pytest.mark.parametrize("name", HOSTILE)
def test_heads_and_sentences_are_within_the_text(hostile: dict[str, Text], name: str):
    parse = hostile[name].parse
    assert ((parse.head >= 0) & (parse.head < len(parse))).all()
    assert parse.sentence[0] == 0
    assert set(np.diff(parse.sentence)) <= {0, 1}
    assert (parse.sentence[parse.head] == parse.sentence).all()


def test_a_word_in_pieces_and_a_token_of_two_words(model: LanguageModel, pipeline: Pipeline):
    """Offsets by hand: `didn't` is two words for spaCy, and a rare word is many tokens."""
    string = "Zyxwvut didn't"
    [text] = annotate(prompts(string), model, ParseCache(pipeline, None), 100)
    assert list(text.parse.text) == ["Zyxwvut", "did", "n't"]
    rare = [i for i in range(1, len(text)) if text.offsets[i, 1] <= len("Zyxwvut")]
    assert len(rare) > 1
    assert (text.word[rare] == 0).all()
    assert text.piece[rare].tolist() == list(range(len(rare)))


# --- the cache -------------------------------------------------------------------------------


def test_parses_survive_the_disk_bit_by_bit(pipeline: Pipeline, tmp_path: Path):
    asked = prompts(*HOSTILE.values())
    computed = ParseCache(pipeline, tmp_path).parses(asked)
    read = ParseCache(pipeline, tmp_path).parses(asked)
    assert len(list(tmp_path.rglob("*.npz"))) == 1
    for a, b in zip(computed, read, strict=True):
        assert_same(a, b)


class Refuses(Pipeline):
    """Says that it is a pipeline and never parses."""

    def parse(self, strings):
        raise AssertionError("parsed again")

    @property
    def fingerprint(self) -> str:
        return Pipeline("embedded").fingerprint


def test_cached_parses_need_no_pipeline(pipeline: Pipeline, tmp_path: Path):
    asked = prompts("Tom ran.", "Mia sat.")
    computed = ParseCache(pipeline, tmp_path).parses(asked)
    for a, b in zip(computed, ParseCache(Refuses("embedded"), tmp_path).parses(asked), strict=True):
        assert_same(a, b)
    with pytest.raises(AssertionError, match="parsed again"):
        ParseCache(Refuses("embedded"), tmp_path).parses(asked[::-1])  # other prompts, other file


DAMAGE = {
    "empty": lambda raw: b"",
    "cut": lambda raw: raw[: len(raw) // 2],
    "not a zip": lambda raw: b"not" + raw,
    "one byte": lambda raw: raw[:200] + bytes([raw[200] ^ 255]) + raw[201:],
    "another file": lambda raw: b"PK\x03\x04" + b"\0" * 400,
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_made_again(pipeline: Pipeline, tmp_path: Path, how: str):
    asked = prompts("Tom ran.", "Mia sat down.")
    computed = ParseCache(pipeline, tmp_path).parses(asked)
    [file] = tmp_path.rglob("*.npz")
    whole = file.read_bytes()
    file.write_bytes(DAMAGE[how](whole))
    for a, b in zip(computed, ParseCache(pipeline, tmp_path).parses(asked), strict=True):
        assert_same(a, b)
    assert file.read_bytes() == whole


def test_another_pipeline_is_another_key(pipeline: Pipeline, tmp_path: Path):
    """The same files under another path are the same pipeline; one changed byte is not."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in module.EMBEDDED.rglob("*"):
        target = copy / file.relative_to(module.EMBEDDED)
        if file.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(file.read_bytes())
    assert Pipeline(str(copy)).fingerprint == pipeline.fingerprint
    config = copy / "config.cfg"
    config.write_bytes(config.read_bytes() + b"\n")
    assert Pipeline(str(copy)).fingerprint != pipeline.fingerprint


def test_a_cache_that_cannot_be_written_is_done_without(pipeline: Pipeline, tmp_path: Path):
    (tmp_path / "file").touch()
    cache = ParseCache(pipeline, tmp_path / "file")
    assert [len(parse) for parse in cache.parses(prompts("Tom ran."))] == [3]


# --- pipelines -------------------------------------------------------------------------------


def test_a_missing_pipeline_names_the_command(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"`python -m spacy download en_core_web_trf`.*embedded"):
        _ = Pipeline("en_core_web_trf").nlp
    (tmp_path / "config.cfg").write_text("[nlp]\nlang = en\n")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        _ = Pipeline(str(tmp_path)).nlp


@pytest.mark.parametrize("meta", [None, "{", "[]", "{}"])
def test_a_version_is_read_from_the_files_where_they_say_it(
    pipeline: Pipeline, tmp_path: Path, meta: str | None
):
    copy = tmp_path / "pipeline"
    shutil.copytree(module.EMBEDDED, copy)
    if meta is not None:
        (copy / "meta.json").write_text(meta)
    again = Pipeline(str(copy))
    if meta is None:
        assert again.version == pipeline.nlp.meta["version"]
        assert "nlp" not in vars(again)
    else:
        with pytest.raises(ConfigError, match="cannot be loaded"):
            _ = again.version


def test_the_embedded_pipeline_speaks_universal_dependencies(pipeline: Pipeline):
    labels = pipeline.nlp.get_pipe("parser").labels
    assert pipeline.scheme == scheme_of(labels) == "ud"
    [parse] = pipeline.parse(["Tom found the ball."])
    assert parse.parsed
    assert parse.dep.tolist() == ["nsubj", "root", "det", "obj", "punct"]
    assert parse.head.tolist() == [1, 1, 3, 1, 1]


def test_a_pipeline_without_a_parser_says_so(tmp_path: Path):
    import spacy

    spacy.blank("en").to_disk(tmp_path / "blank")
    [parse] = Pipeline(str(tmp_path / "blank")).parse(["Tom ran. Mia sat."])
    assert not parse.parsed
    assert parse.head.tolist() == list(range(len(parse)))
    assert set(parse.pos) == set(parse.dep) == {""}
    assert parse.lemma[0] == "tom"


# --- long prompts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "string", ["", "a", "a" * 95, "a b " * 60, "line\n" * 30, "para\n\n" * 30, " " * 50]
)
def test_pieces_add_up_to_the_string(string: str):
    cut = pieces(string, 20)
    assert "".join(cut) == string
    assert max(map(len, cut)) <= 20
    for piece in cut[:-1]:
        assert piece[-1].isspace() or not any(c.isspace() for c in piece)


def test_a_string_parsed_in_pieces_keeps_its_places(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    string = sentences(12)
    [whole] = pipeline.parse([string])
    monkeypatch.setattr(module, "LONGEST_PIECE", 60)
    monkeypatch.setattr(module, "pieces", lambda text: pieces(text, 60))
    [joined] = pipeline.parse([string])
    assert_same(whole, joined)


def whole_text(model: LanguageModel, pipeline: Pipeline) -> Text:
    [text] = annotate(prompts(sentences(20)), model, ParseCache(pipeline, None), 10**6)
    return text


def test_a_long_prompt_is_split_without_loss(model: LanguageModel, pipeline: Pipeline):
    text = whole_text(model, pipeline)
    limit = 17
    parts = fit_to_context(text, limit, "split")
    assert all(len(part) <= limit for part in parts)
    assert all(part.token_ids[0] == model.bos for part in parts)
    assert np.concatenate([part.token_ids[1:] for part in parts]).tolist() == (
        text.token_ids[1:].tolist()
    )
    assert [part.id for part in parts[:3]] == ["p0", "p0#2", "p0#3"]
    # Each piece still knows where it stands in the string, and what the words there are.
    assert np.concatenate([part.words[1:] for part in parts]).tolist() == text.words[1:].tolist()


def test_a_long_prompt_is_cut_to_its_beginning(model: LanguageModel, pipeline: Pipeline):
    text = whole_text(model, pipeline)
    [part] = fit_to_context(text, 17, "cut")
    assert part.token_ids.tolist() == text.token_ids[:17].tolist()
    assert part.offsets.tolist() == text.offsets[:17].tolist()
    assert fit_to_context(text, len(text), "cut") == [text]


@pytest.mark.parametrize("surplus", [1, 15, 16, 17])
def test_no_piece_is_only_bos(model: LanguageModel, pipeline: Pipeline, surplus: int):
    text = whole_text(model, pipeline)
    n = 17 + surplus
    [short] = fit_to_context(text, n, "cut")
    assert [len(part) for part in fit_to_context(short, 17, "split")] == (
        [17, 1 + surplus] if surplus <= 16 else [17, 17, 1 + surplus - 16]
    )
