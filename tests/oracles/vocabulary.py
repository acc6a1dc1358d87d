"""A word-level tokenizer over a small story vocabulary.

A token is a word or a punctuation mark *with the space before it*, as in GPT-2, so offsets tile
the text and decoding gives it back. The space is also what tells the two straight speech marks
apart: `' "'` opens and `'"'` closes.
"""

from __future__ import annotations

import re
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

BOS = "<|endoftext|>"
UNKNOWN = "<|unk|>"

COMMA, FULL_STOP = ",", "."
OPENING, CLOSING = ' "', '"'
SPEECH_MARKS = (OPENING, CLOSING)
PIVOTS = (BOS, COMMA, FULL_STOP)

HE_NAMES = (" Tom", " Ben", " Sam", " Max")
SHE_NAMES = (" Mia", " Anna", " Lily", " Sue")
NAMES = HE_NAMES + SHE_NAMES

_WORDS = (
    # First words of a text and of a speech: nothing but a mark stands before them.
    "One Every Look Come I You We Where No Yes it",
    " day| he| she| they| it| him| her| He| She| They| you| we",
    " the| a| The| his| and| but| But| to| at| in| with| then| Then| so| not| too| was| is| had",
    " said| asked| cried| went| saw| found| took| gave| wanted| liked| ran| sat| smiled",
    " play| see| help| hug",
    " park| dog| cat| ball| tree| house| box| hat| bird| cake| boat| friend| mom",
    " big| little| red| happy| sad| new",
)

VERBS = tuple(_WORDS[3].split("|") + _WORDS[4].split("|"))

VOCABULARY: tuple[str, ...] = (
    BOS,
    UNKNOWN,
    COMMA,
    FULL_STOP,
    "!",
    "?",
    *SPEECH_MARKS,
    *NAMES,
    *_WORDS[0].split(),
    *(word for line in _WORDS[1:] for word in line.split("|")),
)
INDEX: dict[str, int] = {token: index for index, token in enumerate(VOCABULARY)}

_PIECE = r" ?[A-Za-z]+| ?[^A-Za-z\s]|\s"


def pieces(text: str) -> list[str]:
    """The token strings of a text, by the same expression as the tokenizer's, without BOS."""
    return re.findall(_PIECE, text)


def ids(tokens: tuple[str, ...] | list[str]) -> list[int]:
    """Vocabulary indices of tokens, all of which must be known."""
    return [INDEX[token] for token in tokens]


def build_tokenizer(n_ctx: int) -> PreTrainedTokenizerFast:
    """A fast tokenizer with exact offsets; like GPT-2's it adds no BOS by itself."""
    tokenizer = Tokenizer(models.WordLevel(dict(INDEX), unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECE), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=BOS,
        pad_token=BOS,
        unk_token=UNKNOWN,
        model_max_length=n_ctx,
        clean_up_tokenization_spaces=False,
    )


def save_tokenizer(folder: Path, n_ctx: int) -> None:
    """Write the tokenizer files of the story vocabulary into a model folder."""
    build_tokenizer(n_ctx).save_pretrained(folder)
