"""From a corpus of any kind to prompts, their folds and the shards of a run."""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from labeler import readers
from labeler.errors import CorpusError
from labeler.readers import Record, json_kind, printable

EMBEDDED = Path(__file__).parent / "assets" / "corpus"
EMBEDDED_NAME = "stories"
SHOWCASE = "showcase.jsonl"
KINDS = "a .txt, .jsonl, .csv or .parquet file, a folder of .txt, hf:NAME[:split] or -"

FOLDS = 16
FEW_FOLDS = 8
PROMPTS_PER_SHARD = 64
MANY_LINES = 8
"""Lines a paragraph, on average, from which on they may have been meant as prompts."""


def _hash(parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


@dataclass(frozen=True)
class Prompt:
    """One text, exactly as the model reads it, and a name that is unique in its corpus."""

    id: str
    text: str

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of the text in UTF-8: 32 hexadecimal digits."""
        return _hash([self.text.encode()])

    def fold(self, n_folds: int) -> int:
        """The fold that the words alone decide, 0 to n_folds − 1; 0 where nothing is folded.

        Case, spaces and punctuation aside: what differs in these is the same text, and must not be
        chosen on in one copy and judged on in another.
        """
        return int(self._kin, 16) % n_folds if n_folds > 0 else 0

    @property
    def words(self) -> list[str]:
        """Its words, case aside."""
        return re.findall(r"\w+", self.text.casefold())

    @cached_property
    def _kin(self) -> str:
        return _hash([(" ".join(self.words) or self.text).encode()])


@dataclass(frozen=True)
class Corpus:
    """The prompts of a run in the order they were read, and how many were left out and why.

    `skipped` counts by reason: `duplicate`, `blank`, `null`; a run adds what is short or long.
    """

    source: str
    prompts: tuple[Prompt, ...]
    skipped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.prompts)

    @cached_property
    def hash(self) -> str:
        """A hash of all texts: 32 hexadecimal digits, the same in every order."""
        return _hash(sorted(prompt.digest.encode() for prompt in self.prompts))


@dataclass(frozen=True)
class Shard:
    """Prompts of one fold, ordered by digest; `id` is a hash of them, of the fold and of K."""

    id: str
    fold: int
    prompts: tuple[Prompt, ...]


def read_corpus(
    source: str | Path | Iterable[str] | None = None,
    *,
    column: str = "text",
    max_prompts: int | None = None,
    stdin: io.BufferedIOBase | None = None,
) -> Corpus:
    """Read a file, a folder, `hf:NAME[:split]`, `-`, a list of texts, or the embedded `stories`.

    Duplicate, blank and null texts are left out and counted; of the rest the first `max_prompts`
    are kept. Raises CorpusError if there is nothing to read, or something that is not text.
    """
    if max_prompts is not None and max_prompts < 1:
        raise CorpusError(f"max_prompts is {max_prompts}; expected at least 1, or none for all")
    name, records = _open(source, column, stdin)
    try:
        prompts, skipped = _collect(records, column, max_prompts)
    except OSError as error:
        raise CorpusError(f"corpus {name} cannot be read: {error.strerror or error}") from error
    if not prompts:
        counts = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        why = f"only {counts} texts" if counts else "it is empty"
        raise CorpusError(f"corpus {name} has no prompt in it ({why}); expected at least one text")
    return Corpus(name, prompts, skipped)


def told(corpus: Corpus) -> Iterator[str]:
    """What whoever labels should know of how a corpus was read, a line each.

    A file of a prompt a line is read by paragraphs as soon as one blank line is among them.
    """
    if corpus.source.lower().endswith(".txt"):
        lines = sum(len(readers.filled_lines(prompt.text)) for prompt in corpus.prompts)
        if lines >= MANY_LINES * len(corpus):
            prompts = "1 prompt" if len(corpus) == 1 else f"{len(corpus):,} prompts"
            yield (
                f"{corpus.source}: {prompts} from {lines:,} lines, as blank lines part paragraphs; "
                "if each line is a prompt, remove the blank ones"
            )
    left_out = [f"{count:,} {reason}" for reason, count in corpus.skipped.items()]
    if left_out:
        yield f"{corpus.source}: left out {', '.join(left_out)}"


def embedded_showcase() -> tuple[Prompt, ...]:
    """The prompts that a report shows pattern by pattern.

    Raises CorpusError if the package was installed without its assets.
    """
    return read_corpus(EMBEDDED / SHOWCASE).prompts


def _open(
    source: object, column: str, stdin: io.BufferedIOBase | None
) -> tuple[str, Iterator[Record]]:
    """The name of a source, and its records, none of them read yet."""
    if isinstance(source, Path):
        return printable(str(source)), _path(source, column)
    if source is None or isinstance(source, str):
        return _named(EMBEDDED_NAME if source is None else source, column, stdin)
    if isinstance(source, Mapping | bytes) or not isinstance(source, Iterable):
        raise CorpusError(f"a corpus cannot be {json_kind(source)}; expected {KINDS}, or texts")
    places = ((f"prompt {number}", text) for number, text in enumerate(source, 1))
    return "prompts", (Record(place, place, text) for place, text in places)


def _named(
    source: str, column: str, stdin: io.BufferedIOBase | None
) -> tuple[str, Iterator[Record]]:
    if source == EMBEDDED_NAME:
        return EMBEDDED_NAME, _embedded()
    if not source:
        raise CorpusError(f"the corpus has an empty name; expected {KINDS}, or {EMBEDDED_NAME!r}")
    if source == "-":
        return "-", _standard_input(stdin or getattr(sys.stdin, "buffer", None), column)
    if "://" in source:
        return printable(source), readers.read_url(source, column, KINDS)
    if source.startswith("hf:"):
        return printable(source), readers.read_hub(source, column)
    return printable(source), _path(Path(source), column)


def _embedded() -> Iterator[Record]:
    files = sorted(EMBEDDED.glob("*.jsonl"))
    if not files:
        raise CorpusError("the embedded corpus is not installed; name another with --corpus")
    for path in files:
        if path.name != SHOWCASE:
            with path.open("rb") as file:
                yield from readers.read_jsonl(file, path.name, "text")


def _standard_input(stdin: io.BufferedIOBase | None, column: str) -> Iterator[Record]:
    """JSON Lines if the first character is a brace, else the text of a .txt file."""
    if stdin is None:
        raise CorpusError("corpus - is standard input, and it is closed; pipe a text into it")
    content = stdin.read()
    if content.removeprefix(codecs.BOM_UTF8).startswith(b"{"):
        yield from readers.read_jsonl(io.BytesIO(content), "stdin", column)
    else:
        yield from readers.read_text(io.BytesIO(content), "stdin")


def _path(path: Path, column: str) -> Iterator[Record]:
    name, kind = printable(str(path)), path.suffix.lower()
    if path.is_dir():
        yield from readers.read_folder(path, name)
    elif not path.exists():
        raise CorpusError(
            f"corpus {name} not found; expected {KINDS}, or {EMBEDDED_NAME!r}; a text itself goes "
            "to --prompt, in Python into a list"
        )
    elif not path.is_file():
        raise CorpusError(f"corpus {name} is not a regular file; to read from a pipe, pass -")
    elif kind == ".parquet":
        yield from readers.read_parquet(path, name, column)
    elif kind in readers.READERS:
        with path.open("rb") as file:
            yield from readers.READERS[kind](file, name, column)
    else:
        raise CorpusError(f"corpus {name} is of an unknown kind; expected {KINDS}")


def _collect(
    records: Iterable[Record], column: str, max_prompts: int | None
) -> tuple[tuple[Prompt, ...], dict[str, int]]:
    prompts: list[Prompt] = []
    skipped: Counter[str] = Counter()
    texts: set[str] = set()
    ids = _Names()
    for record in records:
        reason = _unusable(record, texts, column)
        if reason:
            skipped[reason] += 1
            continue
        text = str(record.text)
        texts.add(text)
        prompts.append(Prompt(ids.unique(_checked(record.id, f"{record.where}: 'id'")), text))
        if len(prompts) == max_prompts:
            break
    return tuple(prompts), dict(sorted(skipped.items()))


def _unusable(record: Record, texts: set[str], column: str) -> str | None:
    """Why a record is left out, if it is; CorpusError where it is no text at all."""
    text = record.text
    if text is None:
        return "null"
    if not isinstance(text, str):
        raise CorpusError(f"{record.where}: {column!r} is {json_kind(text)}; expected a string")
    if not _checked(text, f"{record.where}: {column!r}").strip():
        return "blank"
    return "duplicate" if text in texts else None


def _checked(text: str, what: str) -> str:
    """A string that UTF-8 can hold; half of a surrogate pair, which JSON lets through, is none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{what} has a lone surrogate (\\u{ord(text[error.start]):04x}) at character "
            f"{error.start}, which is no text; remove it, or write the whole pair"
        ) from error
    return text


class _Names:
    """Makes ids unique: the second `x` is `x (2)`."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        """`name`, or `name (n)` if it is taken."""
        found = name
        while self._count[found]:
            self._count[name] += 1
            found = f"{name} ({self._count[name]})"
        self._count[found] += 1
        return found


def choose_folds(n_prompts: int) -> int:
    """The number of folds K, always even, so that half of them choose and half judge.

    16, and 8 for fewer than 16 prompts: many small folds tell more surely than few large ones (of
    50 stories all heads were labelled by eight judging folds, by four sometimes none). Fewer than 8
    prompts cannot be folded: 0, which means no interval, and that the prompts that choose are those
    that judge.
    """
    if n_prompts < FEW_FOLDS:
        return 0
    return FOLDS if n_prompts >= FOLDS else FEW_FOLDS


def shards(
    corpus: Corpus, n_folds: int, prompts_per_shard: int = PROMPTS_PER_SHARD
) -> tuple[Shard, ...]:
    """Cut a corpus into shards of at most so many prompts, the same in every order of the corpus.

    Raises ValueError if `prompts_per_shard` is below 1.
    """
    if prompts_per_shard < 1:
        raise ValueError(f"prompts_per_shard is {prompts_per_shard}; expected at least 1")
    folds: dict[int, list[Prompt]] = {}
    for prompt in sorted(corpus.prompts, key=lambda prompt: prompt.digest):
        folds.setdefault(prompt.fold(n_folds), []).append(prompt)
    return tuple(
        _shard(fold, n_folds, folds[fold][start : start + prompts_per_shard])
        for fold in sorted(folds)
        for start in range(0, len(folds[fold]), prompts_per_shard)
    )


def _shard(fold: int, n_folds: int, prompts: Sequence[Prompt]) -> Shard:
    digests = (prompt.digest.encode() for prompt in prompts)
    return Shard(_hash([f"{fold}/{n_folds} ".encode(), *digests]), fold, tuple(prompts))
