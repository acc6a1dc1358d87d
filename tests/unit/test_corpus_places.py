"""Corpora that are no single file: a folder, a dataset of the hub, standard input."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from labeler.corpus import Corpus, read_corpus
from labeler.errors import CorpusError


def texts(corpus: Corpus) -> list[str]:
    return [prompt.text for prompt in corpus.prompts]


def ids(corpus: Corpus) -> list[str]:
    return [prompt.id for prompt in corpus.prompts]


def test_a_folder_gives_a_prompt_a_file_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"\n\n  first\n\nsecond\r\n\r\n")
    (tmp_path / "a.TXT").write_text("other", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "notes.md").write_bytes(b"\xff")
    (tmp_path / "._b.txt").write_bytes(b"\xff")
    (tmp_path / "deeper.txt").mkdir()
    corpus = read_corpus(tmp_path)
    assert texts(corpus) == ["other", "  first\n\nsecond"]
    assert ids(corpus) == ["a.TXT", "b.txt"]
    assert corpus.skipped == {"blank": 1}


def test_a_folder_without_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"has no \.txt file in it; expected one prompt a file"):
        read_corpus(tmp_path)


def test_a_file_of_a_folder_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x80")
    with pytest.raises(CorpusError, match=r"/a\.txt is not UTF-8: byte 0x80 at byte offset 0 \("):
        read_corpus(tmp_path)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stand-in for `datasets`: `rows` is what it streams, `asked` what it was asked for."""
    state = SimpleNamespace(rows=[], asked=None, read=0)

    def stream() -> Iterator[object]:
        for row in state.rows:
            state.read += 1
            if isinstance(row, Exception):
                raise row
            yield row

    def load_dataset(name: str, **options: object) -> Iterator[object]:
        state.asked = (name, options)
        return stream()

    module = ModuleType("datasets")
    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return state


def test_a_dataset_is_streamed_and_no_further_than_needed(hub: SimpleNamespace) -> None:
    hub.rows = [{"text": "a", "id": "x"}, {"text": "b"}, {"text": "c"}]
    corpus = read_corpus("hf:someone/stories:validation", max_prompts=2)
    assert hub.asked == ("someone/stories", {"split": "validation", "streaming": True})
    assert hub.read == 2
    assert ids(corpus) == ["x", "someone/stories row 2"]
    assert corpus.source == "hf:someone/stories:validation"


def test_the_split_is_train_unless_said(hub: SimpleNamespace) -> None:
    hub.rows = [{"story": "a"}]
    assert texts(read_corpus("hf:stories", column="story")) == ["a"]
    assert hub.asked[1]["split"] == "train"


def test_what_goes_wrong_on_the_hub_is_one_line(hub: SimpleNamespace) -> None:
    hub.rows = [{"text": "a"}, ConnectionError("no route\nto the hub")]
    with pytest.raises(CorpusError) as caught:
        read_corpus("hf:stories")
    assert str(caught.value) == (
        "hf:stories (split train) cannot be read (no route); check the name, the split and the "
        "network, or pass a local file"
    )
    hub.rows = [{"story": "a"}]
    with pytest.raises(
        CorpusError, match=r"^hf:stories \(split train\) row 1 has no column 'text'"
    ):
        read_corpus("hf:stories")
    with pytest.raises(CorpusError, match=r"^'hf:' names no dataset; expected hf:NAME"):
        read_corpus("hf:")


def test_without_datasets_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(CorpusError) as caught:
        read_corpus("hf:stories")
    assert str(caught.value) == (
        "reading 'hf:stories' needs the package datasets: pip install 'head-labeler[hf]'"
    )


def test_standard_input_is_text_or_json_lines() -> None:
    assert texts(read_corpus("-", stdin=io.BytesIO(b"one\ntwo\n\nthree"))) == ["one\ntwo", "three"]
    line = json.dumps({"text": "a", "id": "x"}).encode()
    for content in (line, codecs.BOM_UTF8 + line):
        assert ids(read_corpus("-", stdin=io.BytesIO(content))) == ["x"]
    with pytest.raises(CorpusError, match=r"^stdin:1: not a line of JSON"):
        read_corpus("-", stdin=io.BytesIO(b"{oops"))


def test_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CorpusError, match=r"^corpus - is standard input, and it is closed"):
        read_corpus("-")
