"""`labeler heuristics new`: a plugin that works, and its test, to be changed."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path

from heuristics.registry import load_heuristics
from labeler.errors import ConfigError
from labeler.results import write_atomic

PLUGIN = '''"""{name}: heuristics of my own.

    labeler heuristics check {file}
    labeler run --plugin {file}
"""

from heuristics import Text, feature, relation


@feature("{name}", lifts=("nearest", "every"))
def {slug}(text: Text):
    """A word of the list. Write here what it means exactly; the report shows it."""
    return text.matches({{"once", "then", "suddenly"}})  # Bool[pos]


@relation("to the same {name}", phrase="earlier copies of the same {name}")
def same_{slug}(text: Text):
    """From a word of the list, its earlier copies."""
    same = text.same(text.words) & (text.key < text.query)
    return same & {slug}(text)[:, None]  # Bool[query key]
'''

TEST = '''"""The contract, checked on many kinds of text, and what the heuristics say of one."""

from heuristics.testing import attends, check, fires
from {module} import same_{slug}, {slug}


def test_the_contract():
    check({slug})
    check(same_{slug})


def test_{slug}():
    assert fires({slug}, "Once he ran. Then he fell.") == ["Once", "Then"]


def test_same_{slug}():
    said = "Then he ran. Then he fell."
    assert attends(same_{slug}, said) == {{"Then": ["Then"]}}
'''


USED = {"Text", "attends", "check", "feature", "fires", "relation"}
"""Names that the written files use themselves."""


def new_plugin(name: str, folder: Path) -> tuple[Path, Path]:
    """Write `folder/NAME.py` and `folder/test_NAME.py`; ConfigError where that cannot be."""
    if "/" in name or name.endswith(".py"):
        raise ConfigError(
            f"{name!r} is a path; give a name alone, as in 'colour word', and its folder with "
            "--to FOLDER"
        )
    slug = re.sub(r"\W+", "_", name.strip().lower()).strip("_")
    plain = name.isprintable() and not set('"\\{}') & set(name)
    if not plain or not slug.isidentifier() or keyword.iskeyword(slug):
        raise ConfigError(
            f"{name!r} makes no name of a Python module; expected words, as in 'colour word'"
        )
    taken = {item.name: item.module for item in load_heuristics()}
    if name in taken:
        raise ConfigError(f"{name!r} is the name of a heuristic in {taken[name]}; choose another")
    plugin, test = folder / f"{slug}.py", folder / f"test_{slug}.py"
    for path in (plugin, test):
        if path.exists():
            raise ConfigError(f"{path} is there already; choose another name, or move it away")
    if slug in USED or importlib.util.find_spec(slug) is not None:
        raise ConfigError(
            f"{name!r} would make a module {slug!r}, and there is one; choose another name, as in "
            f"'{name} word'"
        )
    words = {"name": name, "slug": slug, "file": plugin, "module": slug}
    write_atomic(plugin, PLUGIN.format(**words).encode())
    write_atomic(test, TEST.format(**words).encode())
    return plugin, test
