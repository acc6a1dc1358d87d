"""Labels what attention heads and MLP neurons do, with evidence.

from labeler import label
run = label("embedded")
run.heads, run.neurons, run.report("report")
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["Run", "label"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from labeler import run

        return getattr(run, name)
    raise AttributeError(f"module 'labeler' has no attribute {name!r}")
