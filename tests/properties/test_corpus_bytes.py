"""Any bytes are a corpus or one clear line; and whatever is read was in the file, unaltered."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labeler.corpus import Corpus, read_corpus
from labeler.errors import CorpusError


def outcome(source: object, **options: object) -> Corpus | None:
    """A sound corpus, or None after an error of one line; any other exception fails the test."""
    try:
        corpus = read_corpus(source, **options)
    except CorpusError as error:
        message = str(error)
        corpus = None
    else:
        message = "no error"
        assert corpus.prompts
        assert all(prompt.text.strip() for prompt in corpus.prompts)
        assert len({prompt.id for prompt in corpus.prompts}) == len(corpus)
        assert len({prompt.digest for prompt in corpus.prompts}) == len(corpus)
    assert message
    assert message.isprintable()
    return corpus


def outcome_of_file(content: bytes, suffix: str) -> Corpus | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"hostile{suffix}"
        path.write_bytes(content)
        return outcome(path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8))
def test_texts_come_through_unchanged(given_texts: list[str]) -> None:
    expected = list(dict.fromkeys(text for text in given_texts if text.strip()))
    corpus = outcome(given_texts)
    assert [prompt.text for prompt in (corpus.prompts if corpus else ())] == expected


nearly_csv = st.text(st.sampled_from('text,id"\r\n\x00 a;'), max_size=60).map(str.encode)
nearly_json = st.lists(
    st.sampled_from(
        ['{"text":', '"a"', ",", "}", "\n", '"id":', "1e999", "null", '"\\ud800"', "["]
    ),
    max_size=12,
).map(lambda parts: "".join(parts).encode())


@settings(max_examples=400, deadline=None)
@example(b"text\r\na\rb\r\n", ".csv")
@example(b'text\n"', ".csv")
@example(b"\xef\xbb\xbf", ".txt")
@given(
    st.one_of(st.binary(max_size=80), nearly_csv, nearly_json),
    st.sampled_from([".txt", ".jsonl", ".csv", ".parquet"]),
)
def test_any_bytes_are_a_corpus_or_a_clear_error(content: bytes, suffix: str) -> None:
    outcome_of_file(content, suffix)
    outcome_of_file(b"text,id\n" + content, suffix)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_standard_input_is_a_corpus_or_a_clear_error(content: bytes) -> None:
    outcome("-", stdin=io.BytesIO(content))


def parquet_file() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": ["a", "b", None], "id": [1, 2, 3]}), sink)
    return sink.getvalue()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_parquet_file_is_a_corpus_or_a_clear_error(data: st.DataObject) -> None:
    whole = parquet_file()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.binary(min_size=1, max_size=1))
    assert outcome_of_file(whole[:place], ".parquet") is None
    outcome_of_file(whole[:place] + whole[-8:], ".parquet")
    outcome_of_file(whole[:place] + byte + whole[place + 1 :], ".parquet")


@settings(deadline=None)
@given(st.text(st.sampled_from("ab \t\r\n\u2028"), max_size=40))
def test_a_text_file_loses_nothing_but_white_space_between_prompts(content: str) -> None:
    corpus = outcome("-", stdin=io.BytesIO(content.encode()))
    place = 0
    for prompt in corpus.prompts if corpus and not corpus.skipped else ():
        found = content.index(prompt.text, place)
        assert not content[place:found].strip()
        place = found + len(prompt.text)
    assert not content[place:].strip() or (corpus is not None and corpus.skipped)
