"""The example packages, really installed: what they add, and each message of the broken one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heuristics import limits, load_heuristics
from heuristics.check import agrees_with_itself
from heuristics.errors import PluginError
from heuristics.testing import check, text
from labeler.results import open_run

from .conftest import Cli

ROOT = Path(__file__).parents[2]
GOOD = ("word_features", "story_relations")
BROKEN = "broken_heuristics"
SAID = "The red ball and the red box."  # 9 tokens with BOS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip put the three packages."""
    folder = tmp_path_factory.mktemp("examples")
    sources = [shutil.copytree(ROOT / "examples" / n, folder / n) for n in (*GOOD, BROKEN)]
    flags = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *flags, "--target", folder / "site", *sources],
        check=True,
        capture_output=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    return folder / "site"


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("LABELER_PLUGINS", raising=False)


def of_package(name: str) -> dict:
    return {item.name: item for item in load_heuristics() if item.package == f"labeler-{name}"}


def test_what_the_packages_add(installed):
    assert set(of_package("word-features")) == {
        *("family word", "nearest family word", "every family word"),
        *("shouted word", "nearest shouted word", "place name", "nearest place name"),
    }
    added = of_package("story-relations")
    assert set(added) == {"earlier mention", "earlier item", "name for the pronoun"}
    assert {item.version for item in added.values()} == {"1.0"}
    check([*of_package("word-features").values(), *added.values()])


@pytest.mark.parametrize("name", GOOD)
def test_their_own_tests_pass(name: str, site: Path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", site,
         ROOT / "examples" / name / "tests"],
        env={**os.environ, "PYTHONPATH": f"{site}:{ROOT}"},
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "raised KeyError: 'blue' (line LINE)"),
        ("shape", "expected Bool[9], got bool[8]"),
        ("type", "expected Bool[9], got int64[9]; .astype(bool) makes it that"),
        ("forgets", "expected Bool[9], got None; does it return?"),
        (
            "writes",
            "writes into an array of the Text (line LINE); take a copy first, as in text.pos.copy()",
        ),
        (
            "wavers",
            "gave two answers on two calls; a heuristic is a function of the text, so seed what is "
            "random and keep nothing between calls",
        ),
        (
            "slow",
            "took 0 s or more over 9 tokens; make it faster, or leave it out with --without",
        ),
        ("square", "expected Bool or weights [9, 9], got bool[9, 2]"),
        (
            "not a number",
            "weights must be finite and not negative; at query 0, key 0 there is nan",
        ),
        ("negative", "weights must be finite and not negative; at query 1, key 0 there is -1"),
    ],
)
def test_each_message(installed, monkeypatch, name: str, message: str):
    monkeypatch.setattr(limits, "SLOW_SECONDS", 0.2)
    item = of_package("broken-heuristics")[f"broken: {name}"]
    with pytest.raises(PluginError) as caught:
        agrees_with_itself(item, text(SAID, name="p1"))
    assert re.sub(r"\(line \d+\)", "(line LINE)", str(caught.value)) == (
        f"{item.kind} 'broken: {name}' in broken_heuristics, prompt 'p1': {message}"
    )


def test_what_keeps_the_contract_passes(installed):
    broken = of_package("broken-heuristics")
    check([broken["broken: never"], broken["broken: ahead"]])


def test_a_run_with_all_of_them(
    installed, monkeypatch, cli: Cli, model: Path, corpus: Path, tmp_path: Path
):
    monkeypatch.setattr(limits, "SLOW_SECONDS", 2.0)
    out, config = tmp_path / "run", tmp_path / "quick.toml"
    config.write_text("reinitialised = false")
    asked = ("run", "--config", config, "--model", model, "--corpus", corpus, "--out", out)
    stopped = cli(*asked, "--no-report")
    assert stopped.code == 2
    assert "in broken_heuristics" in stopped.error
    assert stopped.error.endswith("; --keep-going runs without it")
    went_on = cli(*asked, "--no-report", "--keep-going")
    assert went_on.code == 0
    run = open_run(out).run
    fine = {"broken: never", "broken: ahead"}
    broken = set(of_package("broken-heuristics"))
    assert {row["name"] for row in run["heuristics_failed"]} == broken - fine
    assert fine <= {row["name"] for row in run["heuristics_silent"]}
    took_part = {row["name"]: row for row in run["heuristics"]}
    assert took_part["family word"]["package"] == "labeler-word-features"
    assert broken - fine - set(took_part) == broken - fine
