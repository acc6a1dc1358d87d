"""Each kind of corpus: what it gives, what it leaves alone, and the line that a bad one earns."""

from __future__ import annotations

import codecs
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labeler.corpus import Corpus, read_corpus
from labeler.errors import CorpusError


def corpus_of(folder: Path, name: str, content: str | bytes, **options: object) -> Corpus:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_corpus(path, **options)


def texts(corpus: Corpus) -> list[str]:
    return [prompt.text for prompt in corpus.prompts]


def ids(corpus: Corpus) -> list[str]:
    return [prompt.id for prompt in corpus.prompts]


def message_of(folder: Path, name: str, content: str | bytes, **options: object) -> str:
    with pytest.raises(CorpusError) as caught:
        corpus_of(folder, name, content, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(folder), "FOLDER")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("one\ntwo\nthree\n", ["one", "two", "three"]),
        ("one\r\ntwo\rthree", ["one", "two", "three"]),
        ("one\ntwo\n\nthree\n", ["one\ntwo", "three"]),
        ("one\r\ntwo\r\n\r\nthree", ["one\r\ntwo", "three"]),
        ("one\n \t\ntwo", ["one", "two"]),
        ("\n\n  indented, \n\n\n\tand so on\t\n\n", ["  indented, ", "\tand so on\t"]),
        ("\n\none\ntwo\n\n", ["one", "two"]),
        ("a\u2028b\x0bc\x85d\ne", ["a\u2028b\x0bc\x85d", "e"]),
        ("nul \x00 stays\n\N{SMILING FACE WITH OPEN MOUTH}", ["nul \x00 stays", "😃"]),
    ],
)
def test_text_is_cut_at_blank_lines_if_they_part_anything_else_at_lines(
    tmp_path: Path, content: str, expected: list[str]
) -> None:
    assert texts(corpus_of(tmp_path, "a.txt", content)) == expected


def test_a_text_prompt_is_named_by_its_first_line(tmp_path: Path) -> None:
    assert ids(corpus_of(tmp_path, "a.txt", "\none\ntwo\n\nthree")) == ["a.txt:2", "a.txt:5"]


def test_a_utf8_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    marked = codecs.BOM_UTF8 + b"one\n"
    assert texts(corpus_of(tmp_path, "a.txt", marked)) == ["one"]
    assert texts(corpus_of(tmp_path, "a.csv", codecs.BOM_UTF8 + b"text\none\n")) == ["one"]
    assert texts(corpus_of(tmp_path, "a.jsonl", codecs.BOM_UTF8 + b'{"text": "one"}')) == ["one"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be"])
def test_utf16_is_named_as_such(tmp_path: Path, name: str, encoding: str) -> None:
    message = message_of(tmp_path, name, ("\ufeff" + "text\none\n").encode(encoding))
    assert message.startswith(f"FOLDER/{name} is UTF-")
    assert message.endswith(
        "(byte-order mark at byte 0); expected UTF-8: convert it, for example with "
        "iconv -f UTF-16 -t UTF-8"
    )


@pytest.mark.parametrize(
    ("name", "content", "offset"),
    [
        ("a.txt", b"caf\xe9\n", 3),
        ("a.txt", codecs.BOM_UTF8 + b"caf\xe9\n", 6),
        ("a.jsonl", b'{"text": "x"}\n{"text": "caf\xe9"}\n', 27),
        ("a.csv", b"text\ncaf\xe9\n", 8),
    ],
)
def test_a_byte_that_is_not_utf8_is_named_with_its_offset(
    tmp_path: Path, name: str, content: bytes, offset: int
) -> None:
    assert content[offset : offset + 1] == b"\xe9"
    assert message_of(tmp_path, name, content) == (
        f"FOLDER/{name} is not UTF-8: byte 0xe9 at byte offset {offset} "
        "(invalid continuation byte); save it as UTF-8"
    )


def test_jsonl_gives_text_and_id(tmp_path: Path) -> None:
    content = (
        '{"text": "a\\u2028\\nb", "id": "x"}\r\n\n'
        '{"id": 7, "text": "c\u2028d"}\n{"text":"e","id":null}'
    )
    corpus = corpus_of(tmp_path, "a.jsonl", content)
    assert texts(corpus) == ["a\u2028\nb", "c\u2028d", "e"]
    assert ids(corpus) == ["x", "7", "a.jsonl:4"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            '{"text": ',
            "FOLDER/a.jsonl:2: not a line of JSON (Expecting value); expected an object a line, "
            'like {"text": "…"}',
        ),
        (
            '["text"]',
            "FOLDER/a.jsonl:2: expected a JSON object with the key 'text', not a list",
        ),
        (
            '{"texts": "a"}',
            "FOLDER/a.jsonl:2 has no column 'text'; it has 'texts'; did you mean 'texts'?",
        ),
        ("{}", "FOLDER/a.jsonl:2 has no column 'text'; it has none; name the column with --column"),
        ('{"text": 12}', "FOLDER/a.jsonl:2: 'text' is a number; expected a string"),
        ('{"text": true}', "FOLDER/a.jsonl:2: 'text' is a boolean; expected a string"),
        ('{"text": ["a"]}', "FOLDER/a.jsonl:2: 'text' is a list; expected a string"),
        ('{"text": {"a": 1}}', "FOLDER/a.jsonl:2: 'text' is an object; expected a string"),
        (
            '{"text": "ab\\ud83d"}',
            "FOLDER/a.jsonl:2: 'text' has a lone surrogate (\\ud83d) at character 2, which is no "
            "text; remove it, or write the whole pair",
        ),
        (
            '{"text": "a", "id": "\\ude00"}',
            "FOLDER/a.jsonl:2: 'id' has a lone surrogate (\\ude00) at character 0, which is no "
            "text; remove it, or write the whole pair",
        ),
    ],
)
def test_a_bad_line_of_json_is_named(tmp_path: Path, line: str, expected: str) -> None:
    assert message_of(tmp_path, "a.jsonl", f'{{"text": "fine"}}\n{line}\n') == expected


@pytest.mark.parametrize("line", ["[" * 100_000, "1" * 5_000])
def test_json_that_exhausts_the_parser_is_a_bad_line(tmp_path: Path, line: str) -> None:
    assert message_of(tmp_path, "a.jsonl", line).startswith("FOLDER/a.jsonl:1: not a line of JSON")


def test_a_whole_surrogate_pair_is_one_character(tmp_path: Path) -> None:
    assert texts(corpus_of(tmp_path, "a.jsonl", '{"text": "\\ud83d\\ude00"}')) == ["\U0001f600"]


def test_csv_keeps_commas_quotes_and_line_ends_of_a_text(tmp_path: Path) -> None:
    content = 'id,story\r\nx,"a, ""b""\r\nc"\r\n\r\n,plain\r\n'
    corpus = corpus_of(tmp_path, "a.csv", content, column="story")
    assert texts(corpus) == ['a, "b"\r\nc', "plain"]
    assert ids(corpus) == ["x", "a.csv row 2"]


def test_a_csv_text_may_be_longer_than_the_csv_module_allows(tmp_path: Path) -> None:
    long = "word " * 100_000
    assert texts(corpus_of(tmp_path, "a.csv", f"text\n{long}\n")) == [long]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "id,story,txt\n1,a,b\n",
            "FOLDER/a.csv has no column 'text'; it has 'id', 'story', 'txt'; did you mean 'txt'?",
        ),
        (
            "id,story\n1,a\n",
            "FOLDER/a.csv has no column 'text'; it has 'id', 'story'; name the column with "
            "--column",
        ),
        (
            "a\nb\n",
            "FOLDER/a.csv has no column 'text'; it has 'a'; name the column with --column",
        ),
        ("text,text\na,b\n", "FOLDER/a.csv has more than one column 'text'; rename all but one"),
        (
            "id,text\n1,Hello, you\n",
            "FOLDER/a.csv:2: a row of 3 fields under a header of 2; a text with a comma in it "
            "needs quotes around it",
        ),
        (
            'text\nfine\n"never closed\n',
            "FOLDER/a.csv:3: not a row of CSV (unexpected end of data)",
        ),
    ],
)
def test_a_bad_csv_is_named(tmp_path: Path, content: str, expected: str) -> None:
    assert message_of(tmp_path, "a.csv", content) == expected


def test_many_columns_are_not_all_listed(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(40))
    assert "'c11' and 28 more;" in message_of(tmp_path, "a.csv", header)


def parquet(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
)
def test_parquet_gives_a_prompt_a_row(tmp_path: Path, kind: pa.DataType) -> None:
    content = parquet(text=pa.array(["a\nb", None, "ü"], kind), other=[1, 2, 3])
    corpus = corpus_of(tmp_path, "a.parquet", content)
    assert texts(corpus) == ["a\nb", "ü"]
    assert ids(corpus) == ["a.parquet row 1", "a.parquet row 3"]
    assert corpus.skipped == {"null": 1}


def test_parquet_ids_are_read(tmp_path: Path) -> None:
    assert ids(corpus_of(tmp_path, "a.parquet", parquet(text=["a", "b"], id=[5, 6]))) == ["5", "6"]


def test_a_bad_parquet_is_named(tmp_path: Path) -> None:
    assert message_of(tmp_path, "a.parquet", parquet(story=["a"])) == (
        "FOLDER/a.parquet has no column 'text'; it has 'story'; name the column with --column"
    )
    assert message_of(tmp_path, "a.parquet", parquet(text=[1.5])) == (
        "FOLDER/a.parquet row 1: 'text' is a number; expected a string"
    )
    assert message_of(tmp_path, "a.parquet", parquet(text=[b"a"])) == (
        "FOLDER/a.parquet row 1: 'text' is bytes; expected a string"
    )
    damaged = message_of(tmp_path, "a.parquet", b"PAR1, or is it?")
    assert damaged.startswith("FOLDER/a.parquet cannot be read (")
    assert damaged.endswith("; expected a Parquet file")
