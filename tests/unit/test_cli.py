"""The command line itself: options and settings agree, errors end as they should."""

from __future__ import annotations

import errno
import inspect
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heuristics.errors import PluginError
from labeler import cli
from labeler.config import Settings

# Settings that only a configuration file or the API give.
NOT_FLAGS = {
    "long", "token_budget", "prompts_per_shard", "thresholds", "reinitialised",
}  # fmt: skip
NOT_SETTINGS = {"prompt", "config", "no_report", "copy_to"}


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int | str | None:
    def app(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as stopped:
        cli.main([])
    return stopped.value.code


def test_every_setting_is_an_option_or_is_known_not_to_be():
    options = set(inspect.signature(cli.run).parameters)
    settings = {field.name for field in fields(Settings)}
    assert options - NOT_SETTINGS == settings - NOT_FLAGS - {"prompts"}


def test_every_option_reaches_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Called as the command line calls it, with a value for everything."""
    seen: dict[str, object] = {}

    def load_settings(config: Path | None, given: dict[str, object]) -> Settings:
        seen.update(given)
        raise PluginError("far enough")

    import labeler.run  # noqa: F401 - it must not bind what is put in place here

    monkeypatch.setattr("labeler.config.load_settings", load_settings)
    values = {
        name: [name] if name in {"prompt", "plugin", "only", "without"} else name
        for name in inspect.signature(cli.run).parameters
    }
    with pytest.raises(PluginError):
        cli.run(**values)
    assert seen.pop("prompts") == ["prompt"]
    assert seen == {name: value for name, value in values.items() if name not in NOT_SETTINGS}


def test_the_users_error_is_one_line(monkeypatch, capsys):
    assert ended(monkeypatch, PluginError("two\nlines \x1b[31m")) == 2
    assert capsys.readouterr().err == "labeler: two\\nlines \\x1b[31m\n"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_what_the_disk_refuses_is_the_users_error(monkeypatch, capsys, code: int):
    assert ended(monkeypatch, OSError(code, "reason", "place")) == 2
    assert capsys.readouterr().err == "labeler: place: reason\n"


def test_our_own_error_keeps_its_traceback(monkeypatch):
    def app(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(ZeroDivisionError):
        cli.main([])


@pytest.mark.parametrize("option", ["", " in place of --overwrite"])
def test_an_interrupt_says_how_to_go_on(monkeypatch, capsys, tmp_path, option: str):
    """Through Typer, which has an end of its own for interrupts."""
    monkeypatch.chdir(tmp_path)

    def run_labels(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("labeler.run.run_labels", run_labels)
    for said in (", nothing was written", f"; the same command with --resume{option} goes on"):
        with pytest.raises(SystemExit) as raised:
            cli.main(["run", "--out", "a", *option.split()[-1:]])
        assert raised.value.code == 130
        assert capsys.readouterr().err == f"labeler: stopped{said}\n"
        Path("a").mkdir(exist_ok=True)
        Path("a/plan.json").write_text("{}")


@pytest.mark.parametrize("group", [[], ["heuristics"]])
def test_a_list_of_commands_says_of_each_all_that_it_has_to_say(group: list[str]):
    """At 80 columns nothing is cut off."""
    shown = CliRunner().invoke(cli.app, [*group, "--help"], terminal_width=80).stdout
    lines = shown.partition("Commands:\n")[2].splitlines()
    assert len(lines) >= 4
    assert [line for line in lines if not line.endswith((".", "?")) or "..." in line] == []
