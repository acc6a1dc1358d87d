"""Labels what attention heads and MLP neurons do, with evidence.

from labeler import label, load
run = label("embedded")
run.heads, run.neurons, run.report("report")
run = load("runs/labels")  # a run of before
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labeler.run import Run, label, load

__version__ = "0.1.0"
__all__ = ["Run", "label", "load"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from labeler import run

        return getattr(run, name)
    raise AttributeError(f"module 'labeler' has no attribute {name!r}")


def __dir__() -> list[str]:
    """For `help` and completion: what is imported when it is asked for is there, too."""
    return sorted({*globals(), *__all__})
