"""docs/heuristics.md: every heuristic with its exact definition, from the code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from heuristics.contract import Heuristic
from heuristics.lifts import LIFTS

HEAD = """\
# Heuristics

Everything that a label can say, from the code: `labeler heuristics list --markdown` writes this \
page, and a test compares the two. `labeler heuristics show NAME` has one of them. \
[plugins.md](plugins.md) tells how to add more.

A **relation** says from each query which keys attention goes to; keys after the query and, unless \
the relation says so, the first position are never among them. A **feature** says which positions \
are something. A *positional* relation claims a distance and is compared with uniform attention, \
any other with the head's own distance profile; *parse* marks what needs the pipeline's parse; a \
*query class* is a feature that an exception of a label may name ("on a comma: …").
"""


def page(heuristics: Sequence[Heuristic]) -> str:
    """The page for some heuristics."""
    relations = [item for item in heuristics if item.kind == "relation"]
    features = [item for item in heuristics if item.kind == "feature"]
    parts = [HEAD, f"## Relations ({len(relations)})\n", "\n".join(_table(relations))]
    parts += [f"\n## Features ({len(features)})\n", "\n".join(_table(features))]
    parts += ["\n## Lifts\n", "\n".join(_lifts())]
    return "\n".join(parts) + "\n"


def _table(heuristics: Sequence[Heuristic]) -> Iterator[str]:
    yield "| name | in a label | definition | |"
    yield "|---|---|---|---|"
    for item in heuristics:
        words = f"{_cell(item.name)} | {_cell(item.phrase)}"
        yield f"| {words} | {_definition(item)} | {_marks(item)} |"


def _definition(item: Heuristic) -> str:
    source = f" ({item.source})" if item.source else ""
    return _cell(" ".join(item.description.split()) + source)


def _marks(item: Heuristic) -> str:
    marks = (
        (item.positional, "positional"),
        (item.parse, "parse"),
        (item.query_class, "query class"),
    )
    return ", ".join(word for held, word in marks if held)


def _cell(string: str) -> str:
    return string.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _lifts() -> Iterator[str]:
    yield 'A feature becomes a relation by a lift: `@feature(…, lifts=("nearest",))`.\n'
    yield "| lift | name | in a label | keys |"
    yield "|---|---|---|---|"
    for lift, (function, name, phrase) in LIFTS.items():
        words = [
            text.format(name="comma", noun="comma", plural="commas") for text in (name, phrase)
        ]
        said = (function.__doc__ or "").splitlines()[0]
        yield f"| `{lift}` | {words[0]} | {words[1]} | {_cell(said)} |"
