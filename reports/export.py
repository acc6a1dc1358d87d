from __future__ import annotations

FORMATS = ()


def export(run_folder, format, out): ...
