"""`labeler run`: its options, and what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labeler.paths import PATH


def run(
    model: Annotated[
        str | None, typer.Option(help="Hub name or folder in Hugging Face format [embedded].")
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            help=".txt, .jsonl, .csv, .parquet, a folder of .txt, hf:NAME[:split], - [stories]."
        ),
    ] = None,
    prompt: Annotated[
        list[str] | None, typer.Option(help="A prompt by itself; repeatable, instead of --corpus.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Where the text is [text].")] = None,
    out: Annotated[
        Path | None,
        typer.Option(**PATH, help="The run folder [runs/labels]."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps [auto].")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 … [float32].")] = None,
    revision: Annotated[
        str | None, typer.Option(help="A branch, tag, commit or checkpoint on the hub [main].")
    ] = None,
    device_map: Annotated[
        str | None, typer.Option(help="auto or balanced: spread over several GPUs.")
    ] = None,
    pickle: Annotated[
        bool, typer.Option("--pickle", help="Also read weights in pytorch_model.bin.")
    ] = False,
    max_prompts: Annotated[int | None, typer.Option(help="Take the first N prompts.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Cut every prompt after N tokens.")] = None,
    min_tokens: Annotated[int | None, typer.Option(help="Leave out shorter prompts.")] = None,
    plugin: Annotated[
        list[str] | None, typer.Option(help="A file or module with heuristics; repeatable.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this heuristic; repeatable.")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Without this heuristic; repeatable.")
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave out a plugin that fails, and say so.")
    ] = False,
    spacy: Annotated[str | None, typer.Option(help="A spaCy pipeline, or none [embedded].")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of what is drawn [0].")] = None,
    engine: Annotated[
        str | None, typer.Option(help="processes, serial, or ray: many machines [auto].")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="A Ray cluster [this machine]: auto, HOST:6379.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [one a core or GPU].")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads of a process [1; all cores if there is one].")
    ] = None,
    frequent_tokens: Annotated[
        int | None,
        typer.Option(help="Tokens that neurons are described by one by one; bounds memory [256]."),
    ] = None,
    top_activations: Annotated[
        int | None, typer.Option(help="Strongest activations shown of a neuron [3].")
    ] = None,
    reservoir_tokens: Annotated[
        int | None, typer.Option(help="Tokens that every neuron's activations are kept at [3000].")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(**PATH, help="A TOML file of options; flags override it."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run in --out.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run the labels afterwards: what they cost.")
    ] = False,
    choose_by: Annotated[
        str | None,
        typer.Option(
            help="What labels of heads fit: pattern, or effect: and what that does [pattern]."
        ),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave the report out.")] = False,
    copy_to: Annotated[
        str | None, typer.Option(help="Copy the finished folder to a URL: s3://BUCKET/RUN.")
    ] = None,
) -> None:
    """Label a model over a corpus; leaves a run folder and a report."""
    from labeler.config import Settings, load_settings
    from labeler.engines.threads import keep_memory
    from labeler.remote import check_target, copy_run
    from labeler.run import run_labels
    from labeler.terminal import TerminalProgress, console, head_table, in_full

    given = {
        "model": model,
        "corpus": corpus,
        "column": column,
        "out": out,
        "device": device,
        "dtype": dtype,
        "revision": revision,
        "device_map": device_map,
        "pickle": pickle or None,
        "max_prompts": max_prompts,
        "max_tokens": max_tokens,
        "min_tokens": min_tokens,
        "spacy": spacy,
        "seed": seed,
        "engine": engine,
        "address": address,
        "workers": workers,
        "threads": threads,
        "frequent_tokens": frequent_tokens,
        "top_activations": top_activations,
        "reservoir_tokens": reservoir_tokens,
        "prompts": prompt or None,
        "plugin": plugin or None,
        "only": only or None,
        "without": without or None,
        "keep_going": keep_going or None,
        "verify": verify or None,
        "choose_by": choose_by,
        "overwrite": overwrite or None,
        "resume": resume or None,
    }
    keep_memory()
    if resume and config is None:
        config = _begun(Path(out or Settings.out), bool(model or corpus or prompt))
    settings = load_settings(config, given)
    if copy_to is not None:
        check_target(copy_to)
    try:
        with TerminalProgress(console(stderr=True)) as progress:
            finished = run_labels(settings, progress)
            if settings.verify:
                if not no_report:
                    finished.report()  # to be had while the labels are verified, or if that stops
                finished = finished.verify(progress)
    except KeyboardInterrupt:  # here, because Typer ends with 130 and without a word
        instead = " in place of --overwrite" if settings.overwrite else ""
        on = f"; the same command with --resume{instead} goes on"
        written = (settings.out / "plan.json").is_file()
        typer.echo(f"labeler: stopped{on if written else ', nothing was written'}", err=True)
        raise typer.Exit(130) from None
    shown = console()
    shown.print(head_table(finished.heads))
    shown.print(in_full(str(finished.path)), soft_wrap=True)
    shown.print()
    for line in finished.headlines:
        shown.print(line, highlight=False)
    for line in finished.warnings:
        console(stderr=True).print(f"warning: {line}", highlight=False, markup=False)
    if not no_report:
        shown.print(f"Report: {finished.report()}", highlight=False, soft_wrap=True)
    if copy_to is not None:
        copy_run(finished.path, copy_to)
        shown.print(f"Copied to: {copy_to}", highlight=False, markup=False, soft_wrap=True)


def _begun(out: Path, told: bool) -> Path | None:
    """What the run in a folder was begun with; flags override it."""
    from labeler.errors import ConfigError

    settings = out / "settings.toml"
    if settings.is_file():
        return settings
    if not told:
        raise ConfigError(f"there is no run to go on with in {out}; say what to label")
    return None
