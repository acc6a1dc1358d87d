"""The head-description table for a README and for a paper."""

from __future__ import annotations

from labeler.results import RunFolder
from reports.escape import latex, markdown
from reports.head_view import HeadView, head_views
from reports.view import thresholds_text, title_of
from reports.wording import minus, sentence


def markdown_table(folder: RunFolder) -> str:
    """Title, headlines, `Head | Description` with marks, R² and recovered; legend beneath.

    Rendered, it shows the words of the report: what has no shape of its own (a NUL, a mark of
    direction) as its picture or number.
    """
    heads = head_views(folder)
    measured = any(head.recovered is not None for head in heads)
    columns = ["Head", "Description", "R²"] + (["Recovered"] if measured else [])
    lines = [f"# {markdown(title_of(folder))}", ""]
    for key in ("headline", "headline_replacement"):
        if folder.run.get(key):
            lines += [markdown(minus(sentence(folder.run[key]))), ""]
    lines += ["| " + " | ".join(columns) + " |", "|---|---|" + "---:|" * (len(columns) - 2)]
    for head in heads:
        interval = f" ({head.r2_interval})" if head.r2_interval else ""
        cells = [head.name, described(head), f"{head.r2_text}{interval}"]
        if measured:
            cells.append(head.recovered_text)
        lines.append("| " + " | ".join(map(markdown, cells)) + " |")
    legend = thresholds_text(folder.run.get("settings") or {})
    return "\n".join([*lines, "", markdown(legend), ""])


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


def latex_table(folder: RunFolder) -> str:
    """A longtable in ASCII; its first lines name the packages and how strange signs are shown."""
    heads = head_views(folder)
    measured = any(head.recovered is not None for head in heads)
    names = ["Head", "Description", "$R^2$"] + (["Recovered"] if measured else [])
    rows = []
    for head in heads:
        words = latex(described(head))
        if head.confidence == "unlabelled":
            words = rf"\textcolor{{gray}}{{{words}}}"
        interval = rf" {{\scriptsize {latex(head.r2_interval)}}}" if head.r2_interval else ""
        cells = [latex(head.name), words, latex(head.r2_text) + interval]
        cells += [latex(head.recovered_text)] if measured else []
        rows.append(" & ".join(cells) + r" \\")
    legend = latex(thresholds_text(folder.run.get("settings") or {}))
    return "\n".join(
        [
            r"% \usepackage{booktabs,longtable,xcolor,textcomp}",
            r"% A character that pdfLaTeX has no letter for is printed by number: \texttt{U+2400}.",
            rf"\begin{{longtable}}{{lp{{0.62\linewidth}}{'r' * (len(names) - 2)}}}",
            rf"\caption{{Attention heads of {latex(title_of(folder))}. {legend}}}\\",
            r"\toprule",
            " & ".join(names) + r" \\",
            r"\midrule\endhead",
            *rows,
            r"\bottomrule",
            r"\end{longtable}",
            "",
        ]
    )
