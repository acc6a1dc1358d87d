"""docs/plugins.md: everything in Text is there, and its code does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heuristics import Parse, Text, load_heuristics
from heuristics.lifts import LIFTS
from heuristics.testing import PARSED, attends, check, text

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
REFERENCE = PAGE.split("## Text\n")[1]
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def public(owner: type) -> set[str]:
    fields = set(getattr(owner, "__dataclass_fields__", ()))
    return {name for name in {*vars(owner), *fields} if not name.startswith("_")}


def test_everything_in_text_and_parse_is_documented():
    first_column = " ".join(re.findall(r"^\| (.*?) \|", REFERENCE, re.MULTILINE))
    named = set(re.findall(r"`(\w+)", first_column))
    assert public(Text) - named == set()
    [row] = re.findall(r"^\| `parse` \|.*$", REFERENCE, re.MULTILINE)
    assert public(Parse) - set(re.findall(r"`(\w+)`", row)) == set()


def test_every_lift_is_named():
    [said] = re.findall(r"^\*\*Lifts\*\*.*$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([a-z ]+)`", said)) == set(LIFTS)


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """The page's plugins in one file, with the library function that it wraps."""
    (tmp_path / "my_patterns.py").write_text(
        "import numpy as np\n"
        "def subject_to_verb(sentence):\n"
        "    n = len(sentence.replace('.', ' .').replace(',', ' ,').split())\n"
        "    return np.eye(n, k=-1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    parts = [code for code in CODE if "def test_" not in code]
    file = tmp_path / "page.py"
    file.write_text("\n".join(parts))
    return {
        item.name: item
        for item in load_heuristics([str(file)])
        if item.module == "labeler_plugin_page"
    }


def test_the_code_of_the_page_runs_and_says_what_it_should(loaded):
    for name in (
        "colour word",
        "comma after a spoken verb",
        "not punctuation mark and not line break",
    ):
        check(loaded[name])
    assert attends(loaded["token at distance 2"], "one two three") == {"three": ["one"]}
    assert loaded["token at distance 2"].description == "The token 2 positions back."
    assert sum(name.startswith("token at distance") for name in loaded) == 8
    said, parse = PARSED["dialogue"]
    assert attends(loaded["nearest noun from comma"], text(said, parse)) == {",": ["ball"]}
    assert attends(loaded["every noun from comma"], text(said, parse)) == {",": ["day", "ball"]}
    assert attends(loaded["subject to verb"], "He ran.") == {"ran": ["He"], ".": ["ran"]}


def test_the_test_of_the_page_passes(loaded):
    [code] = [code for code in CODE if "def test_" in code]
    names = {"colour_word": loaded["colour word"]}
    exec(code, names)  # noqa: S102 - our own documentation
    names["test_colour_word"]()
