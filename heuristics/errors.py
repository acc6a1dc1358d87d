"""The error family: a message says what, which value, what was expected and what to do next."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable


class LabelerError(Exception):
    """Something the user can mend; shown as one line, never as a traceback."""


class PluginError(LabelerError):
    """A heuristic broke its contract; the message names it, its module and the prompt.

    `heuristic`, `kind`, `module` and `prompt` name the culprit where it is a single heuristic and
    are empty otherwise; `reason` is the message without them.
    """

    def __init__(
        self,
        message: str,
        *,
        heuristic: str = "",
        kind: str = "",
        module: str = "",
        prompt: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.heuristic = heuristic
        self.kind = kind
        self.module = module
        self.prompt = prompt
        self.reason = reason or message


def line_in(file: str | None, error: BaseException) -> str:
    """Where in a file an error comes from, as " (line 12)"; empty where that is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f" (line {lines[-1]})" if lines and not isinstance(error, SyntaxError) else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of an error about an unknown name: the nearest known ones, or where to look."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(candidate) for candidate in near) + "?"
    shown = ", ".join(repr(candidate) for candidate in known[:12])
    return f"known are {shown}" + (f" and {len(known) - 12} more" if len(known) > 12 else "")
