"""What Markdown and LaTeX print is what stood there, for any text."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from reports.escape import latex, markdown
from reports.wording import sentence
from tests.data.synthetic_heads import HOSTILE

TRICKY = (
    "a & b &amp; c",
    "<b>not bold</b>",
    "a | b \\| c \\",
    "`code` ``and`` \\`more\\`",
    "**bold** _so_ ~~gone~~ ~ [link](http://x.y)",
    "C:\\path\\new $x$ #1",
    "1. no list",
    "- nor here",
    "=== no title",
    "~~~",
    "--- a -- b",
    "it's \"so\" 'and' ``so'' ?` ,, <<x>>",
    "é ï ǎ ß Ø e\u0301\u0301 ξ 日本",
)
SHOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PREAMBLE = r"\documentclass{article}\usepackage{booktabs,longtable,xcolor,textcomp}"


def seen(inline: Any) -> str:
    """The text of an inline token; markup or raw HTML in it is a failure."""
    assert {child.type for child in inline.children} <= {"text", "text_special"}, inline.children
    return "".join(child.content for child in inline.children)


def squashed(text: str) -> str:
    """As a page shows it: runs of spaces are one."""
    return re.sub(" +", " ", text.strip())


@pytest.mark.parametrize("text", [*TRICKY, *HOSTILE])
def test_markdown_shows_the_text_alone_and_in_a_cell(text: str) -> None:
    text = sentence(text)
    alone = SHOWN.parse(markdown(text))
    assert [token.type for token in alone] == ["paragraph_open", "inline", "paragraph_close"]
    assert seen(alone[1]) == squashed(text)
    table = SHOWN.parse(f"| a | b |\n|---|---|\n| {markdown(text)} | end |\n")
    cells = [seen(token) for token in table if token.type == "inline"]
    assert cells == ["a", "b", squashed(text), "end"]


def test_ends_of_lines_stay_in_the_cell_and_are_seen() -> None:
    assert markdown("a\nb\r\nc\rd") == "a⏎b⏎c⏎d"


def test_latex_says_what_it_has_no_letter_for_by_number() -> None:
    assert latex("nul␀日") == r"nul\texttt{U+2400}\texttt{U+65E5}"
    assert latex(sentence("\u202e")) == r"$\langle$U+202E$\rangle$"
    assert latex("🦔") == r"\texttt{U+1F994}"


def test_latex_spells_accents_and_breaks_ligatures() -> None:
    assert latex("é í Å e\u0301") == r"\'{e} \'{\i} \r{A} \'{e}"
    assert latex("e\u0301\u0301") == r"\'{e}\texttt{U+0301}"
    assert latex("a--b –") == r"a-{}-b --"


def test_latex_is_ascii_and_no_two_characters_look_the_same_in_it() -> None:
    """But for those that Unicode itself holds to be one, such as K and the Kelvin sign."""
    found: dict[str, str] = {}
    for code in [*range(32, 0xD800), *range(0xE000, 0x10000), 0x1F994]:
        char = unicodedata.normalize("NFC", chr(code))
        text = latex(char)
        assert text.isascii()
        assert found.setdefault(text, char) == char


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdfLaTeX")
def test_pdflatex_compiles_and_prints_it(tmp_path: Path) -> None:
    lines = [latex(sentence(text[:200])) for text in (*TRICKY, *HOSTILE)]
    body = "\n\n".join(rf"\noindent {line}" for line in lines)
    source = "\n".join([PREAMBLE, r"\begin{document}", body, r"\end{document}", ""])
    (tmp_path / "t.tex").write_text(source, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "t.log").read_text(errors="replace")
