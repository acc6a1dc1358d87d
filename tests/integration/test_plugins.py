"""Plugins in a run: whose they are, and that a bad one costs a run nothing but itself."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from heuristics import PluginError, load_heuristics
from labeler.config import load_settings
from labeler.pipeline import Pipeline
from labeler.plugins import failed, warnings
from labeler.results import open_run
from labeler.session import Session
from reports.run_facts import facts

from .conftest import Cli

GOOD = """
from heuristics import feature, relation

@feature("early word", lifts=("nearest",))
def early(text):
    "A word of the first five tokens."
    return text.position < 5

@relation("no key at all")
def nothing(text):
    "Nothing."
    return (text.query == text.key) & False
"""
BAD = """
from heuristics import feature, relation

@feature("bad feature", lifts=("nearest",), query_class=True)
def bad_feature(text):
    raise KeyError("colour")

@relation("bad on the last prompt")
def bad_relation(text):
    if text.id == LAST:
        return None
    return text.query == text.key
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two that are fine, in the project's folder (one is the README's), and one that is not."""
    monkeypatch.chdir(tmp_path)
    good, bad = tmp_path / "heuristics.d" / "good.py", tmp_path / "bad.py"
    good.parent.mkdir()
    good.write_text(GOOD)
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [source] = re.findall(r'```python\n(""".*?)```', readme, re.DOTALL)
    good.with_name("colour.py").write_text(source)
    bad.write_text(BAD)
    return good, bad


def of(cli: Cli, model: Path, corpus: Path, out: Path, *more: object):
    config = out.with_suffix(".toml")
    config.write_text("reinitialised = false")
    return cli(
        *("run", "--config", config, "--model", model, "--corpus", corpus, "--out", out),
        *("--no-report", *more),
    )


def test_one_bad_heuristic_never_costs_the_run_its_results(
    cli: Cli, model: Path, corpus: Path, plugins, tmp_path: Path, finished: Path, monkeypatch
):
    good, bad = plugins
    last = sorted(set(pd.read_parquet(finished / "evidence" / "heads.parquet")["prompt"]))[-1]
    bad.write_text(f"LAST = {last!r}\n{BAD}")
    stopped = of(cli, model, corpus, tmp_path / "a", "--plugin", bad)
    assert stopped.code == 2
    assert stopped.error.startswith("feature 'bad feature' in labeler_plugin_bad, prompt ")
    assert stopped.error.endswith("; --keep-going runs without it")
    assert "raised KeyError: 'colour' (line " in stopped.error
    assert not (tmp_path / "a").exists()

    went_on = of(cli, model, corpus, tmp_path / "b", "--plugin", bad, "--keep-going")
    assert went_on.code == 0
    told = " ".join(went_on.err.split())
    assert "warning: left out feature 'bad feature', relation 'nearest bad feature' of" in told
    assert "relation 'bad on the last prompt'" in told
    assert "relation 'no key at all' of labeler_plugin_good never fired on this corpus" in told

    run = open_run(tmp_path / "b").run
    failed = {row["name"]: row for row in run["heuristics_failed"]}
    assert set(failed) == {"bad feature", "nearest bad feature", "bad on the last prompt"}
    assert failed["bad on the last prompt"]["prompt"] == last
    assert failed["bad feature"]["error"].startswith("raised KeyError: 'colour' (line ")
    assert [row["name"] for row in run["heuristics_silent"]] == ["no key at all"]
    assert not set(failed) & {row["name"] for row in run["heuristics"]}

    own = next(row for row in run["heuristics"] if row["name"] == "nearest early word")
    assert own["module"] == "labeler_plugin_good"
    assert len(own["hash"]) == 16
    colour = good.with_name("colour.py")
    assert run["settings"]["plugin"] == [str(bad), str(colour), str(good)]
    of_readme = {row["name"] for row in run["heuristics"] if row["module"].endswith("colour")}
    assert of_readme == {
        *("colour word", "nearest colour word", "every colour word", "same initial letter"),
    }
    shown = dict(dict(facts(run))["Plugins"])
    assert shown["labeler_plugin_good"] == own["hash"]
    assert shown["relation no key at all"] == "never fired on this corpus"

    monkeypatch.chdir(tmp_path.parent)  # where there is no heuristics.d
    out = tmp_path / "c"
    assert of(cli, model, corpus, out, "--plugin", good.parent).code == 0
    for file in ("heads.parquet", "neurons.parquet", "predictions.parquet"):
        assert (tmp_path / "b" / file).read_bytes() == (tmp_path / "c" / file).read_bytes()


def test_a_plugin_that_cannot_be_loaded(cli: Cli, model: Path, corpus: Path, tmp_path: Path):
    bad = tmp_path / "bad.py"
    bad.write_text("1/0")
    stopped = of(cli, model, corpus, tmp_path / "a", "--plugin", bad)
    assert stopped.code == 2
    assert stopped.error.endswith(
        "ZeroDivisionError: division by zero (line 1); --keep-going runs without it"
    )
    told: list[PluginError] = []
    assert load_heuristics([str(bad)], on_error=told.append)
    [row] = map(failed, told)
    assert (row["name"], row["module"]) == ("", str(bad))
    assert warnings({"heuristics_failed": [row]}) == [
        f"left out plugin {bad}: cannot be imported: ZeroDivisionError: division by zero (line 1)"
    ]


def test_a_run_without_a_parse(model: Path, corpus: Path, plugins, tmp_path: Path):
    good, _ = plugins
    given = {"model": str(model), "corpus": str(corpus), "spacy": "none", "plugin": [str(good)]}
    session = Session(load_settings(None, {**given, "out": tmp_path / "run"}))
    session.try_heuristics()
    took_part = {item.name for item in session.heuristics}
    assert {"previous token", "comma", "same sentence", "early word"} <= took_part
    unparsed = [item.name for item in session.unparsed]
    assert {"noun", "subject of the clause"} <= set(unparsed)
    assert not set(unparsed) & took_part
    run = {"heuristics_unparsed": unparsed}
    [line] = warnings(run)
    assert (
        line == f"{len(unparsed)} heuristics use the parse and took no part: the pipeline has none"
    )
    left_out = f"{len(unparsed)} heuristics that use the parse: the pipeline has none"
    assert dict(facts(run))["Plugins"] == [("left out", left_out)]


def test_words_and_sentences_without_a_parse():
    pipeline = Pipeline("none")
    [parse] = pipeline.parse(["He ran. She sat."])
    assert parse.sentence.tolist() == [0, 0, 0, 1, 1, 1]
    assert not parse.parsed
    assert not pipeline.parses
    assert pipeline.fingerprint != Pipeline("embedded").fingerprint
