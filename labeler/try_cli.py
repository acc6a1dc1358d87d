"""`labeler try`: once, or again whenever the file is saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from labeler.paths import PATH, at_home


def try_plugin(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A plugin file or module.", parser=at_home)
    ],
    run: Annotated[Path, typer.Option(**PATH, help="The run folder to try it on.")],
    max_prompts: Annotated[
        int, typer.Option(help="Prompts of the run to take, at least one shard of each fold.")
    ] = 400,
    watch: Annotated[
        bool, typer.Option("--watch", help="Try again whenever FILE is saved; Ctrl-C ends.")
    ] = False,
) -> None:
    """Which labels of a run would new heuristics change?"""
    from labeler.engines.threads import take_cores
    from labeler.errors import ConfigError
    from labeler.terminal import TerminalProgress, console
    from labeler.trial import extend, open_session
    from labeler.trial_fit import trial
    from labeler.trial_terminal import trial_report

    if watch and not Path(file).is_file():
        raise ConfigError(f"--watch is for a file that can be saved again; {file} is none")
    take_cores()

    def once() -> None:
        with TerminalProgress(console(stderr=True)) as progress:
            extended = extend(opened, file, max_prompts, progress)
            progress.stage("fit", 1, "labels")
            found = trial(extended)
        shown = console()
        for part in trial_report(found):
            shown.print(part, highlight=False, markup=False)

    with TerminalProgress(console(stderr=True)) as progress:
        progress.stage("load", 1, "run")
        opened = open_session(run)
    if watch:
        watched(Path(file), once)
    else:
        once()


def watched(file: Path, once: Callable[[], None]) -> None:
    """Call it now and whenever the file is saved, until Ctrl-C; a plugin's errors are shown."""
    from heuristics.errors import PluginError

    with suppress(KeyboardInterrupt):
        while True:
            seen = _saved(file)
            try:
                once()
            except PluginError as error:
                typer.echo(f"labeler: {error}", err=True)
            typer.echo(f"\nWaiting until {file} is saved again; Ctrl-C ends.", err=True)
            while _saved(file) in (seen, None):
                time.sleep(0.2)


def _saved(file: Path) -> tuple[int, int] | None:
    """What changes when a file is saved; None while it is not there."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
