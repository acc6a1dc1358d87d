"""The command line: each command reads its options, calls the library, shows the result."""

from __future__ import annotations

import atexit
import errno
import gc
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from labeler.paths import PATH, at_home, local_path
from labeler.plugin_cli import heuristics_app
from labeler.reader_cli import compare, review, run_path, write_report_again
from labeler.run_cli import run
from labeler.try_cli import try_plugin

app = typer.Typer(
    help="Label what every attention head and MLP neuron of a language model does, with evidence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(heuristics_app, name="heuristics")
app.command()(run)
app.command("try")(try_plugin)
app.command()(review)
app.command()(compare)

_USERS_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", parser=local_path)]
ReadPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, or its URL.", parser=run_path)
]


@app.command()
def report(
    run: ReadPath,
    out: Annotated[
        Path | None,
        typer.Option(**PATH, help="The folder to write into [RUN/report]."),
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One file to mail; --out may be its name, x.html.")
    ] = False,
) -> None:
    """Write the HTML report of a run folder."""
    from labeler.results import open_run
    from reports.render import render

    typer.echo(render(open_run(run), out or run / "report", single_file))


@app.command()
def export(
    run: ReadPath,
    out: Annotated[
        Path,
        typer.Option(**PATH, help="A file, or a folder for csv and headvis."),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="markdown, csv, json, latex, headvis or neuronpedia [by the ending of --out].",
        ),
    ] = None,
) -> None:
    """Write the labels of a run in another form."""
    from labeler.errors import ConfigError, did_you_mean
    from labeler.results import open_run
    from reports import ENDINGS, FORMATS
    from reports import export as write

    ending = out.suffix.lower()
    if kind is None and ending not in ENDINGS:
        known = ", ".join(f"{name} ({of})" for name, of in ENDINGS.items())
        raise ConfigError(
            f"--out {out} has no ending that names a format; end it in {known}, or give --format"
        )
    kind = kind or ENDINGS[ending]
    if kind not in FORMATS:
        raise ConfigError(f"unknown format {kind!r}; {did_you_mean(kind, FORMATS)}")
    typer.echo(write(open_run(run), kind, out))
    if kind == "csv" and ending == ".csv":
        typer.echo("note: heads alone; --format csv --out FOLDER has the neurons, too", err=True)


@app.command()
def verify(
    run: RunPath,
    max_prompts: Annotated[
        int, typer.Option(help="Prompts to choose the order on, and as many to judge on.")
    ] = 150,
    neurons: Annotated[
        str | None, typer.Option(help="Ablate these neurons instead: L0N12,L0N77.")
    ] = None,
) -> None:
    """Replace heads by what their labels say, and measure the loss.

    A report that the run has is written again, with what was found.
    """
    from labeler.engines.threads import take_cores
    from labeler.terminal import TerminalProgress, ablation_table, console, replacement_table
    from labeler.verification import verify as run_verification
    from labeler.verification import verify_neurons

    take_cores()
    if neurons is not None:
        names = [name.strip() for name in neurons.split(",") if name.strip()]
        console().print(ablation_table(verify_neurons(run, names)))
        write_report_again(run)
        return
    with TerminalProgress(console(stderr=True)) as progress:
        folder = run_verification(run, progress, max_prompts)
    shown = console()
    shown.print(replacement_table(folder))
    shown.print(folder.run["headline_replacement"], highlight=False)
    write_report_again(run)


@app.command()
def stats(
    prompt: Annotated[str, typer.Option(help="The prompt to look at.")],
    model: Annotated[
        str, typer.Option(help="Hub name or folder in Hugging Face format.")
    ] = "embedded",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    revision: Annotated[str | None, typer.Option(help="A branch, tag or commit.")] = None,
    pickle: Annotated[
        bool, typer.Option("--pickle", help="Also read weights in pytorch_model.bin.")
    ] = False,
) -> None:
    """Statistics of every hook over one prompt.

    Mean, deviation, quartiles and extremes, all exact.
    """
    from labeler.config import Settings
    from labeler.engines.threads import take_cores
    from labeler.errors import CorpusError
    from labeler.hooks import prompt_statistics
    from labeler.model import load_model
    from labeler.session import model_name
    from labeler.terminal import console, hook_table

    take_cores()
    name = model_name(Settings(model=at_home(model)))
    loaded = load_model(name, device, revision=revision, pickle=pickle)
    rows = prompt_statistics(loaded, prompt)
    if not rows:
        raise CorpusError("the prompt has no tokens; give --prompt some text")
    console().print(hook_table(rows))


@app.command()
def models(
    markdown: Annotated[bool, typer.Option("--markdown", help="docs/models.md.")] = False,
) -> None:
    """The families of models, and what can be done with each."""
    from labeler.families import page
    from labeler.terminal import console, family_table

    if markdown:
        typer.echo(page(), nl=False)
    else:
        console().print(family_table())


@app.command()
def show(
    run: ReadPath,
    name: Annotated[
        str | None, typer.Argument(help="A head or neuron: L0H6, L0N512 [the table of all heads].")
    ] = None,
) -> None:
    """One head or neuron in the terminal, or all heads.

    Of one its label, shares, exceptions and evidence; of all their labels in short.
    """
    from labeler.component_terminal import component
    from labeler.errors import ConfigError, first_to_last
    from labeler.results import open_run
    from labeler.terminal import console, head_table, in_full
    from reports.reviewed import in_short, said, verdicts, worded

    folder = open_run(run)
    shown, reviewed = console(), verdicts(folder.review)
    if name is None:
        rows = folder.heads.to_dict("records")
        gists = [in_short(row, reviewed.get(row["name"])) for row in rows]
        shown.print(head_table(folder.heads.assign(gist=gists)))
        shown.print(in_full(str(run)), soft_wrap=True)
        shown.print()
        for line in folder.headlines:
            shown.print(line, highlight=False)
        return
    heads, neurons = list(folder.heads["name"]), list(folder.neurons["name"])
    if name.upper() not in {*heads, *neurons}:
        there = [first_to_last(own) for own in (heads, neurons) if own]
        raise ConfigError(f"no head or neuron {name!r} in {run}; it has {' and '.join(there)}")
    name = name.upper()
    verdict = reviewed.get(name)
    label, automatic = worded("automatic", verdict)
    with folder.blamed():
        for part in component(folder, name, label if automatic else "", said(verdict)):
            shown.print(part)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; the user's errors are one line and exit code 2."""
    from heuristics.errors import LabelerError
    from labeler.readers import printable

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows ASCII alone
    atexit.register(gc.freeze)  # who leaves need not look for garbage in all that was loaded
    try:
        return app(args=arguments, standalone_mode=True)
    except LabelerError as error:
        typer.echo(f"labeler: {printable(str(error), 2000)}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _USERS_ERRORS:
            raise
        typer.echo(f"labeler: {error.filename or 'a file'}: {error.strerror}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
