"""What README.md shows is there: its plugin loads, its commands and options exist, its links lead."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from heuristics.registry import load_heuristics
from labeler.cli import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^(?:\$ )?labeler (.+?)(?: {2,}#.*)?$", README, re.MULTILINE)))


def test_the_plugin_loads_and_says_what_is_claimed(tmp_path: Path):
    [source] = re.findall(r'```python\n(""".*?)```', README, re.DOTALL)
    file = tmp_path / "colour.py"
    file.write_text(source, encoding="utf-8")
    found = {item.name: item for item in load_heuristics([str(file)])}
    assert found["nearest colour word"].phrase == "the nearest preceding colour word"
    assert found["every colour word"].phrase == "all colour words so far"
    assert found["same initial letter"].kind == "relation"
    code = [line for line in source.splitlines() if line and not line.startswith(('"""', "from"))]
    assert len(code) <= 10  # a plugin of ten lines


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_those_of_the_command_line(command: str):
    words = shlex.split(command)
    path = words[:2] if words[0] == "heuristics" else words[:1]
    shown = CliRunner().invoke(app, [*path, "--help"], terminal_width=200)
    assert shown.exit_code == 0, command
    options = [word for word in words if word.startswith("--")]
    assert [option for option in options if option not in shown.stdout] == []


def test_every_command_is_shown():
    group = typer.main.get_command(app)
    shown = {command.split()[0] for command in COMMANDS}
    assert set(group.commands) - shown == set()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "document",
    ["README.md", "docs/method.md", "docs/reliability.md", "docs/scaling.md", "CONTRIBUTING.md"],
)
def test_links_lead_somewhere(document: str):
    folder = (ROOT / document).parent
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / document).read_text(encoding="utf-8"))
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_picture_is_small():
    assert (ROOT / "docs" / "report.png").stat().st_size <= 300_000
