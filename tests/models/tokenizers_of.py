"""Tokenizers of every kind, small, and for each a walk that says where its tokens must stand.

The walk is the reference: it normalises the string itself, one letter with its accents at a time,
spells it in the symbols of the tokenizer's pieces, each with the characters it comes from, and then
reads the pieces off one after the other. It knows nothing of the tokenizer's own offsets.
"""

from __future__ import annotations

import re
import string as ascii_
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

BYTES = bytes_to_unicode()
LETTERS = ascii_.ascii_letters + ascii_.digits + ".,!?'\"()-⁄"
ADDED = "<|user|>"

Symbol = tuple[str, int, int]
"""A symbol of the tokenizer's alphabet and the characters [start, end) that it comes from."""


@dataclass(frozen=True)
class Kind:
    """A tokenizer and the reference walk over any string."""

    build: Callable[[], Tokenizer]
    symbols: Callable[[str], list[Symbol]]
    continued: str = ""
    """What a piece begins with that goes on with a word (WordPiece)."""


def letters(string: str) -> Iterator[tuple[str, int, int]]:
    """Each character with the combining marks after it."""
    start = 0
    for end in range(1, len(string) + 1):
        if end == len(string) or not unicodedata.category(string[end]).startswith("M"):
            yield string[start:end], start, end
            start = end


# --- byte-level BPE ---------------------------------------------------------------------------


def _byte_level(prefix: bool, trim: bool) -> Tokenizer:
    vocabulary = {symbol: index for index, symbol in enumerate(BYTES.values())}
    merges = [("Ġ", "t"), ("Ġt", "h"), ("Ġth", "e"), ("a", "i"), ("Ġ", "Ġ"), ("Ã", "©")]
    for a, b in merges:
        vocabulary[a + b] = len(vocabulary)
    made = Tokenizer(models.BPE(vocabulary, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=trim)
    return made


def _bytes_of(string: str, start: int, end: int) -> Iterator[Symbol]:
    for byte in string.encode():
        yield BYTES[byte], start, end


def _byte_symbols(string: str, prefix: bool = False) -> list[Symbol]:
    first = [("Ġ", 0, 0)] if prefix and not string[:1].isspace() else []
    return first + [s for i, c in enumerate(string) for s in _bytes_of(c, i, i + 1)]


# --- SentencePiece ----------------------------------------------------------------------------


def _pieces() -> dict[str, int]:
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *LETTERS]
    return {name: index for index, name in enumerate(names)}


def _sentencepiece_bpe() -> Tokenizer:
    """Llama 2's: a mark before the text, bytes for what is not in the vocabulary."""
    vocabulary = _pieces()
    merges = [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("a", "i"), ("▁", "▁")]
    for a, b in merges:
        vocabulary[a + b] = len(vocabulary)
    made = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    return made


def _unigram() -> Tokenizer:
    """T5's and XLNet's way: NFKC, then marks put before words."""
    scores = [(piece, -5.0) for piece in _pieces()]
    scores += [("▁the", -3.0), ("ai", -4.0), ("▁said", -3.0)]
    made = Tokenizer(models.Unigram(scores, unk_id=0, byte_fallback=True))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return made


def _lower_bpe() -> Tokenizer:
    """Lower-cased, so that İ is two characters and offsets move."""
    made = _sentencepiece_bpe()
    made.normalizer = normalizers.Sequence([normalizers.Lowercase(), made.normalizer])
    return made


def _marked(fold: Callable[[str], str], always: bool) -> Callable[[str], list[Symbol]]:
    """Symbols with `▁` for a space, and one before the text unless it begins with a space."""

    def symbols(string: str) -> list[Symbol]:
        body = [
            ("▁" if c == " " else c, start, end)
            for letter, start, end in letters(string)
            for c in fold(letter)
        ]
        needs = string and (always or body[0][0] != "▁")
        return [("▁", 0, 0), *body] if needs else body

    return symbols


def _lowered(string: str) -> list[Symbol]:
    body = [("▁" if f == " " else f, i, i + 1) for i, c in enumerate(string) for f in c.lower()]
    return [("▁", 0, 0), *body] if string else []


def _plain(string: str) -> list[Symbol]:
    return [("▁", 0, 0), *(("▁" if c == " " else c, i, i + 1) for i, c in enumerate(string))]


# --- WordPiece, characters --------------------------------------------------------------------


def _wordpiece() -> Tokenizer:
    names = ["[UNK]", "the", "said", "##ai", *LETTERS, *(f"##{c}" for c in LETTERS)]
    made = Tokenizer(models.WordPiece({n: i for i, n in enumerate(names)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    return made


def _bare(string: str) -> list[Symbol]:
    """Lower case, no accents, no spaces."""
    return [
        (c, start, end)
        for letter, start, end in letters(string)
        for c in unicodedata.normalize("NFD", letter.lower())
        if not unicodedata.category(c).startswith("M") and not c.isspace()
    ]


def _characters() -> Tokenizer:
    vocabulary = {c: index for index, c in enumerate(["[UNK]", *LETTERS, " ", "\n", "é", "ﬁ"])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    made.decoder = decoders.Fuse()
    return made


KINDS: dict[str, Kind] = {
    "byte-level BPE": Kind(lambda: _byte_level(False, False), _byte_symbols),
    "byte-level BPE, offsets trimmed": Kind(lambda: _byte_level(False, True), _byte_symbols),
    "byte-level BPE, prefix space": Kind(
        lambda: _byte_level(True, True), lambda string: _byte_symbols(string, prefix=True)
    ),
    "SentencePiece BPE, byte fallback": Kind(_sentencepiece_bpe, _plain),
    "SentencePiece BPE, lower case": Kind(_lower_bpe, _lowered),
    "Unigram, NFKC": Kind(_unigram, _marked(lambda s: unicodedata.normalize("NFKC", s), False)),
    "WordPiece, lower case, no accents": Kind(_wordpiece, _bare, continued="##"),
    "characters": Kind(_characters, lambda s: [(c, i, i + 1) for i, c in enumerate(s)]),
}


def tokenizer_of(kind: str, bos: str | None) -> PreTrainedTokenizerFast:
    """The tokenizer with a chat mark added, and with BOS or without."""
    made = KINDS[kind].build()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=made, bos_token=bos)
    wrapped.add_tokens([AddedToken(ADDED, normalized=False)])
    return wrapped


def walk(kind: str, string: str, pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Where pieces stand, by spelling the string in their symbols and reading them off."""
    left = KINDS[kind].symbols(string)
    found = []
    for piece in pieces:
        fallback = re.fullmatch(r"<0x([0-9A-F]{2})>", piece)
        if fallback:
            if not left[0][0].startswith("<0x"):
                symbol, start, end = left.pop(0)
                left[:0] = [(f"<0x{byte:02X}>", start, end) for byte in symbol.encode()]
            read, size = left.pop(0), 1
            assert read[0] == piece
            found.append(read[1:])
            continue
        bare = piece.removeprefix(KINDS[kind].continued) if KINDS[kind].continued else piece
        size = 1 if bare in ("[UNK]", "<unk>") else len(bare)
        read_off, left = left[:size], left[size:]
        if bare not in ("[UNK]", "<unk>"):
            assert "".join(symbol for symbol, _, _ in read_off) == bare
        real = [(start, end) for _, start, end in read_off if end > start]
        found.append((real[0][0], real[-1][1]) if real else read_off[0][1:])
    assert not left
    return found
