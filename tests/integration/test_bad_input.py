"""What a user can get wrong: one clear line, exit code 2, and no half-written run folder."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from labeler.folder import locked
from tests.oracles.prompts import prompts

from .conftest import Cli, Result

Attempt = Callable[..., Result]


@pytest.fixture
def attempt(cli: Cli, model: Path, corpus: Path, tmp_path: Path) -> Attempt:
    """A run that should fail on `arguments`; checks the exit code and that nothing is left."""

    def call(*arguments: object, stdin: bytes = b"") -> Result:
        given = [str(argument) for argument in arguments]
        out = tmp_path / "deep" / "run"
        defaults = {"--model": model, "--corpus": corpus, "--out": out}
        named = [part for key, value in defaults.items() if key not in given
                 for part in (key, value)]  # fmt: skip
        ended = cli("run", *named, *given, stdin=stdin)
        assert ended.code == 2, ended.err + ended.out
        assert "\n" not in ended.error
        assert not (tmp_path / "deep").exists(), "a half-written run folder"
        return ended

    return call


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


CORPORA = {
    "empty": ("e.txt", b"", ["e.txt", "no prompt", "empty"]),
    "blank": ("b.txt", b"\n \n\n", ["b.txt", "no prompt"]),
    "not UTF-8": ("l.txt", b"caf\xe9 au lait\n", ["l.txt", "not UTF-8", "0xe9", "offset 3"]),
    "UTF-16": ("u.txt", "hello".encode("utf-16"), ["u.txt", "UTF-16", "iconv"]),
    "missing column": ("c.csv", b"id,story\n1,Once\n", ["c.csv", "'text'", "'story'", "--column"]),
    "semicolons": ("s.csv", b"id;text\n1;Once, there\n", ["one column, 'id;text'", "by commas"]),
    "near column": ("c.jsonl", b'{"texts": "Once"}\n', ["c.jsonl:1", "did you mean 'texts'"]),
    "not JSON": ("j.jsonl", b'{"text": "a"}\n{oops\n', ["j.jsonl:2", "JSON"]),
    "number": ("n.jsonl", b'{"text": 3}\n', ["n.jsonl:1", "a number", "string"]),
    "not Parquet": ("p.parquet", b"no", ["p.parquet", "Parquet"]),
    "unknown kind": ("d.docx", b"x", ["d.docx", "unknown kind", ".jsonl"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CORPORA)
def test_corpora(attempt: Attempt, tmp_path: Path, case: str):
    name, content, expected = CORPORA[case]
    error = attempt("--corpus", write(tmp_path / name, content)).error
    assert [part for part in expected if part not in error] == [], error


def test_a_corpus_that_is_not_there(attempt: Attempt, tmp_path: Path):
    assert "not found" in attempt("--corpus", tmp_path / "none.txt").error
    (tmp_path / "empty").mkdir()
    assert "no .txt file" in attempt("--corpus", tmp_path / "empty").error
    assert "no prompt" in attempt("--corpus", "-").error
    assert "offset 1" in attempt("--corpus", "-", stdin=b"a\xff").error
    assert "9000 tokens or more" in attempt("--min-tokens", 9000).error


def test_an_unknown_heuristic(attempt: Attempt):
    for flag in ("--only", "--without"):
        error = attempt(flag, "previous tokn").error
        assert "unknown heuristic 'previous tokn'" in error
        assert "did you mean 'previous token'" in error
    assert "no relation is left" in attempt("--only", "comma").error


def test_a_model_that_is_none(attempt: Attempt, tmp_path: Path):
    (tmp_path / "nothing").mkdir()
    assert "no config.json" in attempt("--model", tmp_path / "nothing").error
    file = write(tmp_path / "model.bin", b"x")
    assert "is not a folder" in attempt("--model", file).error
    assert "is not a folder" in attempt("--model", tmp_path / "gone" / "model").error
    (tmp_path / "broken").mkdir()
    write(tmp_path / "broken" / "config.json", b"{}")
    error = attempt("--model", tmp_path / "broken").error
    assert f"model {tmp_path / 'broken'} is a model of no architecture" in error
    assert "supported are GPT-2" in error


def test_a_hub_name_without_network(attempt: Attempt):
    error = attempt("--model", "roneneldan/TinyStories-1L-21M").error
    assert "'roneneldan/TinyStories-1L-21M'" in error
    assert "Hugging Face hub" in error
    assert "--model FOLDER" in error  # a local copy
    assert "embedded" in error  # or what ships


def test_a_pipeline_that_is_not_installed(attempt: Attempt, tmp_path: Path):
    error = attempt("--spacy", "en_core_web_sm").error
    assert "python -m spacy download en_core_web_sm" in error
    assert "embedded" in error
    assert "parts of speech, dependencies and lemmas" in error  # what the embedded one gives
    error = attempt("--spacy", tmp_path / "no_pipeline").error
    assert "nothing there" in error
    assert "download" not in error  # a path cannot be downloaded


def test_options_that_cannot_be_meant(attempt: Attempt, tmp_path: Path):
    assert "max_prompts is the integer 0" in attempt("--max-prompts", 0).error
    assert "dtype" in attempt("--dtype", "float31").error
    assert "exclude each other" in attempt("--overwrite", "--resume").error
    assert "corpus and prompts (--prompt) exclude each" in attempt("--prompt", "Once.").error
    assert "cannot be read" in attempt("--config", tmp_path / "none.toml").error
    config = write(tmp_path / "c.toml", b"max_promts = 3\n")
    assert "did you mean 'max_prompts'" in attempt("--config", config).error


@pytest.mark.parametrize("number", [0, -3])
def test_labels_are_verified_on_some_prompts(cli: Cli, finished: Path, number: int):
    ended = cli("verify", finished, "--max-prompts", number)
    assert ended.code == 2
    assert ended.error == f"max_prompts is {number}; expected an integer of at least 1"


def test_labels_are_verified_with_what_they_were_made_with(
    cli: Cli, finished: Path, tmp_path: Path
):
    shutil.copytree(finished, tmp_path / "run")
    plan = tmp_path / "run" / "plan.json"
    plan.write_text(plan.read_text().replace('"pipeline": "', '"pipeline": "0'))
    ended = cli("verify", tmp_path / "run")
    assert ended.code == 2
    assert ended.error.endswith("than there is now; run it again, then verify")


def test_plugins_that_cannot_be_used(attempt: Attempt, tmp_path: Path):
    assert "plugin file not found" in attempt("--plugin", tmp_path / "none.py").error
    broken = write(tmp_path / "broken.py", b"import nowhere\n")
    error = attempt("--plugin", broken).error
    assert "broken.py" in error
    assert "nowhere" in error
    empty = write(tmp_path / "empty.py", b"x = 1\n")
    assert "declares no heuristic" in attempt("--plugin", empty).error


RAISES = """
from heuristics import relation

@relation("fragile")
def fragile(text):
    if CONDITION:
        raise RuntimeError("on\\npurpose")
    return text.query == text.key
"""


@pytest.mark.parametrize("condition", ["True", "text.string == LAST"])
def test_a_plugin_that_raises(attempt: Attempt, tmp_path: Path, condition: str):
    """At once, or on one prompt only, when other shards are long on disk."""
    source = RAISES.replace("CONDITION", condition).replace("LAST", repr(prompts(10)[-1]))
    error = attempt("--plugin", write(tmp_path / "fragile.py", source.encode())).error
    assert "relation 'fragile'" in error
    assert "RuntimeError: on" in error
    assert "prompt 'stories.txt:" in error


def test_a_folder_that_cannot_be_written(cli: Cli, model: Path, corpus: Path, tmp_path: Path):
    common = ("run", "--model", model, "--corpus", corpus, "--out")
    file = write(tmp_path / "file", b"mine")
    assert "is a file" in cli(*common, file).error
    assert f"{file} is a file" in cli(*common, file / "run").error
    (tmp_path / "own").mkdir()
    write(tmp_path / "own" / "thesis.txt", b"mine")
    for flag in ((), ("--overwrite",), ("--resume",)):
        ended = cli(*common, tmp_path / "own", *flag)
        assert ended.code == 2
        assert "holds files that are no run" in ended.error
    assert (tmp_path / "own" / "thesis.txt").read_bytes() == b"mine"
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["thesis.txt"]


def test_a_folder_without_permission(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert f"no permission in {tmp_path}" in attempt().error


def test_another_run_is_neither_touched_nor_mixed(
    cli: Cli, model: Path, corpus: Path, finished: Path
):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    common = ("run", "--model", model, "--corpus", corpus, "--out", finished)
    refused = cli(*common)
    assert refused.code == 2
    assert "--overwrite" in refused.error
    assert "--resume" in refused.error
    other = cli(*common, "--resume", "--max-prompts", 4)
    assert other.code == 2
    assert "begun with another" in other.error
    verify = ("verify", finished)
    for command in ((*common, "--overwrite"), verify, (*verify, "--neurons", "L0N1")):
        with locked(finished):
            busy = cli(*command)
        assert busy.code == 2
        assert "another command is writing" in busy.error
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("neurons", [(), ("--neurons", "L0N1")])
def test_what_is_verified_is_what_was_labelled(
    cli: Cli, finished: Path, tmp_path: Path, neurons: tuple[str, ...]
):
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    plan = json.loads((run / "plan.json").read_text())
    (run / "plan.json").write_text(json.dumps({**plan, "limit": 7}))
    ended = cli("verify", run, *neurons)
    assert ended.code == 2
    assert "made with another limit (7, now " in ended.error


def test_how_a_corpus_was_read_is_said_before_the_model_is_loaded(attempt: Attempt, tmp_path: Path):
    file = tmp_path / "stories.txt"
    file.write_text("\n".join([*prompts(20), "", "One more.", "", "One more."]))
    said = attempt("--corpus", file, "--model", tmp_path / "none").err
    assert "2 prompts from 21 lines" in said
    assert "left out 1 duplicate" in said


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """From so many files on, nothing can be written any more."""
    written = iter(range(10**6))
    real = os.fsync

    def fsync(handle: int) -> None:
        if next(written) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr("labeler.results.os.fsync", fsync)


def test_a_full_disk(attempt: Attempt, monkeypatch: pytest.MonkeyPatch):
    fill_the_disk(monkeypatch, after=0)
    error = attempt().error
    assert "cannot write" in error
    assert "No space left on device" in error
    assert "free some space" in error


def test_a_disk_that_fills_keeps_what_resume_can_use(
    cli: Cli, model: Path, corpus: Path, tmp_path: Path
):
    common = ("run", "--model", model, "--corpus", corpus, "--out", tmp_path / "run")
    assert cli(*common, "--no-report", "--out", tmp_path / "whole").code == 0
    with pytest.MonkeyPatch.context() as monkeypatch:
        fill_the_disk(monkeypatch, after=10)  # a file and its folder: plan, settings, 3 shards
        ended = cli(*common)
    assert ended.code == 2
    assert "No space left" in ended.error
    assert "--resume" in ended.error
    left = {path.name for path in (tmp_path / "run").iterdir()} - {".lock"}
    assert left == {"plan.json", "settings.toml", "statistics"}
    assert len(list((tmp_path / "run" / "statistics").iterdir())) == 3
    assert "no run.json" in cli("show", tmp_path / "run", "L0H0").error
    assert cli(*common, "--resume").code == 0


def test_a_disk_that_is_full_for_the_report(
    cli: Cli, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def write_text(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_text", write_text)
    ended = cli("report", finished, "--out", tmp_path / "page")
    assert ended.code == 2
    assert f"cannot write {tmp_path / 'page'}: No space left on device" in ended.error
    assert "free some space" in ended.error
    assert not (tmp_path / "page").exists()


def test_hostile_prompts_are_labelled_all_the_same(cli: Cli, model: Path, tmp_path: Path):
    hostile = [
        "x",
        "\x00\x01 nul",
        "👩‍👩‍👧‍👦 family, " * 20,
        "שלום \u202e olleh \u202c",
        "é́́́ " * 30,
        '"“nested «and” unclosed‘ "',
        "a" * 5000,
        "\n\n\n.\n\n\n",
        " \u00a0\u2003 .",
        "<script>alert(1)</script> [bold]rich[/bold] {{ jinja }}",
    ]
    named = [part for text in hostile for part in ("--prompt", text)]
    ended = cli("run", "--model", model, "--out", tmp_path / "run", *named)
    assert ended.code == 0, ended.err
    for name in ("L0H0", "L0N0"):
        assert cli("show", tmp_path / "run", name).code == 0
