"""`labeler heuristics new` and `check`, as an author uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from labeler.plugin_check import check_plugin
from labeler.progress import Silent

from .conftest import Cli

ROOT = Path(__file__).parents[2]

MANY = """
import numpy as np
from heuristics import Text, builtin, feature, relation

@relation("one back", positional=True)
def one_back(text: Text):
    "The previous token under another name."
    return (text.query - text.key == 1) & (text.key > 0)

@relation("the next token")
def next_token(text: Text):
    "Half of it lies ahead."
    return (text.key - text.query == 1) | (text.key == text.query)

@feature("noun by tag")
def noun(text: Text):
    "Uses the parse and does not say so."
    return text.pos == "NOUN"

@feature("before an and")
def before_and(text: Text):
    "Reads on."
    return np.append(text.words[1:] == "and", False)

@relation("fails")
def fails(text: Text):
    "Fails."
    return np.ones(3)
"""


def test_what_check_finds(cli: Cli, tmp_path: Path):
    file = tmp_path / "many.py"
    file.write_text(MANY)
    found = {row.item.name: row for row in check_plugin(str(file)).found}
    name, share = found["one back"].nearest[0]
    assert (name, round(share, 9)) == ("previous token", 1.0)
    assert found["one back"].ahead == 0
    assert found["the next token"].ahead == 0.5  # first position left out, no next of the last
    assert found["noun by tag"].nearest[0] == ("noun", 1.0)
    flags = {name: (row.undeclared_parse, row.reads_on) for name, row in found.items()}
    assert flags == {
        "one back": (False, False),
        "the next token": (False, False),
        "noun by tag": (True, False),
        "before an and": (False, True),
        "fails": (False, False),
    }
    assert all(row.cost > 0 and row.usual > 0 for row in found.values() if not row.error)
    assert found["fails"].error.startswith("prompt '")

    shown = cli("heuristics", "check", file)
    assert shown.code == 2
    assert shown.error == f"1 of 5 heuristics of {file} fail"
    said = " ".join(shown.out.split())
    for part in (
        "relation one back ok label attends to the one back rate names a key at",
        "100% the same as 'previous token'",
        "note nearly 'previous token'; one of the two will do",
        "of its pairs look ahead of the query; the labeler drops them",
        "note uses the parse and does not say so: @feature(…, parse=True)",
        "note says something else when the text ends sooner: it reads on, which no head can",
        "expected Bool or weights [",
        "Asked about 40 stories",
        "4 of 5 heuristics keep the contract.",
    ):
        assert part in said


def test_the_first_position_is_said_to_be_left_out(cli: Cli, tmp_path: Path):
    file = tmp_path / "sink.py"
    file.write_text(
        "from heuristics import feature, relation\n"
        "@feature('plain')\ndef plain(text):\n    return text.words == 'red'\n"
        "@relation('sink')\ndef sink(text):\n    return (text.key == 0) & (text.query >= 0)\n"
    )
    said = " ".join(cli("heuristics", "check", file).out.split())
    assert (
        "note names the first position alone, which is left out: @relation(…, start=True)" in said
    )
    assert "2 of 2 heuristics keep the contract." in said


def test_what_is_not_defined_is_said_to_be(cli: Cli, tmp_path: Path):
    file = tmp_path / "bare.py"
    file.write_text(
        "from heuristics import feature\n"
        "red = feature('red', lifts=('nearest',))(lambda text: text.matches({'red'}))\n"
    )
    shown = cli("heuristics", "show", "red", "--plugin", file).out
    assert "Not defined: its function has no docstring.\nIn a label: reds" in shown
    lifted = cli("heuristics", "show", "nearest red", "--plugin", file).out
    assert "(before its word, for words).\nIn a label:" in lifted


def test_a_new_plugin_works_as_it_is_written(cli: Cli, tmp_path: Path, monkeypatch):
    made = cli("heuristics", "new", "story word", "--to", tmp_path)
    assert made.code == 0
    assert made.out.splitlines()[-1] == f"Next: labeler heuristics check {tmp_path}/story_word.py"
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in tests.stdout, tests.stdout + tests.stderr
    again = cli("heuristics", "new", "story word", "--to", tmp_path)
    assert again.code == 2
    assert again.error.endswith("is there already; choose another name, or move it away")
    assert "is the name of a heuristic" in cli("heuristics", "new", "comma").error
    for name in ("?", 'a "said" word', "a\nb"):
        assert "makes no name of a Python module" in cli("heuristics", "new", name).error
    for name in ("relation", "json", "numpy"):
        assert f"would make a module {name!r}" in cli("heuristics", "new", name).error
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    for name in (tmp_path / "colour.py", "plugins/colour", "colour.py"):
        error = cli("heuristics", "new", name).error
        assert error.startswith(f"'{name}' is a path; give a name alone")
        assert "--to FOLDER" in error
    assert set(tmp_path.iterdir()) == before


class Counted(Silent):
    """Adds up what progress is told."""

    total = done = 0

    def stage(self, name: str, total: int, unit: str) -> None:
        self.total += total

    def advance(self, steps: int = 1) -> None:
        self.done += steps


def test_check_counts_every_text_that_it_asks_about(tmp_path: Path):
    """Whole ones and cut ones, since a slow heuristic takes minutes."""
    file = tmp_path / "one.py"
    file.write_text(
        "from heuristics import feature\n"
        '@feature("fourth")\ndef fourth(text):\n    "One."\n    return text.position == 4\n'
    )
    counted = Counted()
    checked = check_plugin(str(file), counted)
    assert checked.n_prompts < counted.total == counted.done
