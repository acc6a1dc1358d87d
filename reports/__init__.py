"""The report and the exports: a run folder goes in, files for people come out.

`render` writes the page, `export` the tables. Nothing here knows models, heuristics or torch.
"""

from __future__ import annotations

from reports.export import ENDINGS, FORMATS, export
from reports.render import render

__all__ = ["ENDINGS", "FORMATS", "export", "render"]
