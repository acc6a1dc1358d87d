"""Paths as a user writes them: `~` is his home wherever no shell has said so already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labeler.errors import ConfigError


def at_home(text: str) -> str:
    """A name with `~` or `~user` at its beginning spelt out, any other as it is.

    ConfigError for a path into the home of a user that there is not: a new folder of that name is
    not what was meant.
    """
    if not text.startswith("~"):
        return text
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        first, within, _ = text.partition("/")
        if within and not Path(first).exists():
            said = f"{text}: there is no home folder {first}; give the path in full"
            raise ConfigError(said) from None
        return text


def local_path(path: str | Path) -> Path:
    """A path of the command line."""
    return Path(at_home(str(path)))


PATH: dict[str, Any] = {"metavar": "<path>", "parser": local_path}
"""An option that is a path."""
