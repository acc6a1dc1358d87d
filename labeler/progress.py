"""How long work says how far it is; the terminal's form of it is in `labeler.terminal`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Told of each stage of a run and of every step done in it."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """A new stage of `total` steps begins."""

    def advance(self, steps: int = 1) -> None:
        """So many steps of the stage are done."""

    def note(self, text: str) -> None:
        """Something happened that whoever watches should know; the work goes on."""


class Silent:
    """Says nothing; for the Python API and for tests."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Nothing."""

    def advance(self, steps: int = 1) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""
