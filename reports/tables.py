"""The head-description table for a README and for a paper."""

from __future__ import annotations

import re

from labeler.results import RunFolder
from reports.head_view import HeadView, head_views
from reports.view import thresholds_text

_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"$\sim$",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "−": "$-$",
    "·": r"$\cdot$",
    "⏎": r"$\hookleftarrow$",
    "×": r"$\times$",
    "²": r"$^2$",
    "⟨": r"$\langle$",
    "⟩": r"$\rangle$",
    "“": "``",
    "”": "''",
    "’": "'",
    "‘": "`",
}


def markdown_table(folder: RunFolder) -> str:
    """Title, headline, `Head | Description` with marks, R² and recovered; legend beneath."""
    heads = head_views(folder)
    measured = any(head.recovered is not None for head in heads)
    columns = ["Head", "Description", "R²"] + (["Recovered"] if measured else [])
    lines = [
        f"# {_markdown(str(folder.run['model'].get('name', 'model')))}",
        *["", _markdown(str(folder.run.get("headline") or "")), ""],
        "| " + " | ".join(columns) + " |",
        "|---|---|" + "---:|" * (len(columns) - 2),
    ]
    for head in heads:
        interval = f" ({head.r2_interval})" if head.r2_interval else ""
        cells = [head.name, _markdown(described(head)), f"{head.r2_text}{interval}"]
        if measured:
            cells.append(head.recovered_text)
        lines.append("| " + " | ".join(cells) + " |")
    legend = thresholds_text(folder.run.get("settings") or {})
    return "\n".join([*lines, "", _markdown(legend), ""])


def described(head: HeadView) -> str:
    """The description as the source's table has it: mark, words; "unlabelled" where there are none.

    A reader's rejection and the automatic wording behind a correction are said in brackets.
    """
    if head.confidence == "unlabelled" or not head.label:
        text = head.label or "unlabelled"
    else:
        text = f"{head.mark} {head.label}".strip()
    if head.verdict and head.verdict.verdict == "reject":
        text += " [rejected in review]"
    return f"{text} [automatic: {head.automatic}]" if head.automatic else text


def _markdown(text: str) -> str:
    """Text that Markdown shows as it is, in one table cell."""
    escaped = re.sub(r"([\\`*_~\[\]|<>#])", r"\\\1", text)
    return escaped.replace("\r", " ").replace("\n", " ")


def latex_table(folder: RunFolder) -> str:
    """A longtable (packages booktabs and longtable)."""
    rows = []
    for head in head_views(folder):
        words = _latex(described(head))
        if head.confidence == "unlabelled":
            words = rf"\textcolor{{gray}}{{{words}}}"
        interval = rf" {{\scriptsize {_latex(head.r2_interval)}}}" if head.r2_interval else ""
        cells = [head.name, words, _latex(head.r2_text) + interval, _latex(head.recovered_text)]
        rows.append(" & ".join(cells) + r" \\")
    title = _latex(str(folder.run["model"].get("name", "model")))
    return "\n".join(
        [
            r"% \usepackage{booktabs,longtable,xcolor}",
            r"\begin{longtable}{lp{0.62\linewidth}rr}",
            rf"\caption{{Attention heads of {title}. "
            + _latex(thresholds_text(folder.run.get("settings") or {}))
            + r"}\\",
            r"\toprule",
            r"Head & Description & $R^2$ & Recovered \\",
            r"\midrule\endhead",
            *rows,
            r"\bottomrule",
            r"\end{longtable}",
            "",
        ]
    )


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in text)
