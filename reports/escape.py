"""Text that Markdown and LaTeX print as it is, whatever stands in it."""

from __future__ import annotations

import re
import unicodedata

_MARKDOWN = re.compile(r"[\\`*_~\[\]|#$]")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BLOCK = re.compile(r"^(\d*)([-+=.)])(?!\d)")

_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"$\sim$",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\texttt{\char34}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "·": r"$\cdot$",
    "⏎": r"$\hookleftarrow$",
    "→": r"$\rightarrow$",
    "←": r"$\leftarrow$",
    "×": r"$\times$",
    "²": r"$^2$",
    "°": r"$^\circ$",
    "…": r"\ldots{}",
    "⟨": r"$\langle$",
    "⟩": r"$\rangle$",
    "“": "``",
    "”": "''",
    "’": "'",
    "‘": "`",
    "\u00a0": "~",
    "ß": r"\ss{}",
    "ı": r"\i{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
}
_ACCENTS = dict(
    zip(
        "\u0300\u0301\u0302\u0303\u0308\u0304\u0307\u0306\u030a\u030b\u030c\u0327\u0323",
        "`'^~\"=.urHvcd",
        strict=True,
    )
)
_DOTLESS = {"i": r"\i", "j": r"\j"}
_LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=,)(?=,)")


def markdown(text: str) -> str:
    """A line that Markdown shows as it is, alone or as a cell of a table; ends of lines are ⏎."""
    text = re.sub("\r\n?|\n", "⏎", text).strip()
    text = _MARKDOWN.sub(r"\\\g<0>", text)
    text = re.sub("[&<>]", lambda found: _HTML[found[0]], text)
    return _BLOCK.sub(r"\1\\\2", text)


def latex(text: str) -> str:
    r"""Text in ASCII that pdfLaTeX compiles with the packages of any installation.

    Signs that it has are spelt as commands, accents upon Latin letters too; any other character
    (a control picture, CJK, emoji) is printed by its number, as \texttt{U+2400}: none is lost.
    """
    pieces = _LIGATURES.split(unicodedata.normalize("NFC", text))
    return "{}".join("".join(map(_latex, piece)) for piece in pieces)


def _latex(char: str) -> str:
    if char in _LATEX:
        return _LATEX[char]
    if char.isascii() and char.isprintable():
        return char
    letter, *marks = list(unicodedata.normalize("NFD", char))
    if letter.isascii() and len(marks) == 1 and marks[0] in _ACCENTS:
        return rf"\{_ACCENTS[marks[0]]}{{{_DOTLESS.get(letter, letter)}}}"
    return rf"\texttt{{U+{ord(char):04X}}}"
