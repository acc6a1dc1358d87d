"""`labeler run` over every kind of model, corpus and option that its help names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from labeler import label, load
from labeler.errors import ConfigError, LabelerError
from labeler.results import TABLES, open_run
from tests.oracles.prompts import prompts

from .conftest import N_PROMPTS, Cli

PLUGIN = '''
from heuristics import Text, feature, relation

@feature("forest animal", lifts=("nearest", "every"))
def animal(text: Text):
    """Dogs, cats and birds."""
    return text.matches({"dog", "cat", "bird"})

@relation("same initial letter")
def same_initial_letter(text: Text):
    """Words that begin with the same letter."""
    return text.initials[:, None] == text.initials[None, :]
'''


def facts(run: Path) -> dict:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_bare_run_labels_the_embedded_model_without_network(tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "labeler.cli", "run", "--max-prompts", "8"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    run = open_run(tmp_path / "runs" / "labels")
    assert len(run.heads) == 16  # one layer of sixteen heads is what ships
    assert len(run.neurons) == run.run["model"]["d_mlp"]
    assert [line.split()[0] for line in ended.stdout.splitlines() if line.startswith("L0H")] == [
        f"L0H{head}" for head in range(16)
    ]
    assert f"Report: {Path('runs/labels/report/index.html')}" in ended.stdout
    assert (run.path / "report" / "index.html").is_file()
    assert "score: 8 prompts" in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr  # no terminal: plain lines


def test_a_folder_model_and_a_text_file(cli: Cli, model: Path, corpus: Path, tmp_path: Path):
    out = tmp_path / "run"
    ended = cli("run", "--model", model, "--corpus", corpus, "--out", out)
    assert ended.code == 0, ended.err
    run = open_run(out)
    assert run.heads["name"].tolist() == ["L0H0", "L0H1"]
    assert run.neurons["name"].tolist() == [f"L0N{n}" for n in range(8)]
    assert run.run["model"]["name"] == str(model)
    assert run.run["corpus"]["prompts"] == N_PROMPTS
    assert run.run["corpus"]["source"] == str(corpus)
    assert (out / "report" / "index.html").is_file()
    assert "L0H1" in ended.out
    assert not list(out.rglob(".*.parquet*"))  # no temporary file is left


def test_every_file_of_the_schema_is_there_and_readable_by_others(finished: Path):
    for file, columns in TABLES.items():
        if not file.startswith(("replacement", "evidence/costs")):  # written by `labeler verify`
            assert set(columns) <= set(pd.read_parquet(finished / file).columns), file
    assert {"run.json", "plan.json", "settings.toml", "showcase"} <= {
        path.name for path in finished.iterdir()
    }


def test_files_are_as_readable_as_the_user_wants(finished: Path):
    umask = os.umask(0)
    os.umask(umask)
    assert (finished / "heads.parquet").stat().st_mode & 0o777 == 0o666 & ~umask


def test_standard_input(cli: Cli, model: Path, tmp_path: Path):
    text = "\n".join(prompts(10)).encode()
    common = ("run", "--model", model, "--corpus", "-", "--out", tmp_path / "run")
    assert cli(*common, "--max-prompts", 9, stdin=text).code == 0
    assert facts(tmp_path / "run")["corpus"]["prompts"] == 9
    # `verify` works from what the run folder says, when standard input has long been read.
    report = tmp_path / "run" / "report"
    assert "not put to work" in (report / "index.html").read_text()
    ended = cli("verify", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert ended.out.rstrip().endswith(f"Report: {report / 'index.html'}")
    assert "not put to work" not in (report / "index.html").read_text()
    # One that the run has not is not made.
    shutil.rmtree(report)
    assert cli("verify", tmp_path / "run", "--neurons", "L0N1").code == 0
    assert not report.exists()
    # Neither of the two takes away what the other found.
    assert cli("verify", tmp_path / "run").code == 0
    found = pd.read_parquet(tmp_path / "run" / "replacement.parquet")
    assert {"model", "head", "neuron"} <= set(found["scope"])
    assert set(found.loc[found["scope"] == "neuron", "name"]) == {"L0N1"}


@pytest.mark.parametrize("flags", [(), ("--no-report",)])
def test_who_stops_the_verification_has_a_report(
    cli: Cli, model: Path, corpus: Path, tmp_path: Path, monkeypatch, flags: tuple[str, ...]
):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("labeler.verification.run_campaign", stopped)
    out = tmp_path / "run"
    ended = cli("run", "--model", model, "--corpus", corpus, "--out", out, "--verify", *flags)
    assert ended.code == 130
    assert "with --resume goes on" in ended.error
    assert (out / "report" / "index.html").is_file() == (not flags)


def test_prompts_on_the_command_line(cli: Cli, model: Path, tmp_path: Path):
    first, second = prompts(2)
    ended = cli(
        *("run", "--model", model, "--prompt", first, "--prompt", second, "--no-report"),
        *("--out", tmp_path / "run"),
    )
    assert ended.code == 0, ended.err
    found = facts(tmp_path / "run")
    assert found["corpus"]["prompts"] == 2
    assert found["corpus"]["folds"] == 0  # too few prompts to hold any out
    assert not (tmp_path / "run" / "report").exists()


def test_flags_override_the_configuration_which_is_written_out(
    cli: Cli, model: Path, corpus: Path, tmp_path: Path
):
    config = tmp_path / "run.toml"
    config.write_text(
        f'model = "{model}"\ncorpus = "{corpus}"\nmax_prompts = 9\nseed = 3\n'
        "[thresholds]\nlikely = 0.25\n"
    )
    ended = cli("run", "--config", config, "--max-prompts", 4, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    settings = facts(tmp_path / "run")["settings"]
    assert (settings["max_prompts"], settings["seed"]) == (4, 3)
    written = tomllib.loads((tmp_path / "run" / "settings.toml").read_text())
    assert (written["max_prompts"], written["thresholds"]["likely"]) == (4, 0.25)
    assert not written["overwrite"]  # running it again must not replace anything unasked
    again = cli("run", "--config", tmp_path / "run" / "settings.toml")
    assert again.code == 2
    assert "holds another run" in again.error


def test_only_and_without_choose_the_vocabulary(cli: Cli, model: Path, corpus: Path, tmp_path):
    common = ("run", "--model", model, "--corpus", corpus, "--max-prompts", 8, "--no-report")
    few = ("previous token", "start of text", "comma")
    only = [part for name in few for part in ("--only", name)]
    assert cli(*common, *only, "--out", tmp_path / "only").code == 0
    named = {item["name"] for item in facts(tmp_path / "only")["heuristics"]}
    assert named == set(few)
    without = ("--without", "previous token")
    assert cli(*common, *without, "--out", tmp_path / "without").code == 0
    named = {item["name"] for item in facts(tmp_path / "without")["heuristics"]}
    assert "previous token" not in named
    assert "current token" in named


def test_a_plugin_file_joins_the_vocabulary(cli: Cli, model: Path, corpus: Path, tmp_path: Path):
    plugin = tmp_path / "animals.py"
    plugin.write_text(PLUGIN)
    ended = cli(
        *("run", "--model", model, "--corpus", corpus, "--plugin", plugin, "--no-report"),
        *("--out", tmp_path / "run"),
    )
    assert ended.code == 0, ended.err
    ours = {"forest animal", "nearest forest animal", "every forest animal", "same initial letter"}
    known = {item["name"]: item for item in facts(tmp_path / "run")["heuristics"]}
    assert ours <= set(known)
    assert known["forest animal"]["description"] == "Dogs, cats and birds."
    rows = open_run(tmp_path / "run").predictions.query("name == 'L0H0'")
    assert {"nearest forest animal", "same initial letter"} <= set(rows["prediction"])


def test_long_prompts_are_split_counted_and_reported(cli: Cli, model: Path, tmp_path: Path):
    short, *rest = prompts(12)
    long = " ".join(rest)  # far over the context of 64
    corpus = tmp_path / "long.txt"
    corpus.write_text(f"{short}\n\n{long}\n")
    common = ("run", "--model", model, "--corpus", corpus, "--no-report", "--out")
    assert cli(*common, tmp_path / "split").code == 0
    split = facts(tmp_path / "split")["corpus"]
    assert split["skipped"] == {"split at 64": 1}
    assert cli(*common, tmp_path / "cut", "--max-tokens", 20).code == 0
    cut = facts(tmp_path / "cut")["corpus"]
    assert cut["skipped"] == {"cut at 20": 2}
    assert cut["tokens"] == 2 * 19  # BOS is no token of the text
    assert split["tokens"] > 300  # nothing of the long one is lost


def test_duplicates_and_short_prompts_are_counted(cli: Cli, model: Path, tmp_path: Path):
    a, b = prompts(2)
    corpus = tmp_path / "twice.jsonl"
    texts = [a, b, a, "One day.", "  ", a]
    corpus.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    ended = cli(
        *("run", "--model", model, "--corpus", corpus, "--min-tokens", 10, "--no-report"),
        *("--out", tmp_path / "run"),
    )
    assert ended.code == 0, ended.err
    found = facts(tmp_path / "run")["corpus"]
    assert found["prompts"] == 2
    assert found["skipped"] == {"duplicate": 2, "blank": 1, "under 10 tokens": 1}


def test_ids_with_a_number_sign_are_part_of_the_sample(model: Path, tmp_path: Path):
    """`#2` marks the second piece of a long prompt; an id may hold the sign as well."""
    corpus = tmp_path / "ids.jsonl"
    rows = [{"id": f"story#{n}", "text": text} for n, text in enumerate(prompts(10))]
    corpus.write_text("\n".join(json.dumps(row) for row in rows))
    plain = label(model, prompts(10), tmp_path / "plain")
    marked = label(model, corpus, tmp_path / "marked")
    assert marked.folder.run["query_classes"] == plain.folder.run["query_classes"]


def test_overwrite_replaces_the_run_and_nothing_else(
    cli: Cli, model: Path, corpus: Path, tmp_path: Path
):
    out = tmp_path / "run"
    common = ("run", "--model", model, "--corpus", corpus, "--no-report", "--out", out)
    assert cli(*common, "--max-prompts", 4).code == 0
    (out / "notes.md").write_text("mine")
    (out / "review.json").write_text('{"verdicts": {}}')
    assert cli(*common, "--max-prompts", 3, "--overwrite").code == 0
    assert facts(out)["corpus"]["prompts"] == 3
    assert (out / "notes.md").read_text() == "mine"
    assert (out / "review.previous.json").is_file()  # a reader's work is set aside, not lost
    assert not (out / "review.json").exists()


def test_what_nothing_can_be_held_against_is_no_label(cli: Cli, model: Path, tmp_path: Path):
    """Fewer than 8 prompts have no folds: what chooses would judge."""
    corpus = tmp_path / "few.txt"
    corpus.write_text("\n\n".join(prompts(5)))
    ended = cli("run", "--model", model, "--corpus", corpus, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    few = "0 of 2 heads are labelled; 0 of 8 neurons: 5 prompts are too few to test a label on"
    assert few in " ".join(ended.out.split())
    run = open_run(tmp_path / "run")
    assert set(run.heads["confidence"]) == {"unlabelled"}
    assert (
        run.heads[["r2", "r2_low", "r2_dense", "r2_distance", "r2_weighted"]].isna().all(axis=None)
    )
    assert run.heads["label"].str.contains("too few prompts to test a label on").all()
    assert not len(run.predictions.query("selected"))
    assert set(run.neurons["confidence"]) == {"unlabelled"}
    assert run.neurons[["r2", "r2_low", "r2_partial", "r2_reinitialised"]].isna().all(axis=None)
    assert run.run["figures"]["neurons_r2_median"] is None
    for command in (("verify",), ("try", __file__, "--run")):
        refused = cli(*command, tmp_path / "run")
        assert refused.code == 2
        assert "its prompts are too few (5); take a run on some hundred" in refused.error
    assert few in (tmp_path / "run" / "report" / "index.html").read_text()
    assert "no held-out R²" in cli("show", tmp_path / "run", "L0H0").out


def test_few_prompts_are_said_to_be_few(cli: Cli, model: Path, tmp_path: Path):
    corpus = tmp_path / "few.txt"
    corpus.write_text("\n\n".join(prompts(12)))
    given = ("run", "--model", model, "--corpus", corpus, "--no-report", "--out", tmp_path / "run")
    assert "12 prompts are few to test labels on" in " ".join(cli(*given).out.split())


def test_the_python_api(model: Path, tmp_path: Path):
    run = label(model, prompts(9), tmp_path / "run")
    assert list(run.heads["name"]) == ["L0H0", "L0H1"]
    assert len(run.neurons) == 8
    html = run._repr_html_()
    assert "L0H0" in html
    assert run.headline in html
    # Its weights are random: no label, so nothing is said of what labels explain.
    assert run.headline.startswith("0 of 2 heads are labelled; 0 of 8 neurons")
    index = run.report(tmp_path / "report")
    assert index == tmp_path / "report" / "index.html"
    assert index.is_file()
    with pytest.raises(LabelerError, match="holds another run"):
        label(model, prompts(9), tmp_path / "run")
    assert label(model, prompts(8), tmp_path / "run", overwrite=True).heads.shape[0] == 2
    with pytest.raises(ConfigError, match="did you mean 'max_prompts'"):
        label(model, prompts(9), tmp_path / "run", max_prompt=3)


def test_the_python_api_opens_a_run_of_before(finished: Path, tmp_path: Path):
    run = load(finished)
    assert list(run.heads["name"]) == ["L0H0", "L0H1"]
    assert load(finished.as_uri()).headline == run.headline
    assert run.report(tmp_path / "report").is_file()
    assert run.report(tmp_path / "one.html", single_file=True).is_file()
    with pytest.raises(LabelerError, match="is the name of a page, and a report is a folder"):
        run.report(tmp_path / "page.html")
    with pytest.raises(ConfigError, match="path is of type int; expected the folder"):
        run.report(5)  # type: ignore[arg-type]
    with pytest.raises(LabelerError, match="no run folder at nowhere"):
        load("nowhere")


def test_the_python_api_refuses_what_it_would_not_do(model: Path, tmp_path: Path):
    out = tmp_path / "run"
    with pytest.raises(ConfigError, match="prompts is empty; expected at least one text"):
        label(model, [], out)  # and not the embedded stories
    with pytest.raises(ConfigError, match="prompts and corpus exclude each other"):
        label(model, "a.txt", out, corpus="b.txt")
    with pytest.raises(ConfigError, match="model is a dict; expected a hub name or a folder"):
        label({}, prompts(9), out)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="prompts is of type int; expected texts"):
        label(model, 5, out)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="prompts is of type dict; expected texts"):
        label(model, {"text": "A"}, out)  # type: ignore[arg-type]
    assert not out.exists()


def test_the_python_api_verifies_and_tells_if_asked(
    model: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = label(model, corpus, tmp_path / "run", progress=True, verify=True)
    assert len(run.folder.replacement)
    assert "load: 1 model" in capsys.readouterr().err
    assert run.verify(progress=True, max_prompts=4).headlines[1:]
    assert "order: 4 prompts" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="max_prompts is '8'; expected an integer of at least 1"):
        run.verify(max_prompts="8")  # type: ignore[arg-type]


def test_what_the_caller_has_set_in_torch_and_numpy_changes_nothing(
    model: Path, corpus: Path, tmp_path: Path
):
    plain = label(model, corpus, tmp_path / "plain", verify=True)
    torch.set_default_dtype(torch.float64)
    try:
        cast = torch.autocast("cpu", dtype=torch.bfloat16)
        with torch.device("meta"), np.errstate(all="raise"), cast:  # a device on which nothing is
            set_so = label(model, corpus, tmp_path / "set", verify=True)
            assert torch.empty(0).device.type == "meta"
            assert torch.is_autocast_enabled("cpu")
        assert torch.get_default_dtype() == torch.float64  # and it is left as it was
    finally:
        torch.set_default_dtype(torch.float32)
    for table in TABLES:
        assert (set_so.path / table).read_bytes() == (plain.path / table).read_bytes(), table


def test_heuristics_of_the_caller_take_part(model: Path, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "from heuristics import feature\nfrom labeler import label\n"
        "early = feature('early word')(lambda text: text.matches({'the', 'a'}))\n"
        f"run = label({str(model)!r}, {prompts(9)!r}, 'run', plugin=['__main__'])\n"
        "print([h['module'] for h in run.folder.run['heuristics'] if h['name'] == 'early word'])\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "['__main__']\n", done.stderr
