"""The house has floors: imports run one way, and each heavy library has one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("heuristics", "labeler", "reports")
DOORS = {"transformer_lens": {"labeler.model"}, "spacy": {"labeler.pipeline"}}
MAY_OPEN_REPORTS = {"labeler.cli", "labeler.reader_cli", "labeler.run"}
MODEL_LIBRARIES = {"torch", "transformers", "tokenizers"}


class Import(NamedTuple):
    """One import: the module it stands in, what it asks for, and whether only when called."""

    module: str
    line: int
    target: str
    lazy: bool

    @property
    def top(self) -> str:
        return self.target.split(".")[0]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def targets(node: ast.AST, package: str) -> list[str]:
    """The modules that a node imports; of `from a import b` both a and a.b, since b may be one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        base = parts[: len(parts) + 1 - node.level] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        return [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = getattr(node.func, "attr", getattr(node.func, "id", None))
        if name in ("import_module", "__import__"):
            return [str(node.args[0].value)]
    return []


def imports_of(source: str, module: str, package: str) -> Iterator[Import]:
    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        for target in targets(node, package):
            yield Import(module, getattr(node, "lineno", 0), target, lazy)
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    yield from walk(ast.parse(source), lazy=False)


def all_imports() -> list[Import]:
    found: list[Import] = []
    for path in sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")):
        name = module_name(path)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found += imports_of(path.read_text(encoding="utf-8"), name, package)
    return found


def breach(item: Import) -> bool:
    """Whether an import goes up the house, past the one door of `labeler`, or round a library's."""
    floor = item.module.split(".")[0]
    if item.top in DOORS:
        return item.module not in DOORS[item.top]
    if floor == "heuristics":
        return item.top in {"labeler", "reports", *MODEL_LIBRARIES}
    if floor == "labeler":
        return item.top == "reports" and not (item.lazy and item.module in MAY_OPEN_REPORTS)
    through_the_door = item.target in ("labeler", "labeler.results") or item.target.startswith(
        "labeler.results."
    )
    return item.top in {"heuristics", *MODEL_LIBRARIES} or (
        item.top == "labeler" and not through_the_door
    )


def test_imports_run_one_way() -> None:
    assert [str(item) for item in all_imports() if breach(item)] == []


def test_each_floor_is_looked_at() -> None:
    seen = {item.module.split(".")[0] for item in all_imports()}
    assert seen == set(FLOORS)


@pytest.mark.parametrize("library", DOORS)
def test_each_door_is_in_use(library: str) -> None:
    assert {item.module for item in all_imports() if item.top == library} == DOORS[library]


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("heuristics.text", "import labeler", True),
        ("heuristics.text", "from heuristics.errors import PluginError", False),
        ("heuristics.text", "from .errors import PluginError", False),
        ("heuristics.text", "from ..labeler import corpus", True),
        ("heuristics.text", "import torch", True),
        ("heuristics.text", "if TYPE_CHECKING:\n    from spacy.tokens import Doc", True),
        ("labeler.score", "from heuristics import Text", False),
        ("labeler.score", "import reports.view", True),
        ("labeler.score", "def later():\n    import reports", True),
        ("labeler.cli", "import reports", True),
        ("labeler.cli", "def later():\n    from reports import render", False),
        ("labeler.cli", "def later():\n    importlib.import_module('reports.render')", False),
        ("labeler.score", "importlib.import_module('reports.render')", True),
        ("labeler.score", "import spacy", True),
        ("labeler.pipeline", "import spacy", False),
        ("labeler.pipeline", "import transformer_lens", True),
        ("labeler.model", "from transformer_lens.model_bridge import TransformerBridge", False),
        ("reports.view", "from labeler.results import RunFolder", False),
        ("reports.view", "from labeler import results", False),
        ("reports.view", "from labeler import corpus", True),
        ("reports.view", "from labeler.errors import RunFolderError", True),
        ("reports.view", "from heuristics import Text", True),
    ],
)
def test_the_rule_itself(module: str, source: str, expected: bool) -> None:
    found = list(imports_of(source, module, module.rpartition(".")[0]))
    assert found
    assert any(breach(item) for item in found) == expected
