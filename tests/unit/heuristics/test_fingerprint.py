"""Heuristics of a notebook: there is no file, so their code tells one version from another."""

import subprocess
import sys
from types import ModuleType

import pytest

from heuristics import PluginError, load_heuristics

BEFORE = """
from heuristics import builtin, feature
import re
WORDS = {"red", "blue", "green"}
def among(text, words):
    return text.matches(words)
@feature("colour word", lifts=("nearest",))
def colour_word(text):
    return among(text, WORDS) & ~text.regex("[(]") if len(text) else sorted(WORDS, key=lambda w: w)
after = colour_word.shift(1)
"""


def hashes(source: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of what a cell declares, by kind and name; the cell is compiled as a notebook does it."""
    cell = ModuleType("typed_cell")
    monkeypatch.setitem(sys.modules, "typed_cell", cell)
    exec(compile(source, "<ipython-input-3>", "exec"), vars(cell))  # noqa: S102 - as a notebook does
    found = load_heuristics(["typed_cell"])
    return {f"{h.kind} {h.name}": h.hash for h in found if h.module == "typed_cell"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('regex("[(]")', 'regex("[)]")'),  # a constant
        ("among(text, WORDS) &", "among(text, WORDS) |"),  # an operation
        ('"green"', '"brown"'),  # a value that it reads
        ("matches(words)", "matches(words) | text.is_start"),  # a function that it calls
        ("lambda w: w", "lambda w: w[0]"),  # a function within it
    ],
)
def test_another_version_of_a_cell_has_another_hash(monkeypatch, old: str, new: str):
    before = hashes(BEFORE, monkeypatch)
    assert before.keys() == {
        *("feature colour word", "relation nearest colour word", "feature 1 after colour word"),
    }
    assert all(len(found) == 16 for found in before.values())
    after = hashes(BEFORE.replace(old, new), monkeypatch)
    assert after.keys() == before.keys()
    assert [name for name in before if before[name] == after[name]] == []  # what is made of it, too


def test_the_same_cell_has_the_same_hash_whatever_stands_around_it(monkeypatch):
    """A cell that is run again moves on, and sets have another order in every process."""
    before = hashes(BEFORE, monkeypatch)
    assert hashes(f"\n\nunrelated = 1\n{BEFORE}\n", monkeypatch) == before
    told = subprocess.run(
        [sys.executable, "-c", f"{BEFORE}\nfrom heuristics.fingerprint import code_hash\n"
         "print(code_hash(colour_word))"],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    named = before["feature colour word"]
    assert told.stdout.strip() == named


def test_a_function_that_calls_itself_has_a_hash(monkeypatch):
    source = """
from heuristics import feature
@feature("deep")
def deep(text):
    return inner(text, 3)
def inner(text, n):
    return text.is_start if n == 0 else inner(text, n - 1)
"""
    assert len(hashes(source, monkeypatch)["feature deep"]) == 16


def test_a_notebook_that_is_not_there_any_more_is_said_to_be_that(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    with pytest.raises(PluginError, match=r"declares no heuristic .* is the notebook or script"):
        load_heuristics(["__main__"])
