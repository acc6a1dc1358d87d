"""Write the page: templates, style and scripts into one index.html, data beside it or within it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from labeler.results import RunFolder, RunFolderError, write_atomic
from reports import view as views
from reports.pack import script
from reports.parts import parts
from reports.place import Kind, refuse_other, replaced
from reports.reviewed import verdicts

STATIC = Path(__file__).parent / "static"
STYLES = ("theme.css", "page.css", "figures.css", "activations.css", "print.css")
SCRIPTS = (
    "core.js",
    "scales.js",
    "table.js",
    "head.js",
    "neurons.js",
    "activations.js",
    "review.js",
    "start.js",
)

TRUSTED = "trusted-types labeler"
"""In the policy of every report, so by which one is known."""

REPORT = Kind(
    name="a report",
    tops=("index.html", "data"),
    files=re.compile(r"index\.html|data/(heat|[a-z]+-L-?\d+(-\d+)?)\.js"),
    marked="index.html",
    mark=TRUSTED,
)

_SPARE = re.compile(r" ?(=>|[=!]==|&&|\|\||\?\?|[-+*<>]=|[{}(),;:?=<>|+*]) ?")
"""An operator or bracket of JavaScript with the spaces around it."""


def render(run_folder: RunFolder, out: Path, single_file: bool = False) -> Path:
    """Write the report of a run into the folder `out` and return the path of its page.

    The data of each layer lie in `out/data/`, and are loaded when opened; with `single_file` they
    lie in the page itself, which can then be mailed: `out/index.html`, or `out` where that ends in
    .html. An earlier report there is replaced when the new one is whole. Raises RunFolderError
    where anything else stands in its place.
    """
    out = Path(out)
    if out.suffix.lower() == ".html" and not (single_file or out.is_dir()):
        raise RunFolderError(
            f"{out} is the name of a page, and a report is a folder; name a folder, or add "
            "--single-file (single_file=True)"
        )
    run_folder.refuse_own(out, but="report")
    run_folder.refuse_links(out, *(out / name for name in REPORT.tops))
    if single_file and out.suffix.lower() == ".html":
        refuse_other(out, REPORT)
        with run_folder.blamed():
            write_atomic(out, _written(run_folder, None).encode())
        return out
    with run_folder.blamed(), replaced(out, REPORT) as fresh:
        text = _written(run_folder, None if single_file else fresh / "data")
        (fresh / "index.html").write_text(text, encoding="utf-8")
    return out / "index.html"


def _written(run_folder: RunFolder, data: Path | None) -> str:
    """Write the parts into the folder `data`, or else into the page; the text of the page."""
    names, inside = [], []
    for name, make in parts(run_folder):
        names.append(name)
        if data is None:
            inside.append((name, make()))
        else:
            data.mkdir(exist_ok=True)
            (data / f"{name}.js").write_text(script(name, make()), encoding="ascii")
    return page(run_folder, names, inside)


def page(run_folder: RunFolder, names: list[str], inside: list[tuple[str, str]]) -> str:
    """The text of index.html; `inside` are the parts that it carries itself."""
    ours = Markup  # our own files, which no text of a run has entered
    early = squeeze(read("early.js"))
    main = '"use strict";\n' + "\n".join(squeeze(read(name)) for name in SCRIPTS)
    style = "\n".join(read(name) for name in STYLES)
    report = views.view(run_folder)
    template = environment().get_template("index.html")
    return template.render(
        report=report,
        style=ours(style),
        early=ours(early),
        main=ours(main),
        policy=policy(early, main, style, outside=not inside),
        embedded=inside,
        page_data=page_data(report, names, run_folder),
    )


def read(name: str) -> str:
    """A static file of ours."""
    return (STATIC / name).read_text(encoding="utf-8")


def squeeze(text: str) -> str:
    """A script without comments and spare spaces; our scripts have no comments within strings."""
    lines = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines()
    return "\n".join(_tight(line.strip()) for line in lines if line.strip())


def _tight(line: str) -> str:
    """A line without the spaces that only a reader needs; strings stay as they are."""
    pieces = re.split(r"""("[^"]*"|'[^']*'|`[^`]*`)""", line)
    code = "".join(pieces[::2]).replace(" / ", "")
    if "\\" in line or "/" in code or line.count("`") > 2:
        return line  # a regular expression, or a template within a template
    pieces[::2] = [_SPARE.sub(r"\1", piece) for piece in pieces[::2]]
    return "".join(pieces)


def environment() -> Environment:
    """Jinja that escapes everything and stops at what is not there."""
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def policy(early: str, main: str, style: str, outside: bool) -> str:
    """The Content-Security-Policy: our two scripts by hash, data scripts of the same place."""
    hashes = " ".join(f"'sha256-{source_hash(text)}'" for text in (early, main))
    beside = " 'self' file:" if outside else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {hashes}{beside}",
            f"style-src 'sha256-{source_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            TRUSTED,
        )
    )


def source_hash(text: str) -> str:
    """The SHA-256 of a style or script, as a Content-Security-Policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def page_data(report: views.ReportView, names: list[str], run_folder: RunFolder) -> dict[str, Any]:
    """What the scripts need at once: names of parts, metrics of the map, verdicts so far."""
    return {
        "run": report.run_key,
        "title": report.title,
        "parts": names,
        "heads": [head.name for head in report.heads],
        "metrics": [
            {
                "key": m.key,
                "scale": m.scale,
                "values": m.values,
                "steps": m.steps,
                "low": m.low,
                "high": m.high,
            }
            for m in report.metrics
        ],
        "review": {name: vars(found) for name, found in verdicts(run_folder.review).items()},
    }
