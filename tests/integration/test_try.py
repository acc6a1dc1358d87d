"""`labeler try` finds what a run with the plugin would find, on a model whose heads are known."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from heuristics.check import relation_targets
from heuristics.errors import PluginError
from labeler import label
from labeler.progress import Silent
from labeler.recorded import Known
from labeler.remembered import Deferred, described, restored
from labeler.results import open_run
from labeler.statistics import Statistics, merge
from labeler.trial import PREDICTOR_AXES, RELATION_AXES, extend, open_session
from labeler.trial_fit import trial
from labeler.trial_sums import SharedSums
from labeler.try_cli import watched
from tests.oracles.build import build_heads
from tests.oracles.prompts import prompts

from .conftest import Cli

pytestmark = pytest.mark.slow

PLUGIN = """
from heuristics import feature, relation

@relation("one before", phrase="the token before", positional=True)
def one_before(text):
    "The previous token, which the run was made without."
    return (text.query - text.key == 1) & (text.key > 0)

@relation("a third of the way")
def third(text):
    "Weights that no head of the oracle has."
    return 1.0 * (text.key == text.query // 3) + 0.5 * (text.key == text.query // 4)

@feature("word with an o")
def with_o(text):
    "A word in which there is an o."
    return text.regex(r"\\\\b\\\\w*o\\\\w*\\\\b")
""".replace("\\\\\\\\", "\\")
ONLY = (
    *("start of text", "current token", "anywhere", "nearby (8)", "nearest comma"),
    *("comma", "full stop", "noun", "closing speech mark"),
)
NEW = ("one before", "a third of the way", "word with an o")


@dataclass(frozen=True)
class Made:
    """A run without the plugin, one with it, and the plugin."""

    without: Path
    with_it: Path
    plugin: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("try")
    build_heads(folder / "model")
    plugin = folder / "before.py"
    plugin.write_text(PLUGIN)
    given = {"device": "cpu", "reinitialised": False}
    model, texts = folder / "model", prompts(80)
    label(model, texts, folder / "a", only=ONLY, **given)
    label(model, texts, folder / "b", only=(*ONLY, *NEW), plugin=(str(plugin),), **given)
    return Made(folder / "a", folder / "b", plugin)


def stored(run: Path) -> Statistics:
    files = sorted((run / "statistics").glob("*.bin"))
    return merge(Statistics.unpack(path.read_bytes()) for path in files)


def test_the_sums_and_the_labels_are_those_of_a_run_with_the_plugin(made: Made):
    extended = extend(open_session(made.without), str(made.plugin), 400, Silent())
    assert extended.complete
    own, real = merge(extended.folds), stored(made.with_it)
    for name in (*RELATION_AXES, *PREDICTOR_AXES, "energy", "rows", "neuron_sum"):
        scale = max(float(np.abs(real[name]).max(initial=0)), 1.0)
        np.testing.assert_allclose(
            own[name], real[name], rtol=1e-4, atol=1e-5 * scale, err_msg=name
        )

    found = trial(extended)
    changes = {change.name: change for change in found.heads}
    previous = changes["L0H0"]  # the oracle's previous-token head
    assert [name for name, _, _ in previous.taken] == ["one before"]
    assert "the token before" in previous.after
    assert "the token before" not in previous.before
    assert previous.gain[1] > 0
    heads = open_run(made.with_it).heads.set_index("name")
    for change in found.heads:
        assert change.after == heads.loc[change.name, "label"]
        assert change.r2_after == pytest.approx(heads.loc[change.name, "r2"], abs=0.01)
    same = open_run(made.without).heads.set_index("name")["label"]
    unchanged = set(heads.index) - set(changes)
    assert [n for n in unchanged if heads.loc[n, "label"] != same[n]] == []
    idle = {row.relation: row for row in found.nearest}["a third of the way"]
    assert idle.taken == 0


def tried(run: Path, plugin: Path) -> Statistics:
    return merge(extend(open_session(run), str(plugin), 400, Silent()).folds)


@pytest.fixture
def kept(made: Made) -> Path:
    """The folder of what is kept of the run, emptied."""
    folder = open_session(made.without).known.folder
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def same(a: Statistics, b: Statistics) -> None:
    assert set(a.arrays) == set(b.arrays)
    for name, array in a.arrays.items():
        np.testing.assert_array_equal(array, b[name], err_msg=name)


def test_what_is_kept_gives_the_same_sums_and_no_model_is_loaded(
    made: Made, kept: Path, monkeypatch: pytest.MonkeyPatch
):
    first = extend(open_session(made.without), str(made.plugin), 400, Silent())
    assert len(list(kept.glob("*/cells_0.npy"))) == len(first.session.shards)

    monkeypatch.setattr("labeler.session.load_model", lambda *_, **__: pytest.fail("loaded"))
    again = extend(open_session(made.without), str(made.plugin), 400, Silent())
    same(merge(first.folds), merge(again.folds))
    resolved = first.session.vocabulary
    assert described(again.session.vocabulary) == described(resolved)
    written = json.loads(json.dumps(described(resolved)))
    assert restored(written, first.session.heuristics) == resolved
    assert again.session.model.token_string(5) == first.session.model.token_string(5)


def test_damage_is_mended(made: Made, kept: Path):
    first = tried(made.without, made.plugin)
    short, empty, missing, gone = sorted(kept.glob("*/cells_0.npy"))[:4]
    size = short.stat().st_size
    short.write_bytes(short.read_bytes()[:-8])
    empty.write_bytes(b"")
    missing.unlink()
    shutil.rmtree(gone.parent)
    (kept / "opened.json").write_text("{}")
    same(first, tried(made.without, made.plugin))
    assert all(file.stat().st_size > 0 for file in (short, empty, missing, gone))
    assert short.stat().st_size == size
    same(first, tried(made.without, made.plugin))


def test_a_run_made_anew_has_records_of_its_own(made: Made, kept: Path, tmp_path: Path):
    """The plan says as little of a list beside a plugin as of the model's configuration."""
    tried(made.without, made.plugin)
    copied = tmp_path / "a"
    shutil.copytree(made.without, copied)
    assert open_session(copied).known.folder != kept
    run = json.loads((copied / "run.json").read_text())
    before = open_session(copied).known.folder
    (copied / "run.json").write_text(json.dumps(run | {"created": "2000-01-01T00:00:00+00:00"}))
    assert open_session(copied).known.folder != before


def test_a_model_that_changed_is_loaded_again(made: Made, kept: Path):
    assert not open_session(made.without).known.facts
    opened = open_session(made.without)
    weights = made.without.parent / "model" / "model.safetensors"
    os.utime(weights)  # after it was read
    extend(opened, str(made.plugin), 400, Silent())
    assert opened.known.folder == kept
    assert (kept / "opened.json").is_file()
    assert not isinstance(open_session(made.without).session.model, Deferred)

    tried(made.without, made.plugin)
    assert isinstance(open_session(made.without).session.model, Deferred)


def test_what_takes_too_much_room_is_not_kept_and_costs_nobody_room(
    made: Made, kept: Path, monkeypatch: pytest.MonkeyPatch
):
    first = tried(made.without, made.plugin)
    shutil.rmtree(kept)
    other = kept.with_name("0" * 32)
    other.mkdir()
    monkeypatch.setattr("labeler.recorded.KEPT", 10_000)
    same(first, tried(made.without, made.plugin))
    assert not kept.exists()
    assert other.exists()


def test_records_are_kept_of_one_run(made: Made, kept: Path):
    other, mine = kept.with_name("1" * 32), kept.with_name("of the user's own")
    old, young = kept / ".shard.1", kept / ".shard.2"
    for folder in (other, mine, old, young):
        folder.mkdir(parents=True, exist_ok=True)
    os.utime(old, (0, 0))
    tried(made.without, made.plugin)
    assert not other.exists()
    assert not old.exists()
    assert mine.exists()
    assert young.exists()


def test_a_local_layer_shares_what_it_sees(made: Made):
    """The second window kind of the sums, against pairs masked by hand."""
    session = open_session(made.without).session
    text = session.texts(session.shards[0].prompts)[0]
    old, n = session.vocabulary, len(text)
    known = Known.of(text, old)
    shared = SharedSums(old, old, (None, 3))
    shared.read(text, known)
    query, key = np.mgrid[:n, :n]
    for kind, window in enumerate((n, 3)):
        seen = (key <= query) & (key > query - window) & (query > 0)
        rows = []
        for relation in old.relations:
            given = np.zeros((n, n))
            targets = relation_targets(relation, text)
            given[targets.query, targets.key] = targets.weight
            given *= seen
            total = given.sum(axis=1, keepdims=True)
            even = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
            rows.append(np.where(total > 0, given / np.where(total > 0, total, 1) - even, 0.0))
        products = np.einsum("iqk,jqk->ij", rows, rows)
        np.testing.assert_allclose(shared.gram[kind].sum(axis=0), products, atol=1e-6)


def test_the_command(made: Made, cli: Cli, tmp_path: Path):
    shown = cli("try", made.plugin, "--run", made.without)
    assert shown.code == 0
    said = " ".join(shown.out.split())
    assert "L0H0 held-out R²" in said
    assert "takes one before" in said
    assert "a third of the way: L" in said
    assert "All 80 prompts of the run: heads get the labels that a run with the plugin" in said

    bad = tmp_path / "bad.py"
    bad.write_text("from heuristics import relation\nx = relation('x')(lambda text: None)")
    assert "expected Bool or weights" in cli("try", bad, "--run", made.without).error
    clash = cli("try", made.plugin, "--run", made.with_it)
    assert clash.code == 2
    assert "two heuristics are called" in clash.error
    assert "no run folder at" in cli("try", made.plugin, "--run", tmp_path / "none").error
    few = cli("try", made.plugin, "--run", made.without, "--max-prompts", 0)
    assert few.error == "--max-prompts is 0; expected at least 1"


def test_of_a_run_by_effect_labels_by_pattern_are_compared(made: Made, cli: Cli, tmp_path: Path):
    """A trial derives no predictions: what it says of the run's labels would be of others."""
    folder = tmp_path / "run"
    shutil.copytree(made.without, folder)
    settings = (folder / "settings.toml").read_text()
    assert 'choose_by = "pattern"' in settings
    (folder / "settings.toml").write_text(settings.replace('"pattern"', '"effect"'))
    said = " ".join(cli("try", made.plugin, "--run", folder).out.split())
    assert "both labels of a head chosen by pattern, those of the run by effect" in said
    assert "takes one before" in said


def test_a_watched_file_is_tried_again_when_it_is_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file, tried = tmp_path / "mine.py", []
    file.write_text("first")

    def once() -> None:
        tried.append(file.read_text())
        if len(tried) == 3:
            raise KeyboardInterrupt
        file.write_text("a second" if len(tried) == 1 else "and a third")  # while it is tried
        if len(tried) == 2:
            raise PluginError("a mistake in it")

    watched(file, once)
    assert tried == ["first", "a second", "and a third"]
    assert "labeler: a mistake in it" in capsys.readouterr().err


def test_a_relation_that_names_nothing_is_said_to(cli: Cli, made: Made, tmp_path: Path):
    file = tmp_path / "silent.py"
    file.write_text(
        "from heuristics import relation\n"
        "silent = relation('silent')(lambda text: (text.query < text.key) & (text.key > 0))\n"
    )
    assert "· silent: names no key on these prompts" in cli("try", file, "--run", made.without).out


def test_only_a_file_can_be_watched(cli: Cli, tmp_path: Path):
    shown = cli("try", "package.module", "--run", tmp_path, "--watch")
    assert shown.code == 2
    assert shown.error == "--watch is for a file that can be saved again; package.module is none"


def test_a_trial_on_some_prompts_says_so(made: Made):
    found = trial(extend(open_session(made.without), str(made.plugin), 1, Silent()))
    assert found.complete == (found.prompts == 80)
    assert "L0H0" in {change.name for change in found.heads}
