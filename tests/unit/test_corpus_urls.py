"""Corpora behind URLs, in fsspec's own memory and where nothing is."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from labeler.corpus import read_corpus
from labeler.errors import CorpusError
from tests.torture.fuzz import SOUND


@pytest.mark.parametrize("suffix", sorted(SOUND))
def test_a_url_reads_as_the_file_does(suffix: str, tmp_path: Path):
    content = SOUND[suffix]
    (tmp_path / f"texts{suffix}").write_bytes(content)
    with fsspec.open(f"memory://bucket/texts{suffix}", "wb") as file:
        file.write(content)
    here = read_corpus(tmp_path / f"texts{suffix}")
    there = read_corpus(f"memory://bucket/texts{suffix}")
    assert [prompt.text for prompt in there.prompts] == [prompt.text for prompt in here.prompts]
    assert there.hash == here.hash
    assert there.source == f"memory://bucket/texts{suffix}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("memory://bucket/nothing.txt", "nothing.txt cannot be read .*check the address"),
        ("nosuch://bucket/texts.txt", "cannot be read .*nosuch"),
        ("memory://bucket/texts.docx", "unknown kind; expected a .txt"),
        ("memory://", "unknown kind"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(source: str, said: str):
    with pytest.raises(CorpusError, match=said) as raised:
        read_corpus(source)
    assert "\n" not in str(raised.value)
