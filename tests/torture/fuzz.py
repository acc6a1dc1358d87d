"""Hostile input, counted: each ends in a right result or a LabelerError of one line.

Inputs are seeded mutations of sound files. What counts as right is said beside each target.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import FrameType, SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from heuristics.parse import Parse
from heuristics.text import Text
from labeler.annotate import fit_to_context
from labeler.config import load_settings
from labeler.corpus import read_corpus
from labeler.errors import LabelerError
from labeler.model import LanguageModel
from labeler.results import TABLES, open_run
from labeler.session import EMBEDDED_MODEL
from reports.reviewed import verdicts

SECONDS = 20
PIECES = (
    *(b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b'"', b"'", b"\\", b","),
    *(b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"-1", b"1e999", b"9" * 400, b"true"),
    *("\ud800".encode("utf-8", "surrogatepass"), "🦆".encode(), "\u202e\u0301".encode()),
    *(
        b"../../etc/passwd",
        b"<script>alert(1)</script>",
        b"=cmd()",
        b"%00",
        b"\x1b[2J",
        b"[" * 3000,
    ),
)


@contextmanager
def no_hang(seconds: int = SECONDS) -> Iterator[None]:
    """TimeoutError where something takes longer than any input of a few kilobytes may."""

    def late(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """A few bytes flipped, cut, doubled or replaced by something nasty."""
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        a, b = sorted(draw.randrange(len(raw) + 1) for _ in range(2))
        b = min(b, a + draw.choice((0, 1, 4, 40)))
        kind = draw.randrange(5)
        if kind == 0 and raw:
            at = min(a, len(raw) - 1)
            raw = raw[:at] + bytes([raw[at] ^ (1 << draw.randrange(8))]) + raw[at + 1 :]
        elif kind == 1:
            raw = raw[:a] + raw[b:]
        elif kind == 2:
            raw = raw[:a] + raw[a:b] * draw.choice((2, 3, 50)) + raw[b:]
        else:
            raw = raw[:a] + draw.choice(PIECES) + raw[b:]
    return raw


# Corpus readers: what is read is text that stood in the file, named apart, none twice.

SOUND = {
    ".txt": 'Once there was a duck.\n\n"Quack," it said.\r\n\r\n„Gänsefüßchen“\n'.encode(),
    ".jsonl": b'{"text": "One day.", "id": "a"}\n{"text": "Two \\ud83e\\udd86", "id": 7}\n',
    ".csv": b'id,text\na,"One, day."\nb,"Two ""days"".\nThree."\n',
}


def _parquet() -> bytes:
    buffer = io.BytesIO()
    table = pa.table({"text": ["One day.", "Two 🦆", None], "id": ["a", "b", "c"]})
    pq.write_table(table, buffer, compression="none")
    return buffer.getvalue()


SOUND[".parquet"] = _parquet()


def corpus(draw: random.Random, folder: Path) -> None:
    """A mutated corpus file of each kind."""
    suffix = draw.choice(sorted(SOUND))
    path = folder / f"hostile{suffix}"
    content = mutated(SOUND[suffix], draw)
    path.write_bytes(content)
    found = read_corpus(path, column=draw.choice(("text", "text", "text", "id", "x")))
    assert all(prompt.text.strip() for prompt in found.prompts)
    assert len({prompt.id for prompt in found.prompts}) == len(found)
    assert len({prompt.text for prompt in found.prompts}) == len(found)
    if suffix == ".txt":
        body = content.removeprefix(b"\xef\xbb\xbf").decode()
        assert all(prompt.text in body for prompt in found.prompts)


# Alignment: a token's span holds its own characters, spans go forward, words are touched.

ALPHABET = (
    *("Tom", "said", " ", "  ", "\n\n", "\t", ".", ",", '"', "“", "”", "'", "…", "—", "don't"),
    *(
        "\x00",
        "\u200b",
        "👨‍👩‍👧",
        "שלום",
        "e\u0301",
        "n\u0303\u0323",
        "日本語",
        "\u202e",
        "\ufeff",
        "ﬁ",
        "𝒳",
        "\u0300",
    ),
    *('."', ',"', "x" * 40, "\r\n", "\u2028"),
)


@cache
def _model() -> SimpleNamespace:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(EMBEDDED_MODEL))
    shape = SimpleNamespace(name="story model", vocabulary=len(tokenizer))
    model = SimpleNamespace(tokenizer=tokenizer, bos=tokenizer.bos_token_id, shape=shape)
    model.tokenize = partial(LanguageModel.tokenize, model)
    return model


def _words(string: str) -> Parse:
    """White space between words; every word its own head and one sentence."""
    spans = []
    start = 0
    for word in string.split():
        start = string.index(word, start)
        spans.append((start, start + len(word)))
        start += len(word)
    n = len(spans)
    texts = np.array([string[a:b] for a, b in spans], dtype=object)
    blank = np.array([""] * n, dtype=object)
    start_end = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return Parse(
        start=start_end[:, 0], end=start_end[:, 1], text=texts, lemma=texts, pos=blank,
        dep=blank, head=np.arange(n), sentence=np.zeros(n, dtype=np.int64), entity=blank,
    )  # fmt: skip


def alignment(draw: random.Random, _: Path) -> None:
    """A string of nasty pieces, tokenised and cut into contexts."""
    string = "".join(draw.choice(ALPHABET) for _ in range(draw.randrange(1, 40)))
    if not string.strip():
        return
    ids, offsets = _model().tokenize(string)
    whole = Text("t", string, ids, offsets, True, _words(string))
    limit = draw.choice((2, 3, 7, 512))
    pieces = fit_to_context(whole, limit, "split")
    rejoined = np.concatenate([piece.token_ids[1:] for piece in pieces])
    assert rejoined.tolist() == ids[1:].tolist()
    for piece in pieces:
        assert len(piece) <= limit
        spans = piece.offsets[1:]
        assert (spans[:, 0] <= spans[:, 1]).all()
        assert (spans >= 0).all()
        assert (spans <= len(string)).all()
        assert (np.diff(spans[:, 0]) >= 0).all()
        for position, word in enumerate(piece.word.tolist()):
            if word >= 0:
                a, b = piece.offsets[position]
                start, end = piece.parse.start[word], piece.parse.end[word]
                # A lone space belongs to the word that it opens.
                opens = string[a:b].isspace() and b == start
                assert max(a, start) < min(b, end) or opens


# Configuration: settings that say the same when they are written and read again.

TOML = b"""model = "embedded"
max_prompts = 10
plugin = ["a.py"]
engine = "ray"
workers = 3

[thresholds]
likely = 0.2
"""


def configuration(draw: random.Random, folder: Path) -> None:
    """A mutated configuration file."""
    path = folder / "run.toml"
    path.write_bytes(mutated(TOML, draw))
    settings = load_settings(path, {})
    path.write_text(settings.to_toml(), encoding="utf-8")
    assert load_settings(path, {}) == settings


# Run folders: every table, list and picture of one, as the report asks for them.


@cache
def _run_folder(kept: str) -> Path:
    from tests.data.make_run_folder import make_run_folder
    from tests.data.synthetic_heads import Size

    path = Path(kept) / "sound"
    make_run_folder(path, Size(n_layers=1, n_heads=2, d_mlp=16, evidence=1))
    return path


def nasty(draw: random.Random) -> object:
    """A value that some field may not be ready for."""
    return draw.choice(
        (None, -1, 2**70, float("nan"), float("inf"), "", "<img src=x onerror=alert(1)>", [], {},
         [[[]]], "../../../x", "\x00", True, 1e308, {"name": "x"}, ["a", 1])
    )  # fmt: skip


def _altered(value: object, draw: random.Random) -> object:
    """JSON with one value somewhere in it replaced, left out or renamed."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(sorted(value))
        rest = {k: v for k, v in value.items() if k != key}
        return rest if draw.random() < 0.1 else {**rest, key: _altered(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.85:
        at = draw.randrange(len(value))
        return [*value[:at], _altered(value[at], draw), *value[at + 1 :]]
    return nasty(draw)


def _alter_table(path: Path, draw: random.Random) -> None:
    table = pd.read_parquet(path)
    column = draw.choice(list(table.columns))
    kind = draw.randrange(5)
    if kind == 0:
        table = table.drop(columns=column)
    elif kind == 1:
        table[column] = [draw.choice(("x", "<b>", "\u202e", ""))] * len(table)
    elif kind == 2:
        table[column] = draw.choice((None, -5, float("nan"), float("inf"), 2**62, True))
    elif kind == 3:
        table = pd.concat([table, table.head(2)])
    else:
        table = table.head(draw.randrange(2))
    table.to_parquet(path, index=False)


def _spoil(run: Path, draw: random.Random) -> None:
    """Change one file of a run folder, as bytes or as what it means."""
    files = [
        *("run.json", "review.json", "showcase/prompts.json", "showcase/patterns.npz"),
        *("activations.json", "run.json", "review.json", *TABLES),
    ]
    path = run / draw.choice([file for file in files if (run / file).is_file()])
    if draw.random() < 0.4:
        path.write_bytes(mutated(path.read_bytes(), draw))
    elif path.suffix == ".json":
        value = _altered(json.loads(path.read_text(encoding="utf-8")), draw)
        path.write_text(json.dumps(value), encoding="utf-8")
    elif path.suffix == ".parquet":
        _alter_table(path, draw)
    else:
        path.write_bytes(draw.choice((b"", b"PK", b"PK\x05\x06" + b"\0" * 18)))


def run_folder(draw: random.Random, folder: Path) -> None:
    """A run folder with one file spoilt, read as a whole."""
    run = _copied(folder)
    _spoil(run, draw)
    opened = open_run(run)
    assert isinstance(opened.run["model"]["name"], str)
    for name in ("heads", "neurons", "predictions", "profiles", "hooks", "pairs", "replacement"):
        assert isinstance(getattr(opened, name), pd.DataFrame)
    for name in ("costs", "evidence_heads", "evidence_neurons"):
        assert isinstance(getattr(opened, name), pd.DataFrame)
    assert isinstance(opened.activations, dict)
    for prompt in opened.showcase():
        assert prompt["real"].shape == prompt["label"].shape


def _copied(folder: Path) -> Path:
    sound = _run_folder(str(folder.parent))
    run = folder / "run"
    shutil.copytree(sound, run, dirs_exist_ok=True)
    return run


def report(draw: random.Random, folder: Path) -> None:
    """The same, made a report of: nothing runs, nothing but the report is written."""
    from reports.render import render

    run = _copied(folder)
    _spoil(run, draw)
    before = {path for path in folder.rglob("*") if "report" not in path.parts}
    index = render(open_run(run), run / "report")
    assert "onerror=alert(1)>" not in index.read_text(encoding="utf-8")
    assert {path for path in folder.rglob("*") if "report" not in path.parts} == before


# Review files: verdicts of known kinds, whatever else is in them.

REVIEW = {
    "schema": 1, "run": "a+b", "reviewer": "R",
    "verdicts": {"L0H1": {"verdict": "edit", "label": "x", "note": "y", "when": "2026"}},
}  # fmt: skip


def review(draw: random.Random, folder: Path) -> None:
    """A review file, altered as JSON or as bytes."""
    raw = json.dumps(_altered(REVIEW, draw)).encode()
    if draw.random() < 0.5:
        raw = mutated(json.dumps(REVIEW).encode(), draw)
    run = folder / "run"
    run.mkdir(exist_ok=True)
    facts = {"schema": 1, "model": {"name": "m"}, "corpus": {}}
    (run / "run.json").write_text(json.dumps(facts))
    (run / "heads.parquet").touch()
    (run / "review.json").write_bytes(raw)
    for found in verdicts(open_run(run).review).values():
        assert found.verdict in ("", "agree", "edit", "reject")
        assert all(isinstance(value, str) for value in vars(found).values())


Target = Callable[[random.Random, Path], None]
TARGETS: dict[Target, float] = {
    corpus: 0.35,
    alignment: 0.25,
    configuration: 0.2,
    review: 0.15,
    run_folder: 0.049,
    report: 0.001,
}
"""What is fuzzed, and its share of the inputs; a report takes a thousand times as long."""


@dataclass
class Fuzzed:
    """Inputs by target, how many were refused, and what went wrong, with the seed of it."""

    inputs: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def one(target: Target, seed: int, folder: Path) -> bool:
    """Whether an input was refused; raises what is neither that nor a right result."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with no_hang():
            target(random.Random(f"{target.__name__} {seed}"), folder)
    except LabelerError as error:
        message = str(error)
        assert message, "an error that says nothing"
        assert "\n" not in message, message
        assert len(message) < 5000, "an error of pages"
        return True
    return False


def fuzz(inputs: int, seed: int = 0) -> Fuzzed:
    """So many inputs over all targets."""
    found = Fuzzed()
    with tempfile.TemporaryDirectory() as kept:
        for target, share in TARGETS.items():
            name = target.__name__
            for number in range(max(round(inputs * share), 1)):
                found.inputs[name] += 1
                try:
                    found.refused[name] += one(target, seed + number, Path(kept) / "input")
                except Exception as error:  # noqa: BLE001 - told with its seed
                    said = f"{type(error).__name__}: {str(error)[:200]}"
                    found.wrong.append(f"{name} {seed + number}: {said}")
    return found
