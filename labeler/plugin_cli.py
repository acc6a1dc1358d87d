"""`labeler heuristics …`: list, define, check and begin heuristics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labeler.paths import PATH, at_home

heuristics_app = typer.Typer(
    help="The predictions that labels are made of.", no_args_is_help=True, rich_markup_mode=None
)
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="<list[str]>",
        parser=at_home,
        help="A file, folder or module; repeatable.",
    ),
]


@heuristics_app.command("list")
def list_heuristics(
    plugin: Plugins = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With exact definitions, as docs/heuristics.md.")
    ] = False,
) -> None:
    """All heuristics by kind, name and where they come from."""
    from rich.table import Table

    from heuristics.registry import load_heuristics, project_plugins
    from labeler.heuristics_page import page
    from labeler.terminal import console

    found = load_heuristics([*(plugin or ()), *project_plugins()])
    if markdown:
        typer.echo(page(found), nl=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("kind", "name", "module", "package"):
        table.add_column(column)
    for item in found:
        table.add_row(item.kind, item.name, item.module, f"{item.package} {item.version}".strip())
    console().print(table)


@heuristics_app.command("show")
def show_heuristic(
    name: Annotated[str, typer.Argument(help="The name of a heuristic.")], plugin: Plugins = None
) -> None:
    """What a heuristic means, exactly."""
    from heuristics.registry import load_heuristics, project_plugins

    for item in load_heuristics([*(plugin or ()), *project_plugins()], only=(name,)):
        typer.echo(f"{item.name} ({item.kind}, {item.module})")
        typer.echo(item.description or "Not defined: its function has no docstring.")
        typer.echo(f"In a label: {item.phrase}")
        if item.source:
            typer.echo(f"Source: {item.source}")


@heuristics_app.command("check")
def check(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A plugin file or module.", parser=at_home)
    ],
) -> None:
    """Does a plugin keep the contract, and what does it add?

    Also what it costs, and what of it the built-in heuristics say already.
    """
    from labeler.errors import PluginError
    from labeler.plugin_check import check_plugin
    from labeler.plugin_terminal import checked_plugin
    from labeler.terminal import TerminalProgress, console

    with TerminalProgress(console(stderr=True)) as progress:
        checked = check_plugin(file, progress)
    shown = console()
    for part in checked_plugin(checked):
        shown.print(part, highlight=False, markup=False)
    failed = [row for row in checked.found if row.error]
    if failed:
        raise PluginError(f"{len(failed)} of {len(checked.found)} heuristics of {file} fail")


@heuristics_app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="What it is about, as in 'colour word'.")],
    to: Annotated[Path, typer.Option(**PATH, help="The folder to write into.")] = Path(),
) -> None:
    """Begin a plugin: a file that works, and its test."""
    from labeler.plugin_new import new_plugin

    plugin, test = new_plugin(name, to)
    typer.echo(f"{plugin}\n{test}\nNext: labeler heuristics check {plugin}")
